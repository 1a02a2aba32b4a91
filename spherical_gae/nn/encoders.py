"""Graph encoders: node features and links to the raw parameters of a latent law."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae.nn.propagation import normalized_adjacency
from spherical_gae.nn.sparse import SparseMatrix


class _GraphEncoder(nn.Module):
    """What the encoders share: how they are called and how their weights are drawn."""

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


class GCNEncoder(_GraphEncoder):
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
        self.hidden = _ConstantInputLinear(in_channels, hidden_channels)
        self.outputs = nn.ModuleList(nn.Linear(hidden_channels, width) for width in out_channels)
        self.reset_parameters()

    def _encode(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        adjacency = normalized_adjacency(edge_index, x.size(0), self.hidden.weight.dtype)
        hidden = F.relu(adjacency @ self.hidden(x, self.dropout))
        hidden = F.dropout(hidden, self.dropout, self.training)
        outputs = [linear(hidden) for linear in self.outputs]
        return (adjacency @ torch.cat(outputs, dim=-1)).split([o.size(-1) for o in outputs], dim=-1)


class NormalizedPropagationEncoder(_GraphEncoder):
    """A linear map, L2 normalisation, and propagation: no hidden layer, hardly any parameters.

    parameter_0 = A-hat^K normalise(X W_0 + b_0), every other parameter_i = A-hat^K (X W_i + b_i).  Normalising
    before propagation keeps isolated and low-degree nodes on the scale of the others (Ahn & Kim 2021).  Each
    parameter has a feature dropout of its own.

    Args:
        in_channels: Number of node features F.
        out_channels: Width of each parameter, the direction's first.
        num_steps: Number K of propagation steps, at least 1.
        dropout: Dropout on the features, in [0, 1).

    Raises:
        ValueError: If a width or the number of steps is below 1 or the dropout is outside [0, 1).

    Example:
        >>> encoder = NormalizedPropagationEncoder(5, (3, 1))
        >>> direction, concentration = encoder(torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]]))
        >>> direction.shape, concentration.shape
        (torch.Size([4, 3]), torch.Size([4, 1]))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: Sequence[int],
        num_steps: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        _check(in_channels, num_steps, out_channels, dropout)
        self.num_steps = num_steps
        self.dropout = dropout
        self.outputs = nn.ModuleList(_ConstantInputLinear(in_channels, width) for width in out_channels)
        self.reset_parameters()

    def _encode(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix) -> tuple[Tensor, ...]:
        outputs = [linear(x, self.dropout) for linear in self.outputs]
        outputs[0] = F.normalize(outputs[0], dim=-1)
        adjacency = normalized_adjacency(edge_index, x.size(0), outputs[0].dtype)
        widths = [o.size(-1) for o in outputs]
        stacked = torch.cat(outputs, dim=-1)
        for _ in range(self.num_steps):
            stacked = adjacency @ stacked
        return stacked.split(widths, dim=-1)


class _ConstantInputLinear(nn.Linear):
    """A linear map of dropped-out features that may be sparse, and are not differentiated then."""

    def forward(self, x: Tensor | SparseMatrix, dropout: float = 0.0) -> Tensor:
        if isinstance(x, Tensor) and x.layout != torch.strided:
            x = SparseMatrix(x)
        if isinstance(x, SparseMatrix):
            return x.dropout(dropout, self.training) @ self.weight.t() + self.bias
        return super().forward(F.dropout(x, dropout, self.training))


def _check(in_channels: int, hidden: int, out_channels: Sequence[int], dropout: float) -> None:
    if not out_channels or min(in_channels, hidden, *out_channels) < 1:
        raise ValueError(
            f"widths and steps must be at least 1, got in_channels={in_channels}, "
            f"hidden_channels or num_steps={hidden}, out_channels={tuple(out_channels)}"
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout}")
