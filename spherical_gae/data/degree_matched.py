"""Negatives whose ends are as popular as those of the links: knowing the degrees gains next to nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from spherical_gae.data.edge_sets import EdgeSet

_MAX_ROUNDS = 100


class DegreeMatchedSampler:
    """Draws non-edges whose two ends have the degrees of a given link's two ends.

    Uniform negatives join mostly nodes of low degree, links join nodes of high degree, so that a score that only
    knows how popular a node is reaches an AUC far above one half on them.  Here each end of a link is replaced by
    a node of its class: the nodes of one degree, or of neighbouring degrees where a class would be smaller than
    ``min_class``.  Within a class of several degrees nodes are drawn in proportion to their degree, as the ends of
    links are; degree 0 counts as one half.

    Args:
        edge_index: int64 [2, E], all links of the graph, in either or both directions, none of which is drawn.
        degree: Degree by which nodes are matched, shape [N]; of the training links, for instance.
        min_class: Smallest number of nodes in a class, at least 1.

    Raises:
        ValueError: If ``min_class`` is below 1.

    Example:
        >>> ring = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
        >>> sampler = DegreeMatchedSampler(ring, torch.full((30,), 2))
        >>> sampler.sample(ring[:, :4]).shape
        torch.Size([2, 4])
    """

    def __init__(self, edge_index: Tensor, degree: Tensor, min_class: int = 20) -> None:
        if min_class < 1:
            raise ValueError(f"min_class must be at least 1, got {min_class}")
        self._edges = EdgeSet(edge_index, degree.numel())
        self._order = torch.argsort(degree, stable=True)
        self._class_of_node, starts = _classes(degree[self._order], self._order, min_class)
        # Nodes in order of degree, with cumulative weights: a uniform number in a class's range picks a node.
        weight = degree[self._order].double().clamp(min=0.5)
        self._cumulative = torch.cat([weight.new_zeros(1), weight.cumsum(0)])
        self._low, self._high = self._cumulative[starts[:-1]], self._cumulative[starts[1:]]

    def sample(self, links: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draws one negative for each link.

        Args:
            links: int64 [2, P].
            generator: Random generator on the device of ``links``; default: the global one.

        Returns:
            int64 [2, P]: unlinked pairs i != j; a pair may occur twice.

        Raises:
            ValueError: If for some link no unlinked pair of these degrees was found.
        """
        classes = self._class_of_node[links]
        pairs = torch.empty_like(links)
        todo = torch.ones(links.size(1), dtype=torch.bool, device=links.device)
        for _ in range(_MAX_ROUNDS):
            pairs[:, todo] = self._draw(classes[:, todo], generator)
            todo = (pairs[0] == pairs[1]) | self._edges.contains(pairs[0], pairs[1])
            if not todo.any():
                return pairs
        raise ValueError(
            f"edge_index: given {int(todo.sum())} links for which no unlinked pair of like degrees was found in "
            f"{_MAX_ROUNDS} draws, allowed: graphs where there are some; a larger min_class may help"
        )

    def _draw(self, classes: Tensor, generator: torch.Generator | None) -> Tensor:
        low, high = self._low[classes], self._high[classes]
        uniform = torch.rand(classes.shape, generator=generator, dtype=low.dtype, device=low.device)
        place = torch.searchsorted(self._cumulative, low + uniform * (high - low), right=True) - 1
        return self._order[place.clamp(max=self._order.numel() - 1)]


def _classes(sorted_degree: Tensor, order: Tensor, min_class: int) -> tuple[Tensor, Tensor]:
    """Class of every node, shape [N], and the start of every class among the sorted nodes, shape [C + 1]."""
    _, counts = torch.unique_consecutive(sorted_degree, return_counts=True)
    starts, size = [0], 0
    # From the lowest degree on; a class is closed when it is large enough.
    for count in counts.tolist():
        size += count
        if size >= min_class:
            starts.append(starts[-1] + size)
            size = 0
    if size:
        # What is left at the top joins the class below it, if there is one.
        starts = [*starts[:-1], starts[-1] + size] if len(starts) > 1 else [0, size]
    boundaries = torch.tensor(starts, device=order.device)
    ranks = torch.arange(order.numel(), device=order.device)
    class_of_node = torch.empty_like(order)
    class_of_node[order] = torch.searchsorted(boundaries, ranks, right=True) - 1
    return class_of_node, boundaries
