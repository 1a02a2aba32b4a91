"""Negatives for a batch of graphs: each graph has as large a share of them as it has of the links."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.data.pair_spaces.across_sides import AcrossSides
from spherical_gae.data.pair_spaces.base import GroupedPairs


class GraphwiseSampler(NonEdgeSampler):
    """Draw pairs within a graph that are not linked: the graph of a random link, then uniformly there.

    A pair of nodes of different graphs can never be linked, and telling such a pair from a link is no feat.  Nor is
    telling a dense graph from a sparse one: were the negatives uniform among all pairs within graphs, a score that only
    knows how dense each graph is would be above chance.

    Graphs without a non-edge, such as single links, have no negatives.

    Args:
        edge_index: int64 ``[2, E]``, the links of all graphs, as for :class:`NonEdgeSampler`.
        num_nodes: Number of nodes N of all graphs.
        space: Pairs within the graphs, made with a ``batch``.

    Raises:
        ValueError: As :class:`NonEdgeSampler`; a link joins two graphs; or no graph with links has a non-edge.

    Example:
        >>> from spherical_gae.data.pair_spaces.unordered import UnorderedPairs
        >>> space = UnorderedPairs(6, batch=torch.tensor([0, 0, 0, 1, 1, 1]))
        >>> sampler = GraphwiseSampler(torch.tensor([[0, 1, 3], [1, 2, 4]]), 6, space)
        >>> sampler.num_non_edges
        3
    """

    def __init__(self, edge_index: Tensor, num_nodes: int, space: GroupedPairs | AcrossSides) -> None:
        super().__init__(edge_index, num_nodes, space)
        # Pairs of a graph have numbers in a row, hence its non-edges have ranks in a row.
        offsets = self.space.offsets  # type: ignore[attr-defined]
        before = torch.searchsorted(self._linked, offsets)
        self._first_rank = (offsets - before)[:-1]
        self._num_free = (offsets - before).diff()
        num_links = torch.where(self._num_free > 0, before.diff(), 0)
        self._links_up_to = num_links.cumsum(0)
        if not bool(num_links.any()):
            raise ValueError("edge_index: given graphs that are each linked completely or not at all, allowed: others")

    @property
    def graph_shares(self) -> Tensor:
        """The share of draws that each graph has, float32 [G]."""
        counts = torch.diff(self._links_up_to, prepend=self._links_up_to.new_zeros(1))
        return counts.float() / self._links_up_to[-1]

    def _ranks(self, random: Tensor, generator: torch.Generator | None) -> Tensor:
        # One number chooses a link and thus a graph, another one a non-edge of it: a graph may have more than 2^31.
        graph = torch.searchsorted(self._links_up_to, random % self._links_up_to[-1], right=True)
        free = torch.randint(2**63 - 1, random.shape, generator=generator, device=random.device)
        return self._first_rank[graph] + free % self._num_free[graph]

    def sample_for(self, links: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw distinct non-edges to hold against links, one of its own graph for each, as far as there are some.

        Args:
            links: int64 ``[2, P]``, pairs of the space.
            generator: As for :meth:`sample_unique`.

        Returns:
            int64 ``[2, Q]``, Q <= P; and int64 ``[Q]``, the place of the link that each is for, in order.
        """
        device = self._first_rank.device
        links = links.to(device)
        if links.size(1) == 0:
            return links, links.new_zeros(0)
        graph = torch.searchsorted(self.space.offsets[1:], self.space.numbers(*links), right=True)  # type: ignore[attr-defined]
        seed = int(torch.randint(2**63 - 1, (), generator=generator, device=device))
        numpy = np.random.default_rng(seed)
        order = torch.argsort(graph, stable=True)
        graphs, counts = torch.unique_consecutive(graph[order], return_counts=True)
        ranks, places = [], []
        free, first = self._num_free[graphs].tolist(), self._first_rank[graphs].tolist()
        for own, available, start in zip(order.split(counts.tolist()), free, first, strict=True):
            drawn = min(own.numel(), available)
            ranks.append(torch.from_numpy(start + numpy.choice(available, drawn, replace=False)))
            places.append(own[torch.randperm(own.numel(), generator=generator, device=device)[:drawn]])
        rank, place = torch.cat(ranks).to(device), torch.cat(places)
        order = torch.argsort(place)
        return self._listed(rank[order]), place[order]
