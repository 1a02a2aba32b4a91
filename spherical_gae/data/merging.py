"""From any list of edges to links without repeats."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

# How the values of parallel edges become one, and those of the two directions of a link.
_PARALLEL = {"weight": np.add, "time": np.minimum}
_DIRECTIONS = {"weight": np.maximum, "time": np.minimum}
_PLACE_BITS = 32


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
    """Makes one link of all edges between two nodes, in time O(N + E log E).

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
    source, target = (row.cpu().numpy().astype(np.int32) for row in edge_index)
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
    one_way, values = _one_way(source, target, num_nodes, values)
    # Of a link in both directions the sum holds both places, from 1.
    one_way.data = np.arange(1, one_way.nnz + 1) if values and not directed else np.ones(one_way.nnz, dtype=np.int8)
    other_way = one_way.T.tocsr()
    if values and not directed:
        other_way.data <<= _PLACE_BITS
    both_ways = one_way + other_way
    if not directed:
        values = {name: _of_both_ways(both_ways.data, value, name) for name, value in values.items()}
    links = (one_way if directed else both_ways).tocoo(copy=False)
    ends = np.empty((2, links.nnz), dtype=np.int64)
    ends[0], ends[1] = links.coords
    tensors = {name: torch.from_numpy(value).to(device) for name, value in values.items()}
    return MergedEdges(
        torch.from_numpy(ends).to(device),
        tensors.get("weight"),
        tensors.get("time"),
        source.size - one_way.nnz,
        num_self_loops,
        one_way.nnz - both_ways.nnz // 2,
    )


def _one_way(
    source: NDArray[np.int32], target: NDArray[np.int32], num_nodes: int, values: dict[str, NDArray[Any]]
) -> tuple[sparse.csr_array, dict[str, NDArray[Any]]]:
    """Different edges i -> j as a matrix with sorted rows, and their values, reduced where edges are parallel."""
    shape = (num_nodes, num_nodes)
    if not values:
        return sparse.coo_array((np.ones(source.size, dtype=np.int8), (source, target)), shape=shape).tocsr(), {}
    # Transposing sorts stably and without comparisons: by the target, then by the source.
    listed = (source, target, np.arange(source.size + 1))
    by_target = sparse.csr_array(listed, shape=(source.size, num_nodes)).tocsc()
    edges = sparse.csr_array((by_target.indices, by_target.data, by_target.indptr), shape=shape).tocsc()
    order, target = edges.data, edges.indices
    first = np.ones(target.size, dtype=bool)
    np.not_equal(target[1:], target[:-1], out=first[1:])
    first[edges.indptr[:-1][np.diff(edges.indptr) > 0]] = True
    starts = np.flatnonzero(first)
    rows = np.concatenate([[0], np.cumsum(first)])[edges.indptr]
    if starts.size:
        values = {name: _PARALLEL[name].reduceat(value[order], starts) for name, value in values.items()}
    return sparse.csr_array((first[starts], target[starts], rows), shape=shape), values


def _of_both_ways(places: NDArray[np.int64], value: NDArray[Any], name: str) -> NDArray[Any]:
    """The value of each link, by its places in both directions, from 1; 0 where it has one direction only."""
    forth, back = places & ((1 << _PLACE_BITS) - 1), places >> _PLACE_BITS
    forth, back = np.where(forth, forth, back) - 1, np.where(back, back, forth) - 1
    return _DIRECTIONS[name](value[forth], value[back])
