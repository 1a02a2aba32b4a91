"""Graphs from files of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx as nx
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.cleaning import clean_graph, count_nodes, plain_ids, some
from spherical_gae.data.readers.conversions import float_array, networkx_edges, node_attributes, scipy_edges
from spherical_gae.data.readers.edge_lists import read_edge_list, typed_ids
from spherical_gae.data.readers.feature_files import FEATURE_SUFFIXES, load_arrays, read_features
from spherical_gae.data.readers.suffixes import DELIMITERS, GRAPH_SUFFIXES

_NPZ_TENSORS = ("edge_index", "edge_weight", "x", "y")
_NPZ_ARRAYS = (*_NPZ_TENSORS, "node_ids", "num_nodes")


def read_graph(path: str | Path, features: str | Path | None = None) -> Data:
    """Reads a graph from a file, by its suffix.

    - .csv, .tsv: an edge list, see :func:`~spherical_gae.data.readers.edge_lists.read_edge_list`.
    - .npz: an adjacency matrix as ``scipy.sparse.save_npz`` writes it, or NumPy arrays ``edge_index`` (integers
      ``[2, E]``) and, optionally, ``edge_weight``, ``x``, ``y``, ``node_ids`` and ``num_nodes``.
    - .graphml: by networkx; weights are the edges' ``weight``, features all numeric node attributes side by side.

    Directions, repeats, self-loops, weights and missing features are treated as by
    :func:`~spherical_gae.data.cleaning.clean_graph`.

    Args:
        path: The file.
        features: A file of features, which replaces the graph's own; see
            :func:`~spherical_gae.data.readers.feature_files.read_features`.  In a table, ids are compared as text;
            nodes that only it has are isolated and come last.  Row k of a matrix belongs to the node with the id k of
            an edge list, else to the k-th node of the file.

    Returns:
        See ``clean_graph``; ``name`` is the file's name without its suffix.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a suffix is unknown, a file is not what its suffix says, a node of the graph has no
            features although there are some; and as ``clean_graph``.
    """
    path = Path(path)
    if path.suffix.lower() not in GRAPH_SUFFIXES:
        raise ValueError(f"path: given {path.name!r}, allowed: a file {', '.join(GRAPH_SUFFIXES)}")
    if features is not None and Path(features).suffix.lower() not in FEATURE_SUFFIXES:
        raise ValueError(f"features: given {Path(features).name!r}, allowed: a file {', '.join(FEATURE_SUFFIXES)}")
    for file in (path, features):
        if file is not None and not Path(file).is_file():
            raise FileNotFoundError(f"{file} is no file")
    raw = _read(path, own_features=features is None)
    if features is not None:
        ids, x = read_features(Path(features))
        if ids is None and path.suffix.lower() in DELIMITERS:
            ids = [str(k) for k in range(x.size(0))]
        raw = _with_table(raw, ids, x) if ids is not None else _with_matrix(raw, x)
    raw.name = path.stem
    return clean_graph(raw)


def _read(path: Path, own_features: bool) -> Data:
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        return read_edge_list(path)
    return _read_npz(path) if suffix == ".npz" else _read_graphml(path, own_features)


def _with_matrix(raw: Data, x: Tensor) -> Data:
    raw.x = x
    if raw.get("node_ids") is None:
        # Numbered nodes: further rows are isolated nodes.
        raw.num_nodes = max(raw.num_nodes, x.size(0))
    return raw


def _with_table(raw: Data, ids: list[str], x: Tensor) -> Data:
    known = list(range(raw.num_nodes)) if raw.get("node_ids") is None else plain_ids(raw.node_ids)
    row_of = {text: row for row, text in enumerate(ids)}
    nodes = [str(node) for node in known]
    missing = [node for node in nodes if node not in row_of]
    if missing:
        raise ValueError(f"features: given none for the nodes {some(missing)}, allowed: features for all nodes or none")
    isolated = row_of.keys() - set(nodes)
    more = sorted(typed_ids(list(isolated)))
    raw.node_ids = [*known, *more]
    raw.x = x[torch.tensor([row_of[str(node)] for node in raw.node_ids])]
    raw.num_nodes = len(raw.node_ids)
    return raw


def _read_npz(path: Path) -> Data:
    arrays = load_arrays(path)
    if "format" in arrays:
        return scipy_edges(sparse.load_npz(path))
    if "edge_index" not in arrays or not arrays.keys() <= set(_NPZ_ARRAYS):
        raise ValueError(
            f"{path}: given arrays {', '.join(arrays)}, allowed: edge_index and, optionally, "
            f"{', '.join(_NPZ_ARRAYS[1:])}; or a sparse matrix of SciPy's"
        )
    raw = Data(**{name: _as_tensor(path, name, arrays[name]) for name in _NPZ_TENSORS if name in arrays})
    if "node_ids" in arrays:
        raw.node_ids = arrays["node_ids"].tolist()
    if "num_nodes" in arrays:
        raw.num_nodes = int(arrays["num_nodes"])
    raw.num_nodes = count_nodes(raw)
    return raw


def _as_tensor(path: Path, name: str, values: NDArray[Any]) -> Tensor:
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{path}: given {name} of {values.dtype}, allowed: real numbers")
    # Not all of NumPy's dtypes exist in torch.
    return torch.from_numpy(float_array(name, values) if values.dtype.kind == "f" else values.astype(np.int64))


def _read_graphml(path: Path, own_features: bool) -> Data:
    try:
        graph = nx.read_graphml(path)
    except (ParseError, nx.NetworkXError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a GraphML file: {error}") from error
    raw = networkx_edges(graph)
    numeric = {
        name: None
        for _, attributes in graph.nodes(data=True)
        for name, value in attributes.items()
        if isinstance(value, int | float)
    }
    if own_features and numeric:
        raw.x = torch.from_numpy(node_attributes(graph, list(numeric)))
    return raw
