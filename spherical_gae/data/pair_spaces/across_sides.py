"""Pairs of a node on one side and a node on the other."""

from __future__ import annotations

import torch
from torch import Tensor

from spherical_gae.data.pair_spaces.base import PairSpace


class AcrossSides(PairSpace):
    """Pairs {a, b} with a on side 0 and b on side 1: what links of a bipartite graph are among.

    The a-th node of side 0 and the b-th of side 1, of n, have the number a n + b; in a batch of graphs, within each.

    Args:
        side: int64 [N], 0 or 1 for each node.
        batch: int64 [N], the graph of each node, from 0 on; one graph if None.

    Example:
        >>> AcrossSides(torch.tensor([0, 0, 1, 1, 1])).size
        6
    """

    name = "pairs across the two sides"

    def __init__(self, side: Tensor, batch: Tensor | None = None) -> None:
        self.side, self.batch = side, batch
        self._graph = torch.zeros_like(side) if batch is None else batch
        num_graphs = int(self._graph.max()) + 1 if side.numel() else 0
        # Sides of graphs: 2 g and 2 g + 1.
        group = 2 * self._graph + side
        counts = torch.bincount(group, minlength=2 * num_graphs)
        self._order = torch.argsort(group, stable=True)
        self._first = counts.cumsum(0) - counts
        self._local = torch.empty_like(side)
        self._local[self._order] = torch.arange(side.numel(), device=side.device) - self._first[group[self._order]]
        self._widths = counts[1::2]
        self.offsets = torch.cat([counts.new_zeros(1), (counts[::2] * counts[1::2]).cumsum(0)])
        self.size = int(self.offsets[-1])

    def to(self, device: torch.device) -> AcrossSides:
        """The same on a device."""
        return AcrossSides(self.side.to(device), None if self.batch is None else self.batch.to(device))

    def contains(self, i: Tensor, j: Tensor) -> Tensor:
        """Whether the two are on different sides, of one graph."""
        return (self.side[i] != self.side[j]) & (self._graph[i] == self._graph[j])

    def numbers(self, i: Tensor, j: Tensor) -> Tensor:
        """The numbers of pairs, whichever way round they are given."""
        swap = self.side[i] == 1
        a, b, graph = torch.where(swap, j, i), torch.where(swap, i, j), self._graph[i]
        return self.offsets[graph] + self._local[a] * self._widths[graph] + self._local[b]

    def pairs(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of ``numbers``: first the node of side 0, then that of side 1."""
        graph = torch.searchsorted(self.offsets[1:], number, right=True)
        local, width = number - self.offsets[graph], self._widths[graph]
        a, b = self._first[2 * graph] + local // width, self._first[2 * graph + 1] + local % width
        return self._order[a], self._order[b]
