"""What a space of pairs is: the pairs of nodes that may be linked, each with a number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor


class PairSpace(ABC):
    """The pairs that may be linked, numbered from 0 to ``size - 1``.

    Attributes:
        size: Number of pairs.
        is_ordered: Whether (i, j) and (j, i) are different pairs.
        name: What the pairs are, for messages.
    """

    size: int
    is_ordered: bool = False
    name: str = "pairs"

    @abstractmethod
    def numbers(self, i: Tensor, j: Tensor) -> Tensor:
        """The numbers of pairs of the space, int64 [E]; of unordered ones, whichever way round they are given."""

    @abstractmethod
    def pairs(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of ``numbers``."""

    @abstractmethod
    def contains(self, i: Tensor, j: Tensor) -> Tensor:
        """Whether pairs of nodes belong to the space, bool [E]."""

    @abstractmethod
    def to(self, device: torch.device) -> PairSpace:
        """The same on a device."""


class GroupedPairs(PairSpace):
    """Pairs within one graph, or within each of several: what its subclasses share.

    Pairs of one graph have numbers in a row, graph by graph.

    Args:
        num_nodes: Number of nodes N.
        batch: int64 [N], the graph of each node, from 0 on; one graph if None.
    """

    def __init__(self, num_nodes: int, batch: Tensor | None = None) -> None:
        self.num_nodes, self.batch = num_nodes, batch
        if batch is None:
            self.size = int(self._count(num_nodes))
            return
        self.name = f"{self.name} within a graph"
        counts = torch.bincount(batch)
        self._sizes, self._order = counts, torch.argsort(batch, stable=True)
        self._first = counts.cumsum(0) - counts
        # The number of a node within its graph.
        self._local = torch.empty_like(batch)
        self._local[self._order] = torch.arange(num_nodes, device=batch.device) - self._first[batch[self._order]]
        self.offsets = torch.cat([counts.new_zeros(1), self._count(counts).cumsum(0)])
        self.size = int(self.offsets[-1])

    def to(self, device: torch.device) -> PairSpace:
        """The same on a device."""
        return self if self.batch is None else type(self)(self.num_nodes, self.batch.to(device))

    def contains(self, i: Tensor, j: Tensor) -> Tensor:
        """Whether the two are different nodes of one graph."""
        different = i != j
        return different if self.batch is None else different & (self.batch[i] == self.batch[j])

    def numbers(self, i: Tensor, j: Tensor) -> Tensor:
        """The numbers of pairs."""
        if self.batch is None:
            return self._number(i, j, self.num_nodes)
        graph = self.batch[i]
        return self.offsets[graph] + self._number(self._local[i], self._local[j], self._sizes[graph])

    def pairs(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of ``numbers``."""
        if self.batch is None:
            return self._pair(number, self.num_nodes)
        graph = torch.searchsorted(self.offsets[1:], number, right=True)
        i, j = self._pair(number - self.offsets[graph], self._sizes[graph])
        return self._order[self._first[graph] + i], self._order[self._first[graph] + j]

    @abstractmethod
    def _count(self, n: Any) -> Any:
        """Number of pairs of n nodes."""

    @abstractmethod
    def _number(self, i: Tensor, j: Tensor, n: int | Tensor) -> Tensor:
        """Number of a pair among those of its graph of n nodes."""

    @abstractmethod
    def _pair(self, number: Tensor, n: int | Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of ``_number``."""
