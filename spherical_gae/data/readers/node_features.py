"""From what a file says of its nodes to features and labels."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from spherical_gae.data.cleaning import some
from spherical_gae.data.feature_preparation import IN_SCALE, MAX_CATEGORIES, FeaturePreparation
from spherical_gae.data.readers.attributes import SIDE, choose_attributes, is_statistic, labels_of, sides_of
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.report import ReadReport

NO_FEATURES = "Features: none; the nodes get some by default."
"""What a report notes of a graph without any."""


def take_attributes(
    raw: RawGraph,
    data: Data,
    node_attributes: str | Sequence[str],
    labels: str | None,
    standardize: bool | Literal["auto"],
    *,
    own_file: bool,
) -> None:
    """Fills in ``x``, ``y`` and ``side`` of a graph, and how they were made.

    Args:
        raw: What was read.
        data: The graph.
        node_attributes: See :func:`~spherical_gae.data.readers.graph_files.read_graph`.
        labels: Likewise.
        standardize: Likewise.
        own_file: Whether the attributes stand in a file of features, whose columns were chosen by their owner.

    Raises:
        ValueError: If there is no such attribute, or one cannot be a feature.
    """
    report, table = raw.report, _table_of(raw)
    if raw.side is None and (side := sides_by_attribute(raw, table)) is not None:
        data.side = torch.from_numpy(side)
    if "side" in data:
        sizes = torch.bincount(data.side, minlength=2).tolist()
        report.notes.append(f"Sides of a bipartite graph: {sizes[0]:,} and {sizes[1]:,} nodes.")
    if labels is not None:
        y, data.label_names = labels_of(table, labels, report)
        data.y = torch.from_numpy(y)
    if (own_file and node_attributes == "auto") or (raw.x is not None and node_attributes == "auto"):
        table = _own_columns(table, labels, report)
    else:
        table = choose_attributes(table, node_attributes, labels, report)
    if own_file and not table.shape[1]:
        raise ValueError("features: given no column with values, allowed: at least one")
    if not table.shape[1]:
        report.notes.append(NO_FEATURES)
        return
    if raw.node_ids is not None:
        table = table.set_axis(list(raw.node_ids), axis=0)
    preparation = FeaturePreparation.fit(table, standardize)
    data.x, data.feature_preparation = preparation.transform(table), preparation
    _tell(preparation, table, report, standardize)


def take_prepared(raw: RawGraph, data: Data, preparation: FeaturePreparation, known: Container[str] = ()) -> None:
    """Fills in ``x`` of a later graph, whose attributes become features as those of an earlier one did.

    Args:
        raw: What was read.
        data: The graph.
        preparation: How the earlier graph's features were made.  Attributes that it does not name are left out.
        known: Nodes, as text, that have features already: theirs are 0 here, whatever the file says of them.

    Raises:
        ValueError: If the file has attributes but lacks one of those, or one is not of its kind.
    """
    table = _table_of(raw)
    ids = list(range(raw.num_nodes)) if raw.node_ids is None else list(raw.node_ids)
    is_new = np.array([str(node) not in known for node in ids], dtype=bool)
    if not table.shape[1] or not is_new.any():
        raw.report.notes.append(NO_FEATURES)
        return
    table = table.set_axis(ids, axis=0)[is_new]
    used = [*preparation.numbers, *preparation.categories]
    if raw.x is None:
        # A column such as place.0 is a part of the attribute place.
        wanted = {*used, *(name.rpartition(".")[0] for name in used)}
        table = choose_attributes(table, [name for name in map(str, table.columns) if name in wanted], None, raw.report)
    data.x = torch.zeros(raw.num_nodes, len(preparation.feature_names))
    data.x[torch.from_numpy(is_new)] = preparation.transform(table)
    raw.report.notes += notes_of_later(preparation, table)


def notes_of_later(preparation: FeaturePreparation, table: pd.DataFrame, known: Container[str] = ()) -> list[str]:
    """What is to be said of the features of later nodes.

    Args:
        preparation: How the first graph's features were made.
        table: What a file says of nodes, indexed by their ids: the columns of ``preparation``, and maybe others.
        known: Nodes, as text, whose features are not used.
    """
    is_known = np.array([str(node) in known for node in table.index], dtype=bool)
    notes = ["Features: made as those of the first graph were."]
    if is_known.any():
        notes.append(f"Features of nodes that are there already: {int(is_known.sum()):,}, not used.")
    table = table[~is_known]
    if missing := [name for name in preparation.numbers if table[name].isna().any()]:
        notes.append(f"Missing values take the mean of the first graph: {some(missing)}.")
    for name, values in preparation.unknown_categories(table).items():
        notes.append(f"Categories of {name} that the first graph does not have, left out: {some(values)}.")
    used = {str(name) for name in (*preparation.numbers, *preparation.categories)}
    if more := [str(name) for name in table.columns if str(name) not in used]:
        notes.append(f"Columns that the first graph's features were not made of, left out: {some(more)}.")
    return notes


def _table_of(raw: RawGraph) -> pd.DataFrame:
    """What a file says of its nodes, one row each; no column if it says nothing."""
    if raw.x is not None:
        return pd.DataFrame(_checked_matrix(raw), columns=[f"feature {k}" for k in range(raw.x.shape[1])])
    return pd.DataFrame(index=range(raw.num_nodes)) if raw.attributes is None else raw.attributes


def sides_by_attribute(raw: RawGraph, table: pd.DataFrame) -> NDArray[np.int64] | None:
    """The sides that the attribute ``bipartite`` names, if links are across them: a projection keeps it, too."""
    side = None if raw.is_one_kind else sides_of(table)
    if side is None:
        return None
    source, target = raw.edge_index
    if ((side[source] == side[target]) & (source != target)).any():
        raw.report.notes.append(f"Some links are within the sides that the attribute {SIDE} names: it is left out.")
        return None
    return side


def _checked_matrix(raw: RawGraph) -> np.ndarray:
    assert raw.x is not None
    if raw.x.ndim != 2 or raw.x.shape[0] != raw.num_nodes or not raw.x.shape[1]:
        raise ValueError(
            f"x: given {raw.x.dtype} of shape {list(raw.x.shape)}, allowed: real numbers of shape [{raw.num_nodes}, F] "
            "with F >= 1"
        )
    return raw.x


def _own_columns(table: pd.DataFrame, labels: str | None, report: ReadReport) -> pd.DataFrame:
    """All columns but the labels, and texts of too many values."""
    chosen = []
    for name in table.columns:
        if name in (labels, SIDE):
            continue
        column = table[name]
        if column.notna().sum() == 0:
            report.attributes_left_out[repr(name)] = "it is empty"
        elif pd.api.types.is_numeric_dtype(column) or column.nunique() <= MAX_CATEGORIES:
            chosen.append(name)
        else:
            report.attributes_left_out[repr(name)] = f"text of {column.nunique():,} different values"
    telling = [name for name in chosen if is_statistic(name)]
    if telling:
        report.warnings.append(
            f"the features {some(telling)} may have been computed from all links, those that are held out for the test "
            "too: scores may be too high"
        )
    if table.shape[1] <= 100:
        report.attributes_used += [str(name) for name in chosen]
    else:
        report.notes.append(f"Features: {len(chosen):,}.")
    return table if len(chosen) == table.shape[1] else table[chosen]


def _tell(
    preparation: FeaturePreparation, table: pd.DataFrame, report: ReadReport, standardize: bool | Literal["auto"]
) -> None:
    """Says what was done to the features."""
    if preparation.scaled:
        why = "" if standardize is True else f", as some values are beyond {IN_SCALE:g}"
        report.notes.append(f"Features standardized{why}: {some(preparation.scaled)}.")
        if cut := preparation.num_cut(table):
            report.notes.append(f"Values cut at {IN_SCALE:g} standard deviations: {cut:,}.")
    elif standardize is False and preparation.numbers:
        largest = float(np.nanmax(np.abs(table[preparation.numbers].to_numpy(dtype=np.float64, na_value=np.nan))))
        if largest > IN_SCALE:
            report.warnings.append(f"features reach {largest:.3g}: training may fail. To scale them: standardize")
    if preparation.incomplete:
        report.notes.append(
            f"Missing values take the mean, and have a feature of their own: {some(preparation.incomplete)}."
        )
    for name, values in preparation.categories.items():
        report.notes.append(f"Categories of {name}, one feature each: {some(values)}.")
