"""Masked message passing: links that are hidden from the encoder for one training step, and predicted in it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import remove_self_loops

from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.data.undirected import checked_edge_weight, undirected_links
from spherical_gae.nn.propagation import NormalizedAdjacency
from spherical_gae.nn.sparse import SparseMatrix


class MaskedEdges(NamedTuple):
    """A graph without some of its links, and these.

    Attributes:
        edge_index: int64 [2, 2 V], the visible links in both directions, for message passing.
        hidden: int64 [2, H], the hidden links, each once.
    """

    edge_index: Tensor
    hidden: Tensor


class MaskedAdjacency(NamedTuple):
    """The normalised adjacency of a graph without some of its links, and these.

    Attributes:
        adjacency: A-hat of the visible links, shape [N, N].
        hidden: int64 [2, H], the hidden links, each once.
    """

    adjacency: NormalizedAdjacency
    hidden: Tensor


class LinkMasking:
    """Hides a random share of the links, anew in each draw.

    A model that sees a link while it learns to predict it learns to copy; predicting links that message passing
    does not see is the task of the test (Li et al. 2023, *What's Behind the Mask*, MaskGAE).

    Args:
        edge_index: int64 [2, E], both directions of each link; self-loops and repeats are left out.
        num_nodes: Number of nodes N.
        share: Share of the links to hide, in (0, 1); the number is rounded, and at least one is hidden and one shown.

    Attributes:
        links: int64 [2, L], each link once, as i < j.
        num_hidden: Number H of links that each draw hides.

    Raises:
        ValueError: If the share is out of range, a node id is not below N, or fewer than two links leave nothing to
            hide or to show.

    Example:
        >>> masking = LinkMasking(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3, share=0.5)
        >>> visible, hidden = masking.sample(torch.Generator().manual_seed(0))
        >>> visible.shape, hidden.shape
        (torch.Size([2, 2]), torch.Size([2, 1]))
    """

    def __init__(self, edge_index: Tensor, num_nodes: int, share: float) -> None:
        if not 0 < share < 1:
            raise ValueError(f"share must be in (0, 1), got {share}")
        edge_index, _ = remove_self_loops(checked_edge_index(edge_index, num_nodes))
        # Sorted and unique by the one number of each pair, whichever way round it is given.
        numbers = torch.unique(edge_index.amin(0) * num_nodes + edge_index.amax(0))
        self.links = torch.stack([numbers // num_nodes, numbers % num_nodes])
        self.num_nodes = num_nodes
        if self.num_links < 2:
            raise ValueError(f"edge_index must hold at least 2 links to hide some and show some, got {self.num_links}")
        self.num_hidden = min(max(1, round(share * self.num_links)), self.num_links - 1)

    @property
    def num_links(self) -> int:
        """Number L of links."""
        return self.links.size(1)

    def sample(self, generator: torch.Generator | None = None) -> MaskedEdges:
        """Draws which links are hidden, uniformly.

        Args:
            generator: Random generator on the links' device; default: the global one.
        """
        hidden, visible = self._order(generator).split([self.num_hidden, self.num_links - self.num_hidden])
        shown = self.links[:, visible]
        return MaskedEdges(torch.cat([shown, shown.flip(0)], dim=1), self.links[:, hidden])

    def _order(self, generator: torch.Generator | None) -> Tensor:
        return torch.randperm(self.num_links, generator=generator, device=self.links.device)


def weight_of_links(graph: SparseMatrix, train: Data) -> Tensor | None:
    """The weights that masks of a graph need: those of the training part, if the graph was made with weights.

    Args:
        graph: The unmasked adjacency.
        train: Training part of a split, of which it is the adjacency.
    """
    return train.edge_weight if isinstance(graph, NormalizedAdjacency) and graph.is_weighted else None


class AdjacencyMasking(LinkMasking):
    """The same for this package's encoders: draws normalised adjacencies, whose structure is built only once.

    Hidden links stay in the matrix as zeros.

    Args:
        edge_index: As for ``LinkMasking``.
        num_nodes: Number of nodes N.
        share: As for ``LinkMasking``.
        dtype: Dtype of the matrix.
        edge_weight: Weights [E], finite and above 0, see ``normalized_adjacency``; of repeats and directions that
            differ see ``undirected_links``.  All 1 if None.

    Raises:
        ValueError: As ``LinkMasking``; if the weights are out of range or not one for each edge.

    Example:
        >>> links = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
        >>> masking = AdjacencyMasking(links, num_nodes=4, share=0.34)
        >>> adjacency, hidden = masking.sample()
        >>> adjacency.shape, hidden.shape
        ((4, 4), torch.Size([2, 1]))
    """

    def __init__(
        self,
        edge_index: Tensor,
        num_nodes: int,
        share: float,
        dtype: torch.dtype = torch.float32,
        edge_weight: Tensor | None = None,
    ) -> None:
        super().__init__(edge_index, num_nodes, share)
        device = self.links.device
        loops = torch.arange(num_nodes, device=device)
        number = torch.arange(self.num_links, device=device)
        entries = torch.cat([self.links, self.links.flip(0), loops.expand(2, -1)], dim=1)
        # Self-loops are always visible: they get a number of their own, one past the links'.
        number = torch.cat([number, number, torch.full_like(loops, self.num_links)])
        order = torch.argsort(entries[0] * num_nodes + entries[1])
        self._row, self._column = entries[:, order]
        self._link_of_entry = number[order]
        ones = torch.ones(order.numel(), dtype=dtype, device=device)
        self._weight_of_entry = None
        if edge_weight is not None:
            edge_weight = checked_edge_weight(edge_weight, edge_index).to(dtype)
            # In the order of ``links``: both are sorted.
            _, weight = undirected_links(edge_index, edge_weight, num_nodes)
            assert weight is not None
            self._weight_of_entry = torch.cat([weight, weight.new_ones(1)])[self._link_of_entry]
        matrix = torch.sparse_coo_tensor(entries[:, order], ones, (num_nodes, num_nodes), check_invariants=False)
        self._structure = NormalizedAdjacency(matrix, torch.zeros(num_nodes, dtype=dtype, device=device))

    def sample(self, generator: torch.Generator | None = None) -> MaskedAdjacency:  # type: ignore[override]
        """Draws which links are hidden, uniformly.

        Args:
            generator: Random generator on the links' device; default: the global one.
        """
        hidden = self._order(generator)[: self.num_hidden]
        visible = self._structure.degree.new_ones(self.num_links + 1)
        visible[hidden] = 0
        entries = visible[self._link_of_entry]
        with_loop = self._row_sums(entries)
        degree = with_loop - 1
        if self._weight_of_entry is not None:
            entries = entries * self._weight_of_entry
            with_loop = self._row_sums(entries)
        scale = with_loop.rsqrt()
        adjacency = self._structure.with_values(entries * scale[self._row] * scale[self._column])
        adjacency.degree = degree
        return MaskedAdjacency(adjacency, self.links[:, hidden])

    def _row_sums(self, entries: Tensor) -> Tensor:
        return torch.zeros_like(self._structure.degree).index_add_(0, self._row, entries)
