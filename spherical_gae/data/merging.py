"""From any list of edges to links without repeats."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor


class MergedEdges(NamedTuple):
    """Links, and what became of the edges that made them.

    Attributes:
        edge_index: int64 [2, E'], sorted, none twice, no self-loops; undirected links in both directions.
        edge_weight: float64 [E'], or None.
        edge_time: int64 or float64 [E'], or None.
        num_repeats: How many edges repeated another one of the same direction.
        num_self_loops: How many edges joined a node to itself.
        num_reciprocal: How many pairs of nodes were joined in both directions.
    """

    edge_index: Tensor
    edge_weight: Tensor | None
    edge_time: Tensor | None
    num_repeats: int
    num_self_loops: int
    num_reciprocal: int


def merge_edges(
    edge_index: Tensor,
    num_nodes: int,
    edge_weight: Tensor | None = None,
    edge_time: Tensor | None = None,
    *,
    directed: bool = False,
) -> MergedEdges:
    """Makes one link of all edges between two nodes, in time O(E log E).

    Self-loops are left out.  The weights of parallel edges i -> j are summed, in float64; their time is the earliest.
    Of a link in both directions, the larger of the two sums counts, and the earlier of the two times:
    weight_ij = max(W_ij, W_ji).

    Args:
        edge_index: int64 [2, E], edges in any order and direction.
        num_nodes: Number of nodes N, at most 2 * 10^9.
        edge_weight: Weights [E]; None for an unweighted graph, where repeats count once.
        edge_time: Times [E], int64 or floating point.
        directed: Whether to keep i -> j and j -> i apart.

    Returns:
        The links, on the device of ``edge_index``.

    Example:
        >>> merge_edges(torch.tensor([[0, 0, 1, 2], [1, 1, 0, 2]]), 3).edge_index
        tensor([[0, 1],
                [1, 0]])
    """
    device = edge_index.device
    source, target = (np.ascontiguousarray(row) for row in edge_index.cpu().numpy())
    values = {
        name: given.cpu().numpy().astype(np.float64 if name == "weight" else given.cpu().numpy().dtype)
        for name, given in (("weight", edge_weight), ("time", edge_time))
        if given is not None
    }
    different = source != target
    num_self_loops = int(source.size - np.count_nonzero(different))
    if num_self_loops:
        source, target = source[different], target[different]
        values = {name: value[different] for name, value in values.items()}
    num_edges = source.size
    if directed or values:
        # What both directions have in common is found when each is without repeats.
        keys, values = _merged(source * num_nodes + target, values, {"weight": np.add, "time": np.minimum})
        num_one_way = keys.size
        source, target = np.divmod(keys, num_nodes)
    low, high = np.minimum(source, target), np.maximum(source, target)
    links: NDArray[np.int64] = low * num_nodes + high
    merged: dict[str, NDArray[Any]] = {}
    if directed or values:
        links, merged = _merged(links, values, {"weight": np.maximum, "time": np.minimum})
    else:
        # The direction as the last bit: one order shows both the repeats and the links in two directions.
        ordered = np.sort(2 * links + (source > target))
        num_one_way = int(np.count_nonzero(_first_of_each(ordered)))
        links = ordered >> 1
        links = links[_first_of_each(links)]
    if directed:
        ends = np.stack([source, target])
    else:
        ends, places = _both_directions(*np.divmod(links, num_nodes), num_nodes)
        values = {name: value[places] for name, value in merged.items()}
    tensors = {name: torch.from_numpy(value).to(device) for name, value in values.items()}
    return MergedEdges(
        torch.from_numpy(ends).to(device),
        tensors.get("weight"),
        tensors.get("time"),
        num_edges - num_one_way,
        num_self_loops,
        num_one_way - links.size,
    )


def _merged(
    keys: NDArray[np.int64], values: dict[str, NDArray[Any]], how: dict[str, np.ufunc]
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Different keys in order, and of each the values, reduced."""
    if not values:
        ordered = np.sort(keys)
        return ordered[_first_of_each(ordered)], {}
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(_first_of_each(ordered))
    if not starts.size:
        return ordered, values
    return ordered[starts], {name: how[name].reduceat(value[order], starts) for name, value in values.items()}


def _first_of_each(ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    first = np.ones(ordered.size, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


def _both_directions(
    low: NDArray[np.int64], high: NDArray[np.int64], num_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted links i < j in both directions, sorted, shape [2, 2 L], and the place of each in the list of links.

    A node's smaller neighbours come before its larger ones.  Those are there in order; these are the transpose of the
    matrix, which SciPy finds without sorting.
    """
    number = np.arange(low.size)
    larger = np.concatenate([[0], np.cumsum(np.bincount(low, minlength=num_nodes))])
    transposed = sparse.csr_array((number, high, larger), shape=(num_nodes, num_nodes)).tocsc()
    place, smaller = transposed.data, transposed.indptr.astype(np.int64)
    node, neighbour = high[place], low[place]
    ends, places = np.empty((2, 2 * low.size), dtype=np.int64), np.empty(2 * low.size, dtype=np.int64)
    for row, first, second, origin in (
        (number + larger[node], node, neighbour, place),
        (number + smaller[low + 1], low, high, number),
    ):
        ends[0, row], ends[1, row], places[row] = first, second, origin
    return ends, places
