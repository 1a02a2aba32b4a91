"""Which attributes of a file's nodes become features, labels and sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spherical_gae.data.cleaning import some
from spherical_gae.data.readers.cells import is_whole
from spherical_gae.data.readers.headers import plain
from spherical_gae.data.readers.report import ReadReport

_DRAWING = {
    "x",
    "y",
    "z",
    "r",
    "g",
    "b",
    "a",
    "rgb",
    "color",
    "colour",
    "size",
    "position",
    "pos",
    "shape",
    "icon",
    "image",
    "fontsize",
    "alpha",
    "opacity",
    "fx",
    "fy",
    "vx",
    "vy",
    "dx",
    "dy",
    "borderwidth",
    "fill",
    "layer",
    "lat2d",
    "lng2d",
}
_STATISTICS = {
    "hub",
    "hubs",
    "hits",
    "cluster",
    "clusterid",
    "core",
    "partition",
    "membership",
    "rank",
    "strength",
    "betw",
    "bc",
    "cc",
    "pr",
    "comm",
    "walktrap",
    "infomap",
    "fastgreedy",
}
_PARTS_OF_STATISTICS = (
    "degree",
    "pagerank",
    "centrality",
    "betweenness",
    "closeness",
    "eccentricity",
    "modularity",
    "clustering",
    "triangle",
    "coreness",
    "kcore",
    "eigenvector",
    "eigencentral",
    "louvain",
    "leiden",
    "communit",
    "component",
    "katz",
    "authority",
)
_NAMES = {"id", "label", "name", "key", "title"}
SIDE = "bipartite"
"""The attribute that networkx uses for the sides of a bipartite graph."""


def is_statistic(name: str) -> bool:
    """Whether an attribute's name is that of a statistic of the graph, which tells of its links.

    Example:
        >>> is_statistic("In-Degree"), is_statistic("age")
        (True, False)
    """
    name = plain(name)
    return name in _STATISTICS or any(part in name for part in _PARTS_OF_STATISTICS)


def is_drawing(name: str) -> bool:
    """Whether an attribute's name is that of a part of a drawing, whose places were computed from the links.

    Example:
        >>> is_drawing("viz_X"), is_drawing("x"), is_drawing("height")
        (True, True, False)
    """
    name = plain(name)
    return name in _DRAWING or name.removeprefix("viz") in _DRAWING or name.startswith("viz")


def choose_attributes(
    table: pd.DataFrame, wanted: str | Sequence[str], labels: str | None, report: ReadReport
) -> pd.DataFrame:
    """The attributes that become features, in the order of the file or of ``wanted``.

    Args:
        table: One row a node, one column an attribute.
        wanted: ``"auto"`` for the numeric ones, without those of a drawing, statistics of the graph, names and what is
            the same for all nodes;
            ``"none"``; or names.
        labels: The attribute that holds the labels, which is no feature.
        report: Where it is said what was left out and why.

    Returns:
        Some columns of the table; those of lists of numbers are spread over several.

    Raises:
        ValueError: If there is no attribute of a name.
    """
    typed = {str(name): _typed(table[name]) for name in table.columns}
    if not isinstance(wanted, str):
        unknown = [name for name in wanted if name not in typed]
        if unknown:
            raise ValueError(f"node_attributes: given {some(unknown)}, allowed here: {', '.join(typed) or 'none'}")
        chosen = list(dict.fromkeys(wanted))
    elif wanted == "none":
        chosen = []
    elif wanted == "auto":
        chosen = [name for name, column in typed.items() if _why_not(name, column) is None]
    else:
        raise ValueError(f"node_attributes: given {wanted!r}, allowed: 'auto', 'none' or a list of names")
    chosen = [name for name in chosen if name not in (labels, SIDE)]
    for name, column in typed.items():
        if name not in (*chosen, labels, SIDE):
            report.attributes_left_out[repr(name)] = _why_not(name, column) or "it is not named"
    telling = [name for name in chosen if is_statistic(name) or is_drawing(name)]
    if telling:
        report.warnings.append(
            f"the attributes {some(telling)} may have been computed from all links, those that are held out for the "
            "test too: scores may be too high"
        )
    spread = {}
    for name in chosen:
        column = typed[name]
        if _is_vectors(column):
            values = np.array(column.tolist(), dtype=np.float64)
            spread.update({f"{name}.{k}": values[:, k] for k in range(values.shape[1])})
        elif column.dropna().map(lambda value: isinstance(value, list | dict | tuple)).any():
            raise ValueError(
                f"node_attributes: given {name!r}, which holds lists, allowed: numbers, text, vectors of one length"
            )
        else:
            spread[name] = column
    report.attributes_used += chosen
    return pd.DataFrame(spread, index=table.index)


def labels_of(table: pd.DataFrame, name: str, report: ReadReport) -> tuple[NDArray[np.int64], list[str]]:
    """The labels that an attribute holds, numbered in the order of their names; -1 for a node without one.

    Raises:
        ValueError: If there is no such attribute, or it has no value.
    """
    names = {str(column): column for column in table.columns}
    if name not in names:
        raise ValueError(
            f"labels: given {name!r}, allowed here: {', '.join(names) or 'none, as nodes have no attributes'}"
        )
    column = _typed(table[names[name]])
    given = column.dropna()
    if not len(given):
        raise ValueError(f"labels: given {name!r}, which is empty, allowed: an attribute with values")
    is_numeric = pd.api.types.is_numeric_dtype(given)
    if is_numeric:
        values = [_name_of(value) for value in sorted(set(given))]
    else:
        # A class is what is written: 02139 and 2139 are two.
        texts = set(given.map(_name_of))
        values = sorted(texts, key=int) if all(map(is_whole, texts)) else sorted(texts)
    place = {value: k for k, value in enumerate(values)}
    numbered = (
        column.map(lambda value: place[_name_of(value)], na_action="ignore").fillna(-1).to_numpy(np.int64, copy=True)
    )
    report.notes.append(f"Labels: {name}, {len(values)} classes.")
    if len(given) < len(column):
        report.notes.append(f"Nodes without a label: {len(column) - len(given):,}; theirs is -1.")
    return numbered, list(place)


def _name_of(value: object) -> str:
    """A class as it was written: whole numbers are read as floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def sides_of(table: pd.DataFrame) -> NDArray[np.int64] | None:
    """The sides of a bipartite graph, if its nodes have the attribute ``bipartite``: 0 or 1, or two other values."""
    if SIDE not in table.columns:
        return None
    column = table[SIDE].map(str, na_action="ignore")
    different = sorted(column.dropna().unique())
    return (
        column.map({value: k for k, value in enumerate(different)}).to_numpy(dtype=np.int64, copy=True)
        if (len(different) == 2 and not column.isna().any())
        else None
    )


def _typed(column: pd.Series) -> pd.Series:
    """A column as numbers, if all its values are numbers, booleans or missing."""
    given = column.dropna()
    if not len(given) or not given.map(lambda value: isinstance(value, int | float | np.number | np.bool_)).all():
        return column.astype(object)
    return column.map(float, na_action="ignore").astype(float)


def _is_vectors(column: pd.Series) -> bool:
    first = column.iloc[0] if len(column) else None
    return (
        isinstance(first, list | tuple)
        and bool(first)
        and all(
            isinstance(value, list | tuple)
            and len(value) == len(first)
            and all(isinstance(v, int | float) for v in value)
            for value in column
        )
    )


def _why_not(name: str, column: pd.Series) -> str | None:
    """Why an attribute is no feature unless it is named; None if it is one."""
    if plain(name) in _NAMES:
        return "it names the nodes"
    if is_drawing(name):
        return "it belongs to a drawing, which was made from the links"
    if is_statistic(name):
        return "it is a statistic of the graph, which tells of the links"
    if not column.notna().any():
        return "it is empty"
    if pd.api.types.is_numeric_dtype(column) and column.nunique() == 1 and column.notna().all():
        return "it is the same for all nodes"
    if not pd.api.types.is_numeric_dtype(column):
        return None if _is_vectors(column) else f"text; to use it: labels={name!r} or node_attributes=[{name!r}]"
    return None
