"""Negatives that are hard to tell from links: they share an end with one, and are near in the graph or alike."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor


class HardNegativeSampler:
    """Draws, for each link, pairs that keep one of its ends; the other end is one that the kept one might be linked to.

    Candidates of a node are the nodes two links away from it and those that are similar to it, as far as they are not
    linked to it.  A ranking of a node's possible partners is decided among these; uniform negatives are mostly far
    away, and soon teach nothing.  A node without candidates gets any node that it is not linked to; one that is linked
    to all others gives way to the other end.

    Memory grows with the number of pairs two links apart, at most the sum of squared degrees.

    Args:
        edge_index: int64 [2, E], both directions of each training link.
        num_nodes: Number of nodes N.
        similar: int64 [2, S], both directions of each pair of similar nodes, such as from ``feature_neighbors``;
            default: none.

    Raises:
        ValueError: If a node id is not in [0, N).

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> HardNegativeSampler(path, num_nodes=3).candidates(0)
        tensor([2])
    """

    def __init__(self, edge_index: Tensor, num_nodes: int, similar: Tensor | None = None) -> None:
        self.num_nodes, self.device = num_nodes, edge_index.device
        links = _adjacency("edge_index", edge_index, num_nodes)
        self._set_linked(links)
        near = links @ links
        if similar is not None:
            near = near + _adjacency("similar", similar, num_nodes)
        near = csr_array(near)
        near.data[:] = 1
        near = csr_array(near - near.multiply(links))
        near.setdiag(0)
        near.eliminate_zeros()
        near.sort_indices()
        self._start = torch.from_numpy(near.indptr.astype(np.int64)).to(self.device)
        self._has_alone = bool((self._start.diff() == 0).any())
        self._candidate = torch.from_numpy(near.indices.astype(np.int64)).to(self.device)

    def candidates(self, node: int) -> Tensor:
        """The candidates of a node, sorted, int64 [C]."""
        return self._candidate[int(self._start[node]) : int(self._start[node + 1])]

    def sample(self, links: Tensor, k: int, generator: torch.Generator | None = None) -> Tensor:
        """Draws negatives, independently: one may occur twice.

        Args:
            links: int64 [2, P], on the device of ``edge_index``.
            k: Number of negatives of each link, at least 1.
            generator: Random generator on that device; default: the global one.

        Returns:
            int64 [2, P, k], the kept end first, which is either end with probability one half.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        shape = links.size(1), k
        second = torch.rand(shape, generator=generator, device=self.device) < 0.5
        kept, other = (torch.where(second == flag, links[1][:, None], links[0][:, None]) for flag in (True, False))
        if self._has_full:
            kept = torch.where((self._num_free[kept] == 0) & (self._num_free[other] > 0), other, kept)
        start, count = self._start[kept], self._start[kept + 1] - self._start[kept]
        place = torch.rand(shape, generator=generator, device=self.device, dtype=torch.float64)
        chosen = kept
        if self._candidate.numel():
            chosen = self._candidate[(start + (place * count).long()).clamp(max=self._candidate.numel() - 1)]
        if self._has_alone:
            chosen = torch.where(count > 0, chosen, self._unlinked(kept, place))
        return torch.stack([kept, chosen])

    def _set_linked(self, links: csr_array) -> None:
        """Remembers the nodes that each is linked to, itself among them, and how many others there are."""
        linked = csr_array(links)
        linked.setdiag(1)
        linked.sort_indices()
        self._linked_start = torch.from_numpy(linked.indptr.astype(np.int64)).to(self.device)
        degree = self._linked_start.diff()
        self._num_free = self.num_nodes - degree
        self._has_full = bool((self._num_free == 0).any())
        # How many nodes before each linked one are not, row after row in one sorted list.
        node = torch.arange(self.num_nodes, device=self.device).repeat_interleave(degree)
        place = torch.arange(node.numel(), device=self.device) - self._linked_start[node]
        before = torch.from_numpy(linked.indices.astype(np.int64)).to(self.device) - place
        self._unlinked_before = node * (self.num_nodes + 1) + before

    def _unlinked(self, nodes: Tensor, place: Tensor) -> Tensor:
        """For each node one that it is not linked to, by a number in [0, 1); of one linked to all, any node."""
        # The r-th node that is not linked: r, and as many more as are linked before it.
        rank = (place * self._num_free[nodes]).long()
        wanted = nodes * (self.num_nodes + 1) + rank
        linked = torch.searchsorted(self._unlinked_before, wanted, right=True) - self._linked_start[nodes]
        return torch.where(self._num_free[nodes] > 0, rank + linked, (place * self.num_nodes).long())


def _adjacency(name: str, edge_index: Tensor, num_nodes: int) -> csr_array:
    row, column = edge_index.cpu().numpy()
    lowest, highest = (int(edge_index.amin()), int(edge_index.amax())) if row.size else (0, 0)
    if not 0 <= lowest <= highest < num_nodes:
        raise ValueError(f"{name} must hold node ids in [0, {num_nodes}), got {lowest} to {highest}")
    adjacency = csr_array((np.ones(row.size), (row, column)), shape=(num_nodes, num_nodes))
    adjacency.sum_duplicates()
    adjacency.data[:] = 1
    return adjacency
