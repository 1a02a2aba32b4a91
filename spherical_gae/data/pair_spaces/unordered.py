"""All pairs {i, j} of different nodes, of one graph or within each of several."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from spherical_gae.data.pair_spaces.base import GroupedPairs


class UnorderedPairs(GroupedPairs):
    """Pairs {i, j}, i != j: what undirected links are among.

    Put the n nodes of a graph on a ring.  Every pair is {i, i + d mod n} for one distance d from 1 to n / 2, and gets
    the number (d - 1) n + i; the numbers 0 to n (n - 1) / 2 - 1 are each used once.

    Args:
        num_nodes: Number of nodes N.
        batch: int64 [N], the graph of each node, from 0 on; one graph if None.

    Example:
        >>> UnorderedPairs(4).size, UnorderedPairs(4, torch.tensor([0, 0, 1, 1])).size
        (6, 2)
    """

    name = "pairs"

    def _count(self, n: Any) -> Any:
        return n * (n - 1) // 2

    def _number(self, i: Tensor, j: Tensor, n: Any) -> Tensor:
        distance = (j - i) % n
        # The way round through j is the shorter one; of two equally long, keep the smaller start.
        turn = (2 * distance > n) | ((2 * distance == n) & (i > j))
        start = torch.where(turn, j, i)
        return (torch.where(turn, n - distance, distance) - 1) * n + start

    def _pair(self, number: Tensor, n: Any) -> tuple[Tensor, Tensor]:
        i = number % n
        return i, (i + number // n + 1) % n
