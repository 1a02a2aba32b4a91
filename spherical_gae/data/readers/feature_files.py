"""Node features in files of their own."""

from __future__ import annotations

import difflib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spherical_gae.data.cleaning import some
from spherical_gae.data.readers.array_files import load_arrays, load_sparse
from spherical_gae.data.readers.cells import MISSING, is_number, is_text
from spherical_gae.data.readers.headers import plain
from spherical_gae.data.readers.ids import typed_ids
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.suffixes import DELIMITED, FEATURE_SUFFIXES, TABLES, suffix_of
from spherical_gae.data.readers.tables import Table, open_table

_NUM_COMPARED = 20


@dataclass
class NodeTable:
    """What a file says of nodes.

    Attributes:
        table: One row a node: numbers, NaN where one is missing, or text, None where it is.
        ids: The nodes' ids as text, None for a matrix.
        notes: What the report shall say.
        named: Whether the columns have names of their own.
    """

    table: pd.DataFrame
    ids: list[str] | None
    notes: list[str]
    named: bool


def read_features(
    path: Path,
    nodes: Container[str] | None = None,
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    comment: str | None = None,
    texts: Container[str | None] = (),
) -> NodeTable:
    """Reads node features.

    - Delimited text or .parquet: one node a row, with its id in the first column, or in one named ``id`` or ``node``.
      A column of lists of numbers becomes one column for each place.
    - .npy: a matrix [N, F].
    - .npz: such a matrix named ``x``, or what ``scipy.sparse.save_npz`` writes, which is made dense.

    Args:
        path: The file.
        nodes: The ids of the graph, which help to tell a header from data.
        header: See :func:`~spherical_gae.data.readers.tables.open_table`.
        delimiter: Likewise.
        comment: Likewise.
        texts: Names of columns whose cells are wanted as they are written: labels, and what is text in an earlier file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is of none of these kinds, a line has another number of cells than the first, no id or no
            features, or an id comes twice.
    """
    suffix = suffix_of(path)
    if suffix not in FEATURE_SUFFIXES:
        raise ValueError(f"features: given {path.name}, allowed: a file {', '.join(FEATURE_SUFFIXES)}")
    if suffix not in TABLES:
        return _read_matrix(path)
    table, report, _ = open_table(path, id_columns=1, header=header, delimiter=delimiter, comment=comment, nodes=nodes)
    if len(table.columns) < 2 and table.num_rows:
        raise ValueError(f"{path}: given {len(table.columns)} column, allowed: a node id and at least one feature")
    if not table.num_rows:
        raise ValueError(f"{path}: given no nodes, allowed: at least one")
    place = id_column(table)
    ids = checked_ids(table, place)
    columns: dict[str, pd.Series] = {}
    for k in range(len(table.columns)):
        name = table.names[k] if table.names else f"feature {k if k > place else k + 1}"
        if k == place or is_row_number(table, k):
            continue
        vectors = _vectors(table, k)
        if vectors is not None:
            made = {f"{name}.{entry}": pd.Series(values) for entry, values in enumerate(vectors.T)}
        elif name in texts and (is_text(table.columns[k].type) or pa.types.is_integer(table.columns[k].type)):
            made = {name: _texts(table, k)}
        else:
            made = {name: _column(table, k)}
        if twice := [one for one in made if one in columns]:
            raise ValueError(f"{path}: given two columns {twice[0]!r}, allowed: different names")
        columns |= made
    if not columns:
        raise ValueError(f"{path}: given no column beside the ids, allowed: at least one feature")
    notes = [f"{path.name}: {note}" for note in report.notes]
    if table.names and suffix in DELIMITED:
        notes.append(f"{path.name}: the first line is a header: {some(table.names)}.")
    return NodeTable(pd.DataFrame(columns), ids, notes, named=table.names is not None)


def join_features(raw: RawGraph, given: NodeTable, numbered: bool) -> None:
    """Gives the nodes of a graph what a file says of them.

    Nodes that only the file has are added, after the others.

    Args:
        raw: The graph; its ``attributes`` are replaced.
        given: From :func:`read_features`.
        numbered: Whether row k of a matrix belongs to the node with the id k, not to the k-th node.

    Raises:
        ValueError: If a node of the graph is not in the file.
    """
    ids = given.ids
    if ids is None and numbered:
        ids = [str(k) for k in range(len(given.table))]
    if ids is None:
        _join_in_order(raw, given.table)
        return
    known: list[int] | list[str] = list(range(raw.num_nodes)) if raw.node_ids is None else raw.node_ids
    row_of = {text: row for row, text in enumerate(ids)}
    nodes = [str(node) for node in known]
    missing = [node for node in nodes if node not in row_of]
    alone = row_of.keys() - set(nodes)
    if missing:
        hint = _close_pairs(missing, alone)
        raise ValueError(
            f"features: given none for the nodes {some(missing)}, allowed: features for all nodes or none"
            + (f"; is {hint}?" if hint else "")
        )
    more = sorted(typed_ids(list(alone)))
    if more and given.ids is not None:
        report = raw.report
        report.notes.append(f"Nodes that only the features name: {len(more):,} ({some(more)}); they have no link.")
        if hint := _close_pairs(sorted(alone), set(nodes)):
            report.warnings.append(f"an id among the features may be mistyped: {hint}?")
    order = [row_of[str(node)] for node in [*known, *more]]
    raw.attributes = given.table.iloc[order].reset_index(drop=True)
    raw.node_ids = [*known, *more]
    if raw.side is not None and more:
        raise ValueError(f"features: given the nodes {some(more)}, which have no side, allowed: the nodes of the graph")
    raw.num_nodes, raw.counted_only = len(raw.node_ids), False


def _join_in_order(raw: RawGraph, table: pd.DataFrame) -> None:
    if raw.node_ids is None and raw.side is None and len(table) > raw.num_nodes:
        # Numbered nodes: further rows are isolated nodes.
        raw.num_nodes = len(table)
    if len(table) != raw.num_nodes:
        raise ValueError(
            f"x: given float32 of shape {list(table.shape)}, allowed: real numbers of shape [{raw.num_nodes}, F] "
            "with F >= 1"
        )
    raw.attributes, raw.counted_only = table, False


def _close_pairs(ids: list[str], others: Container[str] | set[str]) -> str:
    """Words on the first few ids that are nearly one of the others."""
    listed = sorted(others)[:5000] if isinstance(others, set) else []
    folded = {other.strip().casefold(): other for other in listed}
    pairs = []
    for node in ids[:_NUM_COMPARED]:
        near = [folded[node.strip().casefold()]] if node.strip().casefold() in folded else []
        if not near and not node.isdigit():
            near = difflib.get_close_matches(node, listed, 1, 0.8)
        pairs += [f"{node!r} meant to be {near[0]!r}"] if near else []
    return ", ".join(pairs[:3])


def id_column(table: Table) -> int:
    """Which column holds the ids: the first one, or one named so."""
    names = [plain(name) for name in table.names or []]
    return next((names.index(name) for name in ("id", "nodeid", "node") if name in names), 0)


def checked_ids(table: Table, place: int) -> list[str]:
    """The ids in a column, as text.

    Raises:
        ValueError: If they are neither text nor integers, or one is empty or comes twice.
    """
    cells = table.columns[place]
    if not (is_text(cells.type) or pa.types.is_integer(cells.type)):
        raise ValueError(f"{table.path}: given {cells.type} as node ids, allowed: text or integers")
    ids = [("" if cell is None else str(cell)) for cell in cells.to_pylist()]
    seen: set[str] = set()
    for row, node in enumerate(ids):
        if not node or node in seen:
            raise table.fail(row, f"the node id {node!r}", "one that is new, not empty")
        seen.add(node)
    return ids


def is_row_number(table: Table, column: int) -> bool:
    """Whether a column is the number of the row, as pandas writes it."""
    if not table.is_index(column):
        return False
    values = table.numbers(column)
    return values is not None and np.array_equal(values, np.arange(len(values)))


def _column(table: Table, column: int) -> pd.Series:
    """Numbers, or text with None for a missing value."""
    values = table.numbers(column)
    cells = table.columns[column]
    if values is not None:
        table.refuse_ambiguous(column, f"numbers in column {table.title(column)}")
        return pd.Series(values.astype(np.float64))
    texts = _texts(table, column)
    share = texts.map(is_number, na_action="ignore").mean()
    if share >= 0.5:
        row = table.first_non_number(column)
        raise table.fail(row, repr(cells[row].as_py()), "a number, as in the other lines")
    return texts


def _texts(table: Table, column: int) -> pd.Series:
    """Cells as they are written, with None for a missing value."""
    cells = table.columns[column]
    if not is_text(cells.type):
        try:
            cells = cells.cast(pa.string())
        except pa.ArrowNotImplementedError as error:
            raise ValueError(
                f"{table.path}: given {cells.type} in column {table.title(column)}, allowed: numbers, text, or lists "
                "of numbers, all of one length"
            ) from error
    missing = pc.is_in(cells, value_set=pa.array(MISSING))
    return pd.Series(
        [None if lost else cell for cell, lost in zip(cells.to_pylist(), missing.to_pylist(), strict=True)],
        dtype=object,
    )


def _vectors(table: Table, column: int) -> NDArray[np.float64] | None:
    """A column of lists of numbers, all of one length, as a matrix; None for another column."""
    cells = table.columns[column]
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(is_kind(cells.type) for is_kind in kinds):
        return None
    rows = cells.to_pylist()
    lengths = {None if row is None else len(row) for row in rows}
    kind = cells.type.value_type
    is_number_list = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not is_number_list or len(lengths) != 1 or lengths & {None, 0} or any(None in row for row in rows):
        raise ValueError(
            f"{table.path}: given {cells.type} in column {table.title(column)}, allowed: lists of numbers, all of one "
            "length, none missing"
        )
    return np.array(rows, dtype=np.float64)


def _read_matrix(path: Path) -> NodeTable:
    arrays = load_arrays(path)
    if "format" in arrays:
        matrix = load_sparse(path)
        if matrix.ndim != 2 or matrix.shape[0] * matrix.shape[1] > 10**10:
            raise ValueError(f"{path}: given a matrix of shape {list(matrix.shape)}, allowed: at most 10^10 entries")
        values = matrix.toarray()
    elif "x" in arrays:
        values = arrays["x"]
    else:
        raise ValueError(f"{path}: given arrays {', '.join(arrays)}, allowed: x, or a sparse matrix of SciPy's")
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise ValueError(
            f"{path}: given {values.dtype} of shape {list(values.shape)}, allowed: real numbers of shape [N, F]"
        )
    names = [f"feature {k}" for k in range(values.shape[1])]
    if values.dtype == np.float16 or values.dtype == bool:
        values = values.astype(np.float32)
    return NodeTable(pd.DataFrame(values, columns=names), None, [], named=False)
