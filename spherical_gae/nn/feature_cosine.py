"""A term of the log-odds that nothing but a scale is learned of: how alike the features of two neighbourhoods are."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch_geometric.nn.inits import reset

from spherical_gae.nn.pair_blocks import graph_arguments, score_block
from spherical_gae.nn.propagation import NormalizedAdjacency, normalized_adjacency


class FeatureCosineDecoder(nn.Module):
    """Log-odds of a link: decoder(z)_ij + scale * h_i . h_j,  h = normalise(A-hat X), X the unit features.

    The cosine of propagated tf-idf features predicts links of citation graphs well without any training; so the
    embeddings need to learn only what it does not say.  It acts as a fixed factor beside those of a product of
    spheres.  A-hat is that of the graph which the encoder saw.

    Args:
        decoder: Any decoder with PyG's signature ``decoder(z, edge_index, sigmoid=True)``, for instance a
            ``DegreeBiasedDecoder``.
        features: Unit features of all nodes, shape [N, r], for instance ``unit_features(x, 512)``; a
            buffer that is not in the state dict.
        scale: Initial scale, > 0; learned, and kept positive by an exponential.

    Raises:
        ValueError: If ``features`` are not a matrix, or ``scale`` is not positive and finite.

    Example:
        >>> from spherical_gae.nn import InnerProductDecoder
        >>> decoder = FeatureCosineDecoder(InnerProductDecoder(), torch.eye(3), scale=2.0)
        >>> known = decoder.graph_arguments(torch.tensor([[0, 1], [1, 0]]), num_nodes=3)
        >>> pairs = torch.tensor([[0, 0], [1, 2]])  # 0 and 1 have the same neighbourhood
        >>> decoder(torch.zeros(3, 4), pairs, sigmoid=False, **known).detach().round(decimals=4)
        tensor([2., 0.])
    """

    decoder: Any
    features: Tensor

    def __init__(self, decoder: nn.Module, features: Tensor, scale: float = 5.0) -> None:
        super().__init__()
        if features.dim() != 2:
            raise ValueError(f"features must have shape [N, r], got {tuple(features.shape)}")
        if not 0 < scale < math.inf:
            raise ValueError(f"scale must be positive and finite, got {scale}")
        self.decoder = decoder
        self._initial = math.log(scale)
        self.log_scale = nn.Parameter(torch.tensor(self._initial))
        # Data, not weights: no checkpoint needs to hold them.
        self.register_buffer("features", features, persistent=False)

    def extra_repr(self) -> str:
        """The shape of the features, for ``repr``."""
        return f"features={tuple(self.features.shape)}"

    def reset_parameters(self) -> None:
        """Resets the decoder and the scale."""
        reset(self.decoder)
        nn.init.constant_(self.log_scale, self._initial)

    @property
    def scale(self) -> Tensor:
        """The factor on the cosine, > 0, shape ()."""
        return self.log_scale.exp()

    @torch.no_grad()
    def graph_arguments(self, edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> dict[str, Tensor]:
        """What ``forward`` needs to know of the graph that the encoder saw.

        Args:
            edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.
            num_nodes: Number of nodes N.

        Returns:
            ``{"neighborhood": unit vectors [N, r]}``, and what the inner decoder needs.

        Raises:
            ValueError: If there are features of another number of nodes.
        """
        if num_nodes != self.features.size(0):
            raise ValueError(f"num_nodes must be that of the features, {self.features.size(0)}, got {num_nodes}")
        adjacency = normalized_adjacency(edge_index, num_nodes, self.features.dtype)
        neighborhood = F.normalize(adjacency @ self.features, dim=-1)
        return {"neighborhood": neighborhood, **graph_arguments(self.decoder, edge_index, num_nodes)}

    def forward(
        self, z: Tensor, edge_index: Tensor, sigmoid: bool = True, *, neighborhood: Tensor, **of_decoder: Tensor
    ) -> Tensor:
        """Scores pairs of nodes.

        Args:
            z: Embeddings, shape [N, m].
            edge_index: int64 [2, E], the pairs.
            sigmoid: Whether to return probabilities instead of log-odds.
            neighborhood: Unit vectors of the nodes' propagated features, shape [N, r].
            **of_decoder: What the inner decoder needs besides.

        Returns:
            Shape [E].
        """
        source, target = (neighborhood.index_select(0, end) for end in edge_index)
        cosine = (source * target).sum(-1)
        logits = self.decoder(z, edge_index, sigmoid=False, **of_decoder) + self.scale * cosine
        return logits.sigmoid() if sigmoid else logits

    def forward_all(self, z: Tensor, sigmoid: bool = True, *, neighborhood: Tensor, **of_decoder: Tensor) -> Tensor:
        """Scores all pairs of nodes, shape [N, N]; see ``forward``.  Memory grows with N^2."""
        cosine = neighborhood @ neighborhood.t()
        logits = self.decoder.forward_all(z, sigmoid=False, **of_decoder) + self.scale * cosine
        return logits.sigmoid() if sigmoid else logits

    def forward_block(
        self,
        z: Tensor,
        source: Tensor,
        target: Tensor,
        sigmoid: bool = True,
        *,
        neighborhood: Tensor,
        **of_decoder: Tensor,
    ) -> Tensor:
        """Scores all pairs of two sets of nodes, int64 [A] and [B], shape [A, B]; see ``forward``."""
        cosine = neighborhood[source] @ neighborhood[target].t()
        logits = score_block(self.decoder, z, source, target, sigmoid=False, **of_decoder) + self.scale * cosine
        return logits.sigmoid() if sigmoid else logits
