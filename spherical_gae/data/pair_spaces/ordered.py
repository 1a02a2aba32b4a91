"""All pairs (i, j) of different nodes, of one graph or within each of several."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from spherical_gae.data.pair_spaces.base import GroupedPairs


class OrderedPairs(GroupedPairs):
    """Pairs (i, j), i != j, of which (j, i) is another one: what directed links are among.

    In a graph of n nodes, (i, j) has the number i (n - 1) + j, less one if j > i.

    Args:
        num_nodes: Number of nodes N.
        batch: int64 [N], the graph of each node, from 0 on; one graph if None.

    Example:
        >>> OrderedPairs(4).size
        12
    """

    name = "ordered pairs"
    is_ordered = True

    def _count(self, n: Any) -> Any:
        return n * (n - 1)

    def _number(self, i: Tensor, j: Tensor, n: Any) -> Tensor:
        return i * (n - 1) + j - (j > i).long()

    def _pair(self, number: Tensor, n: Any) -> tuple[Tensor, Tensor]:
        # A graph of one node has no pairs, but must not divide by zero.
        width = n - 1 if isinstance(n, int) else (n - 1).clamp(min=1)
        i, j = number // width, number % width
        return i, j + (j >= i).long()


class DoubleCoverPairs(OrderedPairs):
    """The same pairs on the double cover of a directed graph: (i, N + j), see ``double_cover``.

    Args:
        num_nodes: Number of nodes N of the directed graph; the cover has 2 N.
        batch: int64 [N], the graph of each node, from 0 on; one graph if None.
    """

    is_ordered = False

    def numbers(self, i: Tensor, j: Tensor) -> Tensor:
        """The numbers of pairs, whichever way round they are given."""
        return super().numbers(torch.minimum(i, j), torch.maximum(i, j) - self.num_nodes)

    def pairs(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of ``numbers``."""
        i, j = super().pairs(number)
        return i, j + self.num_nodes

    def contains(self, i: Tensor, j: Tensor) -> Tensor:
        """Whether one is the copy of a node as a source, the other that of another node as a target."""
        low, high = torch.minimum(i, j), torch.maximum(i, j)
        cross = (low < self.num_nodes) & (high >= self.num_nodes)
        return cross & super().contains(low % self.num_nodes, high % self.num_nodes)
