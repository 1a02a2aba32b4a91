"""The encoder that sees two graphs: nodes of similar features, then links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from spherical_gae.data.feature_neighbors import feature_neighbors
from spherical_gae.nn.encoders import NormalizedPropagationEncoder
from spherical_gae.nn.propagation import normalized_adjacency
from spherical_gae.nn.sparse import SparseMatrix


class NeighborFeatures(NamedTuple):
    """Node features with the graph of those that are similar, see ``FeatureNeighborEncoder.prepare``.

    Attributes:
        x: Node features, shape [N, F], dense or sparse.
        adjacency: A-hat of ``feature_neighbors``, shape [N, N].

    Example:
        >>> import torch
        >>> encoder = FeatureNeighborEncoder(3, (4, 1), num_steps=(1,), num_feature_steps=(1,), num_neighbors=2)
        >>> encoder.prepare(torch.rand(5, 3)).adjacency.shape
        (5, 5)
    """

    x: Tensor | SparseMatrix
    adjacency: SparseMatrix


class FeatureNeighborEncoder(NormalizedPropagationEncoder):
    """Normalise, propagate among nodes of similar features, propagate along links.

    parameter_0 = A-hat^K S-hat^J normalise(X W_0 + b_0), every other parameter_i = A-hat^K S-hat^J (X W_i + b_i), with
    S the graph of the nearest neighbours of each node by the cosine of their features (``feature_neighbors``).  A node
    that has few links or none, whose words are all that is known of it, is taken together with those of similar words.

    With several pairs (J, K), every parameter consists of as many equal blocks, as in
    ``NormalizedPropagationEncoder``, which this is if all J are 0.

    Args:
        in_channels: Number of node features F.
        out_channels: Width of each parameter, the direction's first.
        num_steps: Number K of steps along links of each block, at least 0.
        num_feature_steps: Number J of steps among feature neighbours of each block, at least 0, as many as
            ``num_steps``.
        num_neighbors: Number of feature neighbours of a node, at least 1.
        dropout: Dropout on the features, in [0, 1).

    Raises:
        ValueError: If a width is below 1 or not a multiple of the number of blocks, the numbers of steps are not
            equally many or one is negative, ``num_neighbors`` is below 1, or the dropout is outside [0, 1).

    Example:
        >>> import torch
        >>> encoder = FeatureNeighborEncoder(5, (6, 2), num_steps=(1, 0), num_feature_steps=(0, 1), num_neighbors=2)
        >>> x, edge_index = encoder.prepare(torch.rand(4, 5)), torch.tensor([[0, 1], [1, 0]])
        >>> directions, concentrations = encoder(x, edge_index)
        >>> directions.shape, concentrations.shape
        (torch.Size([4, 6]), torch.Size([4, 2]))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: Sequence[int],
        num_steps: Sequence[int],
        num_feature_steps: Sequence[int],
        num_neighbors: int = 20,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_channels, out_channels, num_steps, dropout)
        self.num_feature_steps = tuple(num_feature_steps)
        if len(self.num_feature_steps) != len(self.num_steps) or min(self.num_feature_steps) < 0:
            raise ValueError(
                f"num_feature_steps must be as many as num_steps, {len(self.num_steps)}, each at least 0, "
                f"got {self.num_feature_steps}"
            )
        if num_neighbors < 1:
            raise ValueError(f"num_neighbors must be at least 1, got {num_neighbors}")
        self.num_neighbors = num_neighbors

    def prepare(self, x: Tensor | SparseMatrix) -> NeighborFeatures:
        """Searches the neighbours of all nodes, once and for all; time grows with N^2 F, see ``feature_neighbors``.

        Args:
            x: Node features, shape [N, F], dense or sparse.

        Returns:
            What ``forward`` takes in place of ``x``.
        """
        dense = x.to_dense() if isinstance(x, SparseMatrix) else x
        links = feature_neighbors(dense, self.num_neighbors)
        return NeighborFeatures(x, normalized_adjacency(links, x.size(0), next(self.parameters()).dtype))

    def forward(
        self, x: Tensor | SparseMatrix | NeighborFeatures, edge_index: Tensor | SparseMatrix
    ) -> tuple[Tensor, ...]:
        """Encodes every node.

        Args:
            x: Node features from ``prepare``; or, shape [N, F], dense or sparse, features that are prepared anew in
                every call.
            edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.

        Returns:
            One tensor per parameter, shape [N, out_channels[i]], unconstrained.
        """
        features, similar = x if isinstance(x, NeighborFeatures) else self.prepare(x)
        blocks = self._propagate(self._blocks(features), similar, self.num_feature_steps)
        return self._join(self._propagate(blocks, self._adjacency(features, edge_index), self.num_steps))
