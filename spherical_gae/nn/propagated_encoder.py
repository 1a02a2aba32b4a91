"""The encoder that scales: features are propagated once, and a batch of nodes is then a gather of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae.nn.mlp import MLP, ParallelLinear
from spherical_gae.nn.propagation import normalized_adjacency
from spherical_gae.nn.sparse import SparseMatrix

# Columns that are propagated at a time.
_COLUMNS = 64


@torch.no_grad()
def propagate_features(
    x: Tensor | SparseMatrix,
    edge_index: Tensor | SparseMatrix,
    num_steps: Sequence[int],
    file: str | Path | None = None,
) -> Tensor:
    """[A-hat^k X for k in num_steps], side by side  (Wu et al. 2019, SGC; Frasca et al. 2020, SIGN).

    Columns are propagated 64 at a time: beside the result, memory holds the graph and some blocks of shape [N, 64].

    Args:
        x: Node features, shape [N, F], dense or sparse.
        edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.
        num_steps: Numbers k of propagation steps, at least 0 each, at least one.
        file: Where to keep the result, which is then memory-mapped and may be larger than the memory; it is
            overwritten.  In memory if None.

    Returns:
        Shape [N, len(num_steps) * F], dense, of the dtype of ``x``: row i is all that the encoder needs of node i.

    Raises:
        ValueError: If a number of steps is negative, or there is none; if features are not float32 or float64, or an
            edge names a node that is not there.

    Example:
        >>> x, edge_index = torch.tensor([[1.0], [3.0]]), torch.tensor([[0, 1], [1, 0]])
        >>> propagate_features(x, edge_index, (0, 1)).round(decimals=4)
        tensor([[1., 2.],
                [3., 2.]])
    """
    check_steps(num_steps)
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"x: given {x.dtype}, allowed: torch.float32 or torch.float64")
    num_nodes, width = x.shape
    adjacency = normalized_adjacency(edge_index, num_nodes, x.dtype)
    shape = (num_nodes, len(num_steps) * width)
    if file is None:
        result = torch.empty(shape, dtype=x.dtype, device=x.device)
    else:
        size = shape[0] * shape[1]
        # Else a longer file would keep its end.
        Path(file).unlink(missing_ok=True)
        result = torch.from_file(str(file), shared=True, size=size, dtype=x.dtype).view(shape)
    blocks = result.view(num_nodes, len(num_steps), width)
    for start in range(0, width, _COLUMNS):
        columns = slice(start, min(start + _COLUMNS, width))
        block = _columns(x, columns)
        for step in range(max(num_steps) + 1):
            if step:
                block = adjacency.matmul(block)
            for place in (place for place, wanted in enumerate(num_steps) if wanted == step):
                blocks[:, place, columns] = block
    return result


class PropagatedEncoder(nn.Module):
    """Propagation first, then a network on each row: linear, or with hidden layers.

    parameter_i = W_i h([A-hat^k X for k in num_steps]) + b_i, h a perceptron with ReLU, or nothing.

    As the propagation has nothing to learn, it is done once, by ``precompute``; the encoder is then called with rows of
    the result, those of all nodes or of a batch.  Called with features and links, it does both, and features that are
    learned, such as an embedding table, get their gradients.

    Args:
        in_channels: Number of node features F.
        out_channels: Width of each parameter, the direction's first.
        num_steps: Numbers k of propagation steps that a node sees, at least 0 each; one or several.
        hidden_channels: Widths of hidden layers, none for a linear map.
        dropout: Dropout on the propagated features, in [0, 1).

    Raises:
        ValueError: If a width is below 1, a number of steps is negative or there is none, or the dropout is
            outside [0, 1).

    Example:
        >>> encoder = PropagatedEncoder(5, (3, 1), num_steps=(0, 1, 2))
        >>> rows = encoder.precompute(torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]]))
        >>> direction, concentration = encoder(rows[[0, 3]])
        >>> direction.shape, concentration.shape
        (torch.Size([2, 3]), torch.Size([2, 1]))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: Sequence[int],
        num_steps: Sequence[int] = (1,),
        hidden_channels: Sequence[int] = (),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_steps(num_steps)
        widths = (in_channels, *hidden_channels, *out_channels)
        if not out_channels or min(widths) < 1:
            raise ValueError(
                f"widths must be at least 1, got in_channels={in_channels}, "
                f"hidden_channels={tuple(hidden_channels)}, out_channels={tuple(out_channels)}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        self.num_steps, self.dropout = tuple(num_steps), dropout
        inputs = len(self.num_steps) * in_channels
        self.trunk = MLP((inputs, *hidden_channels), final_activation=True) if hidden_channels else None
        self.outputs = ParallelLinear(hidden_channels[-1] if hidden_channels else inputs, out_channels)

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"num_steps={self.num_steps}, dropout={self.dropout}"

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases."""
        if self.trunk is not None:
            self.trunk.reset_parameters()
        self.outputs.reset_parameters()

    def precompute(
        self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix, file: str | Path | None = None
    ) -> Tensor:
        """The rows that the encoder works on, see ``propagate_features``."""
        return propagate_features(x, edge_index, self.num_steps, file)

    def forward(self, x: Tensor | SparseMatrix, edge_index: Tensor | SparseMatrix | None = None) -> tuple[Tensor, ...]:
        """Encodes nodes.

        Args:
            x: Rows from ``precompute``, shape [n, len(num_steps) * F]; or, with ``edge_index``, node features
                [N, F], dense or sparse.
            edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.

        Returns:
            One tensor per parameter, shape [n, out_channels[i]], unconstrained.
        """
        rows: Any = x
        if edge_index is not None:
            if isinstance(x, Tensor) and x.requires_grad and torch.is_grad_enabled():
                rows = _with_gradients(x, edge_index, self.num_steps)
            else:
                rows = self.precompute(x, edge_index)
        rows = F.dropout(rows, self.dropout, self.training)
        return self.outputs(rows if self.trunk is None else self.trunk(rows))


def check_steps(num_steps: Sequence[int]) -> None:
    """Refuses numbers of propagation steps that are none."""
    if not num_steps or min(num_steps) < 0:
        raise ValueError(f"num_steps must be numbers of at least 0, at least one, got {tuple(num_steps)}")


def _with_gradients(x: Tensor, edge_index: Tensor | SparseMatrix, num_steps: Sequence[int]) -> Tensor:
    """As ``propagate_features``, all columns at once."""
    adjacency, blocks = normalized_adjacency(edge_index, x.size(0), x.dtype), [x]
    for _ in range(max(num_steps)):
        blocks.append(adjacency.matmul(blocks[-1]))
    return torch.cat([blocks[step] for step in num_steps], dim=-1)


def _columns(x: Tensor | SparseMatrix, columns: slice) -> Tensor:
    if isinstance(x, SparseMatrix):
        # The product with columns of the identity: a sparse matrix has no other access by column.
        width = columns.stop - columns.start
        chosen = torch.zeros(x.size(1), width, dtype=x.dtype, device=x.device)
        chosen[columns] = torch.eye(width, dtype=x.dtype, device=x.device)
        return x.matmul(chosen)
    if x.layout != torch.strided:
        return _columns(SparseMatrix(x), columns)
    return x[:, columns].contiguous()
