"""Is a pair of nodes linked?  Answered for many pairs at once."""

from __future__ import annotations

import torch
from torch import Tensor


class EdgeSet:
    """The links of an undirected graph, sorted for look-up.

    Args:
        edge_index: int64 [2, E], links in either or both directions, in any order.
        num_nodes: Number of nodes N; N * N has to fit into int64.

    Example:
        >>> edges = EdgeSet(torch.tensor([[0], [1]]), num_nodes=3)
        >>> edges.contains(torch.tensor([1, 1]), torch.tensor([0, 2]))
        tensor([ True, False])
    """

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        self._num_nodes = num_nodes
        self._numbers = torch.unique(self._number(edge_index[0], edge_index[1]))

    def contains(self, i: Tensor, j: Tensor) -> Tensor:
        """Whether i and j are linked, elementwise; in either direction.

        Args:
            i: int64 node ids, any shape.
            j: int64 node ids, the same shape.

        Returns:
            Booleans, the same shape.
        """
        number = self._number(i, j).contiguous()
        if self._numbers.numel() == 0:
            return torch.zeros_like(number, dtype=torch.bool)
        place = torch.searchsorted(self._numbers, number).clamp(max=self._numbers.numel() - 1)
        return self._numbers[place] == number

    def _number(self, i: Tensor, j: Tensor) -> Tensor:
        return torch.minimum(i, j) * self._num_nodes + torch.maximum(i, j)
