"""Uniform sampling of non-edges by rank: no rejection, so no miss, no retry and a fixed cost."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch_geometric.utils import remove_self_loops

from spherical_gae.data.pair_spaces.base import PairSpace
from spherical_gae.data.pair_spaces.unordered import UnorderedPairs
from spherical_gae.data.pairs import checked_edge_index

MAX_NUM_NODES = math.isqrt(2**63 - 1)
"""Largest number of nodes N: N * N has to fit into int64."""


class NonEdgeSampler:
    """Draw pairs of nodes that are not linked, uniformly.

    A space of pairs gives each pair that may be linked a number from 0 to S - 1.
    Let e_0 < e_1 < ... be the numbers of the E links. Before e_k lie e_k - k non-edges, hence the
    non-edge of rank r has the number ``r + #{k : e_k - k <= r}``: one binary search in the
    non-decreasing table e_k - k. This maps the ranks 0 to M - 1 one to one to the M non-edges, so
    that a uniform rank is a uniform non-edge and a link cannot come out.

    Building takes O(E log E) time and O(E) memory, each draw O(log E).

    Args:
        edge_index: int64 ``[2, E]``, the links. Each counts in both directions, however often and
            in whichever it is given; self-loops are ignored, as no self-pair is ever drawn.
        num_nodes: Number of nodes N, 0 to 3,037,000,499 (N * N has to fit into int64).
        space: The pairs that may be linked: those of two sides, of one graph of several, ordered
            ones; see ``spherical_gae.data.pair_spaces``. All unordered pairs if None.

    Raises:
        ValueError: The shape or dtype of ``edge_index`` is wrong, a node id is outside [0, N), N is
            out of range, a link is outside ``space``, or all pairs are linked, so that there is
            nothing to draw.

    Example:
        >>> import torch
        >>> sampler = NonEdgeSampler(torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
        >>> sampler.num_non_edges
        1
        >>> sampler.sample_unique(1)
        tensor([[0],
                [2]])
    """

    def __init__(self, edge_index: Tensor, num_nodes: int, space: PairSpace | None = None) -> None:
        if not 0 <= num_nodes <= MAX_NUM_NODES:
            raise ValueError(f"num_nodes: given {num_nodes}, allowed: 0 to {MAX_NUM_NODES}")
        edge_index = checked_edge_index(edge_index, num_nodes)

        self.space: PairSpace = UnorderedPairs(num_nodes) if space is None else space.to(edge_index.device)
        """The pairs that may be linked."""
        links, _ = remove_self_loops(edge_index)
        if space is not None:
            outside = links[:, ~self.space.contains(links[0], links[1])]
            if outside.numel():
                i, j = outside[:, 0].tolist()
                raise ValueError(
                    f"edge_index: given {outside.size(1)} edges that are no {self.space.name}, such as {i} - {j}, "
                    f"allowed: {self.space.name}"
                )
        self._linked = torch.unique(self.space.numbers(links[0], links[1]))  # sorted
        self._non_edges_before = self._linked - torch.arange(self._linked.numel(), device=links.device)
        self.num_non_edges: int = self.space.size - self._linked.numel()
        """Number M of unlinked pairs of the space."""
        if self.num_non_edges == 0:
            raise ValueError(
                f"edge_index: all {self._linked.numel()} {self.space.name} of the {num_nodes} nodes are linked; "
                "there is no non-edge to draw"
            )

    def sample(self, num_samples: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ordered non-edges, uniformly, independently and with replacement.

        Args:
            num_samples: Number of pairs, at least 0.
            generator: Random generator on the device of ``edge_index``; default: the global one.

        Returns:
            int64 ``[2, num_samples]`` on the device of ``edge_index``: pairs i != j, unlinked in
            either direction; of ordered pairs, unlinked in this one.

        Raises:
            ValueError: ``num_samples`` is negative.
        """
        if num_samples < 0:
            raise ValueError(f"num_samples: given {num_samples}, allowed: 0 or more")
        # Below 2^28, torch.randint takes the remainder of 32 random bits, which favours small
        # results by up to 6%. Of 62 bits it is uniform to within M / 2^62; one orients the pair.
        random = torch.randint(2**63 - 1, (num_samples,), generator=generator, device=self._non_edges_before.device)
        return self._oriented(self._ranks(random >> 1, generator), (random & 1).bool())

    def sample_unique(self, num_samples: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw distinct non-edges, uniformly among all ordered selections.

        The work is O(num_samples): NumPy's ``Generator.choice`` picks the ranks without replacement
        (Floyd's algorithm or a partial shuffle), seeded by one number from ``generator``.

        Args:
            num_samples: Number of pairs, 0 to :attr:`num_non_edges`.
            generator: Random generator on the device of ``edge_index``; default: the global one.

        Returns:
            int64 ``[2, num_samples]`` on the device of ``edge_index``: pairs i < j in random order,
            unlinked, none twice; of ordered pairs, i != j.

        Raises:
            ValueError: ``num_samples`` is negative or more than there are non-edges.
        """
        if not 0 <= num_samples <= self.num_non_edges:
            raise ValueError(
                f"num_samples: given {num_samples}, allowed: 0 to {self.num_non_edges}, the number of non-edges"
            )
        device = self._non_edges_before.device
        seed = int(torch.randint(2**63 - 1, (), generator=generator, device=device))
        ranks = np.random.default_rng(seed).choice(self.num_non_edges, num_samples, replace=False)
        return self._listed(torch.from_numpy(ranks).to(device))

    def sample_for(self, links: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw distinct non-edges to hold against links, one for each.

        Args:
            links: int64 ``[2, P]``, pairs of the space.
            generator: As for :meth:`sample_unique`.

        Returns:
            int64 ``[2, P]``, as :meth:`sample_unique` draws them; and int64 ``[P]``, the place of the
            link that each is for.

        Raises:
            ValueError: There are more links than non-edges.
        """
        negatives = self.sample_unique(links.size(1), generator)
        return negatives, torch.arange(links.size(1), device=negatives.device)

    def _ranks(self, random: Tensor, generator: torch.Generator | None) -> Tensor:
        """Ranks of non-edges from uniform numbers of 62 bits."""
        return random % self.num_non_edges

    def _oriented(self, rank: Tensor, swap: Tensor) -> Tensor:
        i, j = self._pairs(rank)
        if self.space.is_ordered:
            return torch.stack([i, j])
        return torch.stack([torch.where(swap, j, i), torch.where(swap, i, j)])

    def _listed(self, rank: Tensor) -> Tensor:
        i, j = self._pairs(rank)
        if self.space.is_ordered:
            return torch.stack([i, j])
        return torch.stack([torch.minimum(i, j), torch.maximum(i, j)])

    def _pairs(self, rank: Tensor) -> tuple[Tensor, Tensor]:
        """Map ranks among the non-edges to pairs of nodes."""
        return self.space.pairs(rank + torch.searchsorted(self._non_edges_before, rank, right=True))


def sample_non_edges(
    edge_index: Tensor,
    num_nodes: int,
    num_samples: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw ordered non-edges once; see :class:`NonEdgeSampler`, which to keep for repeated draws.

    Args:
        edge_index: int64 ``[2, E]``, the links.
        num_nodes: Number of nodes N.
        num_samples: Number of pairs, at least 0.
        generator: Random generator on the device of ``edge_index``; default: the global one.

    Returns:
        int64 ``[2, num_samples]``: pairs i != j, unlinked in either direction, with replacement.

    Raises:
        ValueError: As :class:`NonEdgeSampler` and its ``sample`` do.

    Example:
        >>> square = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> pairs = sample_non_edges(square, num_nodes=4, num_samples=3)
        >>> (pairs[0] - pairs[1]).abs()  # the diagonals are 0 - 2 and 1 - 3
        tensor([2, 2, 2])
    """
    return NonEdgeSampler(edge_index, num_nodes).sample(num_samples, generator)
