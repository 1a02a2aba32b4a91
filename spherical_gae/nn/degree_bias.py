"""A learned bias for the degree of a node: how likely it is to have a link at all."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from spherical_gae.nn.pair_blocks import score_all, score_block
from spherical_gae.nn.propagation import NormalizedAdjacency, node_degree


class DegreeBias(nn.Module):
    """One learned number per bucket of degrees: 0; 1; 2; 3-4; 5-8; 9-16; ..., the last one open.

    Args:
        num_buckets: Number of buckets, at least 2.
        isolated: Whether nodes of degree 0 have a bucket of their own.  If not, they share that of degree 1.  In a
            benchmark whose test links were taken out of the graph, a node that has become isolated is known to
            have test links, so this bucket gains from the protocol.

    Raises:
        ValueError: If ``num_buckets`` is below 2.

    Example:
        >>> DegreeBias(num_buckets=5).bucket(torch.tensor([0, 1, 2, 3, 4, 5, 1000])).tolist()
        [0, 1, 2, 3, 3, 4, 4]
    """

    def __init__(self, num_buckets: int = 8, isolated: bool = True) -> None:
        super().__init__()
        if num_buckets < 2:
            raise ValueError(f"num_buckets must be at least 2, got {num_buckets}")
        self.isolated = isolated
        self.bias = nn.Parameter(torch.zeros(num_buckets))

    def reset_parameters(self) -> None:
        """Sets all biases to zero."""
        nn.init.zeros_(self.bias)

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"num_buckets={self.bias.numel()}, isolated={self.isolated}"

    def bucket(self, degree: Tensor) -> Tensor:
        """The bucket of each degree.

        Args:
            degree: Degrees, shape [N].

        Returns:
            int64 [N], in [0, num_buckets).
        """
        # Upper ends 0, 1, 2, 4, 8, ...
        ends = 2.0 ** torch.arange(-1, self.bias.numel() - 2, device=degree.device)
        ends[0] = 0
        bucket = torch.bucketize(degree.to(ends.dtype), ends)
        return bucket if self.isolated else bucket.clamp(min=1)

    def forward(self, degree: Tensor) -> Tensor:
        """The bias of each node, shape [N], by its degree, shape [N]."""
        return self.bias[self.bucket(degree)]


class DegreeBiasedDecoder(nn.Module):
    """Log-odds of a link: decoder(z)_ij + bias(degree_i) + bias(degree_j).

    The degrees are those of the graph that the encoder saw.  In masked training these are the visible links, so
    that the biases learn how many hidden links a node of some visible degree has.

    Args:
        decoder: Any decoder with PyG's signature ``decoder(z, edge_index, sigmoid=True)`` that needs nothing of the
            graph; a ``ThreePathDecoder`` goes around this one, not within.
        num_buckets: See ``DegreeBias``.
        isolated: See ``DegreeBias``.

    Raises:
        ValueError: If ``num_buckets`` is below 2, or ``decoder`` needs to know the graph itself.

    Example:
        >>> from spherical_gae.nn import InnerProductDecoder
        >>> decoder = DegreeBiasedDecoder(InnerProductDecoder())
        >>> links = torch.tensor([[0, 1], [1, 0]])
        >>> decoder(torch.eye(3), links, **decoder.graph_arguments(links, 3)).shape
        torch.Size([2])
    """

    decoder: Any

    def __init__(self, decoder: nn.Module, num_buckets: int = 8, isolated: bool = True) -> None:
        super().__init__()
        if hasattr(decoder, "graph_arguments"):
            raise ValueError(
                f"decoder must need nothing of the graph, got {type(decoder).__name__}: put this decoder within that "
                "one; their sum is the same"
            )
        self.decoder = decoder
        self.degree_bias = DegreeBias(num_buckets, isolated)

    def reset_parameters(self) -> None:
        """Resets the decoder and the biases."""
        reset(self.decoder)
        self.degree_bias.reset_parameters()

    @staticmethod
    def graph_arguments(edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> dict[str, Tensor]:
        """What ``forward`` needs to know of the graph that the encoder saw.

        Args:
            edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.
            num_nodes: Number of nodes N.

        Returns:
            ``{"degree": Tensor of shape [N]}``.
        """
        return {"degree": node_degree(edge_index, num_nodes)}

    def forward(self, z: Tensor, edge_index: Tensor, sigmoid: bool = True, *, degree: Tensor) -> Tensor:
        """Scores pairs of nodes.

        Args:
            z: Embeddings, shape [N, m].
            edge_index: int64 [2, E], the pairs.
            sigmoid: Whether to return probabilities instead of log-odds.
            degree: Degrees of the nodes in the graph that the encoder saw, shape [N].

        Returns:
            Shape [E].
        """
        bias = self.degree_bias(degree)
        source, target = edge_index
        logits = self.decoder(z, edge_index, sigmoid=False) + bias[source] + bias[target]
        return logits.sigmoid() if sigmoid else logits

    def forward_all(self, z: Tensor, sigmoid: bool = True, *, degree: Tensor) -> Tensor:
        """Scores all pairs of nodes, shape [N, N]; see ``forward``.  Memory grows with N^2."""
        bias = self.degree_bias(degree)
        logits = score_all(self.decoder, z, sigmoid=False) + bias[:, None] + bias
        return logits.sigmoid() if sigmoid else logits

    def forward_block(
        self, z: Tensor, source: Tensor, target: Tensor, sigmoid: bool = True, *, degree: Tensor
    ) -> Tensor:
        """Scores all pairs of two sets of nodes, int64 [A] and [B], shape [A, B]; see ``forward``."""
        bias = self.degree_bias(degree)
        logits = score_block(self.decoder, z, source, target, sigmoid=False) + bias[source][:, None] + bias[target]
        return logits.sigmoid() if sigmoid else logits
