"""What people have, read as one kind of graph: PyG, networkx, SciPy, tables, arrays and files."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.cleaning import (
    are_default_features,
    checked_ids,
    clean_graph,
    count_nodes,
    plain_ids,
    some,
)
from spherical_gae.data.feature_preparation import FeaturePreparation
from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.data.readers.conversions import (
    float_array,
    networkx_edges,
    node_attributes,
    scipy_edges,
    warn_of_directions,
)
from spherical_gae.data.readers.feature_files import read_features
from spherical_gae.data.readers.graph_files import read_graph
from spherical_gae.data.readers.node_features import notes_of_later
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.undirected import checked_edge_weight

_WEIGHT = "weight"
# How it was read, which cleaning does not keep.
_READING = ("report", "reading", "label_names", "feature_preparation", "feature_names")
# What is known of a graph beside its links, features and ids.
_FACTS = ("edge_weight", "edge_time", "y", "side", "batch", "name", *_READING)


def as_graph(graph: Any, features: Any = None) -> Data:
    """Reads a graph and its features, see ``SphericalGraphEmbedding.fit`` for what they may be.

    Returns:
        As ``clean_graph``; ``node_ids`` are always there, and ``report`` where ``read_graph`` gave one.

    Raises:
        TypeError: If a graph or features are of none of the kinds; the message names them.
        ValueError: As ``clean_graph``.
        OSError: If a file cannot be read.
    """
    if _is_path(graph) and (features is None or _is_path(features)):
        data = read_graph(graph, features)
    else:
        raw = raw_graph(graph, features, learns=True)
        data = clean_graph(raw)
        for name in _READING:
            if raw.get(name) is not None:
                data[name] = raw[name]
    if data.get("node_ids") is None:
        data.node_ids = list(range(data.num_nodes))
    return data


def raw_graph(
    graph: Any,
    features: Any = None,
    *,
    known: Container[str] = (),
    preparation: FeaturePreparation | None = None,
    options: ReadingOptions | None = None,
    learns: bool = False,
) -> Data:
    """Links, ids and features as they are given, without a default for the features; it may have no link at all.

    Args:
        graph: As for ``as_graph``; None for no links, with a table of features.
        features: As for ``as_graph``.
        known: Nodes, as text, that need no features, as they have some; theirs are 0 here if not given.
        preparation: What makes features of a table; as they are if None.
        learns: Whether it is learned from a file of features, as ``read_graph`` does.
        options: How a file of features is read: header, delimiter and comments; None to find that out.

    Returns:
        ``Data`` with ``edge_index``, ``num_nodes``, ``node_ids`` and, where there are any, ``edge_weight``, ``x``,
        ``feature_names``, what a table of features calls its columns, and ``feature_notes``, what is to be said of a
        later file of features.

    Raises:
        TypeError: As ``as_graph``.
        ValueError: If links are no integers [2, E] or name a node that is not there, ids are not different, weights are
            not one for each edge, or features do not fit.
    """
    raw = _links(graph)
    raw.num_nodes = count_nodes(raw) if graph is not None else 0
    raw.edge_index = checked_edge_index(torch.as_tensor(raw.edge_index), raw.num_nodes)
    is_numbered = raw.get("node_ids") is None
    raw.node_ids = list(range(raw.num_nodes)) if is_numbered else checked_ids(raw.node_ids, raw.num_nodes)
    if raw.edge_weight is not None:
        raw.edge_weight = checked_edge_weight(torch.as_tensor(raw.edge_weight), raw.edge_index, raw.node_ids)
    if features is None:
        return raw
    raw.feature_preparation = raw.feature_names = None
    if isinstance(graph, nx.Graph) and isinstance(features, list | tuple) and all(isinstance(f, str) for f in features):
        raw.x, raw.feature_names = torch.from_numpy(node_attributes(graph, features)), list(features)
        return raw
    if _is_path(features):
        told = options or ReadingOptions()
        given = read_features(
            Path(features),
            {str(node) for node in raw.node_ids},
            header=told.header,
            delimiter=told.delimiter,
            comment=told.comment,
            texts=() if preparation is None else preparation.categories,
        )
        table = given.table if given.ids is None else given.table.set_axis(given.ids)
        if learns:
            preparation = raw.feature_preparation = FeaturePreparation.fit(table)
        x = _numbers(table, preparation)
        if preparation is None:
            raw.feature_names = _column_names(table)
        elif not learns:
            raw.feature_notes = [*given.notes, *notes_of_later(preparation, table, known)]
        return _with_matrix(raw, x, graph, known) if given.ids is None else _with_table(raw, given.ids, x, known)
    if isinstance(features, pd.DataFrame):
        if preparation is None:
            raw.feature_names = _column_names(features)
        return _with_table(raw, plain_ids(features.index), _numbers(features, preparation), known)
    return _with_matrix(raw, _matrix(features), graph, known)


def pairs_of(links: Any) -> list[tuple[Any, Any]]:
    """Pairs of ids from a table of links, an array [P, 2] or a list of pairs.

    Raises:
        TypeError: If they are nothing of the kind.
    """
    if isinstance(links, pd.DataFrame):
        source, target, _ = _edge_columns(links)
        return list(zip(links[source].tolist(), links[target].tolist(), strict=True))
    if isinstance(links, Tensor | np.ndarray):
        links = links.tolist()
    if not isinstance(links, Sequence) or any(
        isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2 for pair in links
    ):
        raise TypeError("pairs: allowed: a list of pairs of node ids, an array [P, 2], or a table with two columns")
    return [(source, target) for source, target in links]


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _links(graph: Any) -> Data:
    if graph is None:
        return Data(edge_index=torch.empty(2, 0, dtype=torch.long))
    if isinstance(graph, Data):
        if graph.get("directed"):
            raise ValueError(
                "graph: given a directed one, allowed: undirected ones; DirectedGAE is for directed links, and "
                "clean_graph(data, directed=False) drops the directions"
            )
        return _parts(graph)
    if isinstance(graph, nx.Graph):
        warn_of_directions(
            graph, "graph.to_undirected() does so without this warning; DirectedGAE is for directed links"
        )
        return networkx_edges(graph)
    if sparse.issparse(graph):
        return scipy_edges(graph)
    if isinstance(graph, pd.DataFrame):
        return _table_edges(graph)
    if isinstance(graph, np.ndarray | list | tuple):
        return _numbered([source for source, _ in pairs_of(graph)], [target for _, target in pairs_of(graph)])
    if _is_path(graph):
        return _parts(read_graph(graph))
    raise TypeError(
        f"graph: given {type(graph).__name__}, allowed: a torch_geometric Data, a networkx graph, a SciPy sparse "
        "matrix, a pandas table of edges, an array [E, 2] of node ids, or the path of a file"
    )


def _parts(data: Data) -> Data:
    """What is used of a graph of PyG; default features are left out, to be made anew with those of other nodes."""
    parts = Data(num_nodes=count_nodes(data))
    for name in ("edge_index", "x", "node_ids", *_FACTS):
        # PyG makes of the marks of several graphs a tensor; their features are no defaults of the whole.
        is_default = name == "x" and data.get("has_default_features") is True and _has_defaults(data)
        if data.get(name) is not None and not is_default and (name != "y" or _are_classes(data)):
            parts[name] = data[name]
    return parts


def _has_defaults(data: Data) -> bool:
    """Whether the features are still those that stand in for none: they may have been set since."""
    names = count_nodes(data) if data.get("node_ids") is None else data.node_ids
    return data.x is not None and are_default_features(torch.as_tensor(data.x), names)


def _are_classes(data: Data) -> bool:
    """Whether the labels are a class for each node; others, such as measurements, are of no use here."""
    y, num_nodes = torch.as_tensor(data.y), count_nodes(data)
    return not y.is_floating_point() and not y.is_complex() and y.shape in ((num_nodes,), (num_nodes, 1))


def _table_edges(table: pd.DataFrame) -> Data:
    source, target, weight = _edge_columns(table)
    ends = table[[source, target]]
    if ends.isna().any(axis=None):
        line = int(np.flatnonzero(ends.isna().any(axis=1))[0])
        raise ValueError(f"graph: given an empty node id in row {line}, allowed: integers or text")
    raw = _numbered(table[source].tolist(), table[target].tolist())
    if weight is not None:
        raw.edge_weight = torch.from_numpy(float_array("graph, column weight", table[weight]))
    return raw


def _edge_columns(table: pd.DataFrame) -> tuple[Any, Any, Any]:
    """Columns of the ends, by name or else the first two, and of the weights, by name."""
    names = {str(column).lower(): column for column in table.columns}
    if "source" in names and "target" in names:
        ends = names["source"], names["target"]
    elif len(table.columns) >= 2:
        ends = table.columns[0], table.columns[1]
    else:
        raise ValueError(f"graph: given a table of {len(table.columns)} columns, allowed: source and target at least")
    return *ends, names.get(_WEIGHT)


def _numbered(source: list[Any], target: list[Any]) -> Data:
    """Edges between ids as edges between numbers; ids are sorted, as those of an edge list are."""
    ids = plain_ids([*source, *target])
    names = sorted(set(ids))  # type: ignore[type-var]
    number = {name: k for k, name in enumerate(names)}
    ends = torch.tensor([number[name] for name in ids], dtype=torch.long).view(2, -1)
    return Data(edge_index=ends, num_nodes=len(names), node_ids=names)


def _numbers(table: pd.DataFrame, preparation: FeaturePreparation | None) -> Tensor:
    if preparation is not None:
        return preparation.transform(table)
    return torch.from_numpy(float_array("features", table))


def _matrix(features: Any) -> Tensor:
    if isinstance(features, Tensor):
        return features if features.layout == torch.strided else features.to_dense()
    if sparse.issparse(features):
        features = features.toarray()
    return torch.from_numpy(float_array("features", features))


def _column_names(table: pd.DataFrame) -> list[str] | None:
    """Names that say which column is which; None for numbers, as scikit-learn has it."""
    names = list(table.columns)
    return names if all(isinstance(name, str) for name in names) else None


def _with_matrix(raw: Data, x: Tensor, graph: Any, known: Container[str]) -> Data:
    """Row k belongs to the k-th node, or to the k-th that is not known; numbered nodes may have rows without links."""
    if x.dim() != 2:
        raise ValueError(f"features: given shape {list(x.shape)}, allowed: [N, F], a row for each node")
    if graph is None:
        raise ValueError(
            "features: given rows without ids, and no links, allowed: a table indexed by the ids of the new nodes"
        )
    if raw.node_ids == list(range(raw.num_nodes)) and x.size(0) > raw.num_nodes:
        raw.num_nodes, raw.node_ids = x.size(0), list(range(x.size(0)))
    new = [k for k, name in enumerate(raw.node_ids) if str(name) not in known]
    if x.size(0) not in (raw.num_nodes, len(new)):
        of_new = "" if len(new) == raw.num_nodes else f", or {len(new)}, for the new ones of them"
        raise ValueError(
            f"features: given {x.size(0)} rows, allowed: {raw.num_nodes}, for the nodes of the graph in the order of "
            f"their ids{of_new}; or a table indexed by id"
        )
    if x.size(0) != raw.num_nodes:
        rows = x.new_zeros(raw.num_nodes, x.size(1))
        rows[torch.tensor(new, dtype=torch.long)] = x
        x = rows
    raw.x = x
    return raw


def _with_table(raw: Data, ids: Sequence[Any], x: Tensor, known: Container[str]) -> Data:
    """A row belongs to the node of its id; nodes that only the table has are isolated, and come last."""
    row_of = {str(name): row for row, name in enumerate(ids)}
    if len(row_of) < len(ids):
        raise ValueError("features: given an id twice, allowed: ids that differ, also when written as text")
    there = {str(name) for name in raw.node_ids}
    missing = [name for name in raw.node_ids if str(name) not in row_of and str(name) not in known]
    if missing:
        raise ValueError(f"features: given none for the nodes {some(missing)}, allowed: a row for every node")
    raw.node_ids = plain_ids([*raw.node_ids, *(name for name in ids if str(name) not in there)])
    raw.num_nodes = len(raw.node_ids)
    # The row behind the last is that of nodes without features.
    rows = torch.tensor([row_of.get(str(name), len(ids)) for name in raw.node_ids])
    raw.x = torch.cat([x, x.new_zeros(1, x.size(1))])[rows]
    return raw
