"""From networkx and SciPy to the graphs that the rest of the package expects."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import networkx as nx
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from torch_geometric.data import Data

from spherical_gae.data.cleaning import clean_graph, plain_ids, some


def from_scipy(
    adjacency: sparse.sparray | sparse.spmatrix,
    x: ArrayLike | None = None,
    *,
    node_ids: Sequence[int | str] | None = None,
    directed: bool = False,
) -> Data:
    """Makes a graph from a sparse adjacency matrix.

    Args:
        adjacency: Shape [N, N], of any sparse format; its entries are weights, of which a stored zero is no link.
            Booleans, or entries that are all 1, make an unweighted graph.
        x: Node features, shape [N, F]; None for the default ones.
        node_ids: N different ids, in the order of the rows; None for none.
        directed: Whether an entry (i, j) is a link i -> j, another one than j -> i.

    Returns:
        See :func:`~spherical_gae.data.cleaning.clean_graph`.

    Raises:
        TypeError: If ``adjacency`` is not a SciPy sparse matrix or array.
        ValueError: If it is not square or not real; and as ``clean_graph``.

    Example:
        >>> from_scipy(sparse.diags_array([1.0, 1.0], offsets=1, shape=(3, 3))).edge_index
        tensor([[0, 1, 1, 2],
                [1, 0, 2, 1]])
    """
    raw = scipy_edges(adjacency)
    if x is not None:
        raw.x = torch.from_numpy(float_array("x", x))
    if node_ids is not None:
        raw.node_ids = node_ids
    return clean_graph(raw, directed=directed)


def from_networkx(
    graph: nx.Graph,
    features: Sequence[str] = (),
    *,
    x: ArrayLike | None = None,
    weight: str = "weight",
    directed: bool | None = None,
) -> Data:
    """Makes a graph from a networkx graph of any class.

    Args:
        graph: The graph.  Its nodes become ``node_ids``: integers as they are if all are integers, else all as str.
        features: Names of node attributes, numbers or vectors of numbers, that every node has; side by side they
            become ``x``.
        x: The features themselves, shape [N, F], in the order of ``graph.nodes``, instead.  Without either, the
            nodes get the default ones.
        weight: Name of the edge attribute that holds weights.  As in networkx, an edge without it has the weight 1;
            if no edge has it, the graph is unweighted.
        directed: Whether i -> j and j -> i are different links; if None, directions are dropped, with a warning if
            the graph has some.

    Returns:
        See :func:`~spherical_gae.data.cleaning.clean_graph`; nodes are in the order of ``graph.nodes``.

    Raises:
        ValueError: If both ``features`` and ``x`` are given, a node lacks an attribute, an attribute or a weight is not
            a number, two nodes have the same id as str; and as ``clean_graph``.

    Warns:
        UserWarning: If directions are dropped and nobody asked for it.

    Example:
        >>> data = from_networkx(nx.path_graph(["a", "b", "c"]))
        >>> data.node_ids, data.num_edges
        (['a', 'b', 'c'], 4)
    """
    if len(features) and x is not None:
        raise ValueError("x: given together with features, allowed: one of them")
    if directed is None:
        warn_of_directions(graph, "directed=True keeps them, directed=False drops them without this warning")
    if directed and not graph.is_directed():
        raise ValueError(
            f"directed: given True for a {type(graph).__name__}, whose edges have no direction; allowed: False"
        )
    raw = networkx_edges(graph, weight)
    if len(features):
        raw.x = torch.from_numpy(node_attributes(graph, features))
    elif x is not None:
        raw.x = torch.from_numpy(float_array("x", x))
    return clean_graph(raw, directed=bool(directed))


def warn_of_directions(graph: nx.Graph, advice: str) -> None:
    """Warns that the directions of a graph are dropped, if it has an edge without its reverse."""
    if graph.is_directed() and any(not graph.has_edge(target, source) for source, target in graph.edges()):
        warnings.warn(
            f"the graph is a {type(graph).__name__}: the directions of its edges are dropped; {advice}",
            UserWarning,
            stacklevel=3,
        )


def scipy_edges(adjacency: sparse.sparray | sparse.spmatrix) -> Data:
    """The edges of :func:`from_scipy`, not yet cleaned; with ``edge_weight`` unless the entries are booleans."""
    if not sparse.issparse(adjacency):
        raise TypeError(f"adjacency: given {type(adjacency).__name__}, allowed: a SciPy sparse matrix or array")
    if adjacency.ndim != 2 or adjacency.shape[0] != adjacency.shape[1] or adjacency.dtype.kind not in "biuf":
        raise ValueError(
            f"adjacency: given {adjacency.dtype} of shape {adjacency.shape}, allowed: real or boolean, square"
        )
    rows = sparse.csr_array(adjacency, copy=True)
    rows.eliminate_zeros()
    entries = rows.tocoo()
    raw = Data(edge_index=torch.from_numpy(np.stack(entries.coords).astype(np.int64)), num_nodes=entries.shape[0])
    if entries.dtype != np.bool_:
        raw.edge_weight = torch.from_numpy(float_array("adjacency", entries.data))
    return raw


def networkx_edges(graph: nx.Graph, weight: str = "weight") -> Data:
    """The edges and ``node_ids`` of :func:`from_networkx`, not yet cleaned."""
    number = {node: k for k, node in enumerate(graph)}
    edges = [(number[source], number[target]) for source, target in graph.edges()]
    raw = Data(edge_index=torch.tensor(edges, dtype=torch.long).view(-1, 2).t(), num_nodes=len(number))
    raw.node_ids = plain_ids(graph)
    values = [value for *_, value in graph.edges(data=weight)]
    if any(value is not None for value in values):
        filled = [1 if value is None else value for value in values]
        raw.edge_weight = torch.from_numpy(float_array("edge_weight", filled))
    sides = [side for _, side in graph.nodes(data="bipartite")]
    # A projection onto one side keeps the attribute.
    if all(side in (0, 1) for side in sides) and all(sides[a] != sides[b] for a, b in edges if a != b):
        raw.side = torch.tensor(sides, dtype=torch.long)
    return raw


def node_attributes(graph: nx.Graph, names: Sequence[str]) -> NDArray[np.float32]:
    """Node attributes side by side, shape [N, F], see :func:`from_networkx`.

    Raises:
        ValueError: If a node lacks one, or one is not a number or not as long for all nodes.
    """
    for name in names:
        missing = [node for node, attributes in graph.nodes(data=True) if name not in attributes]
        if missing:
            raise ValueError(
                f"features: given {name!r}, which the nodes {some(missing)} lack, allowed: what all nodes have"
            )
    columns = [float_array(f"features {name!r}", [value for _, value in graph.nodes(data=name)]) for name in names]
    return np.concatenate([column.reshape(len(graph), -1) for column in columns], axis=1)


def float_array(name: str, values: ArrayLike) -> NDArray[np.float32]:
    """Values as float32, infinite where they are too large for it.

    Raises:
        ValueError: If they are no array of numbers; the message names ``name``.
    """
    try:
        with np.errstate(over="ignore"):
            return np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: given what is no array of numbers ({error}), allowed: real numbers") from error
