"""Graph encoders: node features and links to the raw parameters of a latent distribution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core.unit_vectors import unit_or_zero
from spherical_gae.nn.propagation import normalized_adjacency
from spherical_gae.nn.sparse import SparseMatrix


class GraphEncoder(nn.Module):
    """What the encoders share: how they are called and how their weights are drawn.

    Example:
        >>> isinstance(GCNEncoder(3, 8, (4, 1)), GraphEncoder)
        True
    """

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        """Encodes every node.

        Args:
            x: Node features, shape [N, F], dense or sparse.
            edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.

        Returns:
            One tensor per parameter, shape [N, out_channels[i]], unconstrained.
        """
        return self._encode(x, edge_index)

    def _encode(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        names = ("num_steps", "num_feature_steps", "num_neighbors", "dropout")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names if hasattr(self, name))


class GCNEncoder(GraphEncoder):
    """Two graph convolutions (Kipf & Welling 2016), the second with one output per parameter.

    hidden = ReLU(A-hat (X W_0 + b_0));  parameter_i = A-hat (hidden W_i + b_i), with dropout on X and hidden.
    Unlike in PyG's ``GCNConv``, the biases are propagated too.

    Args:
        in_channels: Number of node features F.
        hidden_channels: Width of the hidden layer.
        out_channels: Width of each parameter, for instance (m, 1) for a direction and a concentration, or
            (d, d) for a mean and a log standard deviation.
        dropout: Dropout on the features and on the hidden layer, in [0, 1).

    Raises:
        ValueError: If a width is below 1 or the dropout is outside [0, 1).

    Example:
        >>> encoder = GCNEncoder(5, 8, (3, 1))
        >>> direction, concentration = encoder(torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]]))
        >>> direction.shape, concentration.shape
        (torch.Size([4, 3]), torch.Size([4, 1]))
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: Sequence[int],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        _check(in_channels, hidden_channels, out_channels, dropout)
        self.dropout = dropout
        self.hidden = nn.Linear(in_channels, hidden_channels)
        self.outputs = nn.ModuleList(nn.Linear(hidden_channels, width) for width in out_channels)
        self.reset_parameters()

    def _encode(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        adjacency = normalized_adjacency(edge_index, x.size(0), self.hidden.weight.dtype)
        (hidden,) = _parallel_linear([self.hidden], x, self.dropout, self.training)
        hidden = F.relu(adjacency.matmul(hidden))
        hidden = F.dropout(hidden, self.dropout, self.training)
        outputs = [linear(hidden) for linear in self.outputs]
        return adjacency.matmul(torch.cat(outputs, dim=-1)).split([o.size(-1) for o in outputs], dim=-1)


class NormalizedPropagationEncoder(GraphEncoder):
    """A linear map, L2 normalisation, and propagation: no hidden layer, hardly any parameters.

    parameter_0 = A-hat^K normalise(X W_0 + b_0), every other parameter_i = A-hat^K (X W_i + b_i).  Normalising
    before propagation keeps isolated and low-degree nodes on the scale of the others (Ahn & Kim 2021).

    With several numbers of steps, every parameter consists of as many equal blocks, each normalised by itself and
    propagated so many times: on a product of spheres, factors that see neighbourhoods of different sizes.

    Args:
        in_channels: Number of node features F.
        out_channels: Width of each parameter, the direction's first.
        num_steps: Number K of propagation steps, at least 0; or one for each block.
        dropout: Dropout on the features, in [0, 1).

    Raises:
        ValueError: If a width is below 1 or not a multiple of the number of blocks, a number of steps is negative
            or there is none, or the dropout is outside [0, 1).

    Example:
        >>> encoder = NormalizedPropagationEncoder(5, (6, 2), num_steps=(1, 2))
        >>> directions, concentrations = encoder(torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]]))
        >>> directions.shape, concentrations.shape
        (torch.Size([4, 6]), torch.Size([4, 2]))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: Sequence[int],
        num_steps: int | Sequence[int] = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_steps = (num_steps,) if isinstance(num_steps, int) else tuple(num_steps)
        _check(in_channels, 1, out_channels, dropout)
        if not self.num_steps or min(self.num_steps) < 0:
            raise ValueError(f"num_steps must be at least 0, one or several, got {num_steps}")
        if any(width % len(self.num_steps) for width in out_channels):
            raise ValueError(
                f"out_channels must be multiples of the number of blocks, {len(self.num_steps)}, "
                f"got {tuple(out_channels)}"
            )
        self.dropout = dropout
        self.outputs = nn.ModuleList(nn.Linear(in_channels, width) for width in out_channels)
        self.reset_parameters()

    def _encode(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        return self._join(self._propagate(self._blocks(x), self._adjacency(x, edge_index), self.num_steps))

    def _adjacency(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> SparseMatrix:
        return normalized_adjacency(edge_index, x.size(0), next(self.parameters()).dtype)

    def _blocks(self, x: Tensor | SparseMatrix) -> list[Tensor]:
        """Of each block all parameters side by side, before propagation."""
        outputs = _parallel_linear(self.outputs, x, self.dropout, self.training)
        directions, *others = (output.chunk(len(self.num_steps), dim=-1) for output in outputs)
        return [
            torch.cat([unit_or_zero(direction), *rest], dim=-1)
            for direction, *rest in zip(directions, *others, strict=True)
        ]

    @staticmethod
    def _propagate(blocks: list[Tensor], adjacency: SparseMatrix, num_steps: Sequence[int]) -> list[Tensor]:
        """Each block propagated so many times; those that are propagated together take one product."""
        blocks = list(blocks)
        for step in range(1, max(num_steps) + 1):
            active = [k for k in range(len(blocks)) if num_steps[k] >= step]
            propagated = adjacency.matmul(torch.cat([blocks[k] for k in active], dim=-1))
            for k, block in zip(active, propagated.chunk(len(active), dim=-1), strict=True):
                blocks[k] = block
        return blocks

    def _join(self, blocks: list[Tensor]) -> tuple[Tensor, ...]:
        """The parameters, each with all its blocks."""
        widths = [layer.out_features // len(blocks) for layer in self.outputs]  # type: ignore[operator]
        parameters = zip(*(block.split(widths, dim=-1) for block in blocks), strict=True)
        return tuple(torch.cat(parts, dim=-1) for parts in parameters)


class BatchNormPropagationEncoder(GraphEncoder):
    """A linear map, one propagation, batch normalisation and ELU: one hidden layer that is the embedding.

    parameter_0 = ELU(BatchNorm(A-hat (X W_0 + b_0))), every other parameter_i = A-hat (X W_i + b_i).

    Args:
        in_channels: Number of node features F.
        out_channels: Width of each parameter, the direction's first.
        dropout: Dropout on the features, in [0, 1).

    Raises:
        ValueError: If a width is below 1 or the dropout is outside [0, 1).

    Example:
        >>> encoder = BatchNormPropagationEncoder(5, (6, 2))
        >>> directions, concentrations = encoder(torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]]))
        >>> directions.shape, concentrations.shape
        (torch.Size([4, 6]), torch.Size([4, 2]))
    """

    def __init__(self, in_channels: int, out_channels: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        _check(in_channels, 1, out_channels, dropout)
        self.dropout = dropout
        self.outputs = nn.ModuleList(nn.Linear(in_channels, width) for width in out_channels)
        self.norm = nn.BatchNorm1d(out_channels[0])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases, and resets the batch normalisation."""
        super().reset_parameters()
        self.norm.reset_parameters()

    def _encode(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        outputs = torch.cat(_parallel_linear(self.outputs, x, self.dropout, self.training), dim=-1)
        adjacency = normalized_adjacency(edge_index, x.size(0), next(self.parameters()).dtype)
        first, *others = adjacency.matmul(outputs).split([linear.out_features for linear in self.outputs], dim=-1)
        return F.elu(self.norm(first)), *others


def _parallel_linear(
    layers: Iterable[Any], x: Tensor | SparseMatrix, dropout: float, training: bool
) -> tuple[Tensor, ...]:
    """Linear maps of the same dropped-out features, which may be sparse and are not differentiated then."""
    if isinstance(x, Tensor) and x.layout != torch.strided:
        x = SparseMatrix(x)
    layers = list(layers)
    weight = torch.cat([layer.weight for layer in layers])
    bias = torch.cat([layer.bias for layer in layers])
    if isinstance(x, SparseMatrix):
        outputs = x.matmul(weight.t(), dropout if training else 0.0) + bias
    else:
        outputs = F.linear(F.dropout(x, dropout, training), weight, bias)
    return outputs.split([layer.out_features for layer in layers], dim=-1)


def _check(in_channels: int, hidden: int, out_channels: Sequence[int], dropout: float) -> None:
    if not out_channels or min(in_channels, hidden, *out_channels) < 1:
        raise ValueError(
            f"widths and steps must be at least 1, got in_channels={in_channels}, "
            f"hidden_channels or num_steps={hidden}, out_channels={tuple(out_channels)}"
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout}")
