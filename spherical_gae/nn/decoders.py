"""Decoders: two embeddings to the log-odds of a link."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae.nn.modes import in_own_precision
from spherical_gae.nn.pair_pieces import of_pairs
from spherical_gae.nn.pair_products import pair_products


def _inner_products(source: Tensor, target: Tensor) -> Tensor:
    return (source * target).sum(dim=-1)


def _all_products(source: Tensor, target: Tensor) -> Tensor:
    with in_own_precision(source.device):
        return source @ target.t()


class _PairDecoder(nn.Module):
    """What the decoders share: how they are called."""

    def forward(self, z: Tensor, edge_index: Tensor, sigmoid: bool = True) -> Tensor:
        """Scores pairs of nodes.

        Args:
            z: Embeddings, shape [N, m].
            edge_index: int64 [2, E], the pairs.
            sigmoid: Whether to return probabilities instead of log-odds.

        Returns:
            Shape [E].
        """
        logits = self._logits(z, edge_index)
        return logits.sigmoid() if sigmoid else logits

    def _logits(self, z: Tensor, edge_index: Tensor) -> Tensor:
        raise NotImplementedError


class _ScaledDecoder(_PairDecoder):
    """What the inner products share: positive scales, a bias, and their initial values."""

    def __init__(self, shape: tuple[int, ...], scale: float, bias: float, learnable: bool) -> None:
        super().__init__()
        if not 0 < scale < math.inf:
            raise ValueError(f"scale must be positive and finite, got {scale}")
        if not math.isfinite(bias):
            raise ValueError(f"bias must be finite, got {bias}")
        self._initial = scale + math.log(-math.expm1(-scale)), bias  # softplus inverted
        self.raw_scale = nn.Parameter(torch.empty(shape), requires_grad=learnable)
        self.bias = nn.Parameter(torch.empty(()), requires_grad=learnable)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets scales and bias to their initial values."""
        with torch.no_grad():
            self.raw_scale.fill_(self._initial[0])
            self.bias.fill_(self._initial[1])

    @property
    def scale(self) -> Tensor:
        """The positive factor on each inner product, shape () or [K]."""
        return F.softplus(self.raw_scale)

    def forward_all(self, z: Tensor, sigmoid: bool = True) -> Tensor:
        """Scores all pairs of nodes, shape [N, N]; see ``forward``.  Memory grows with N^2."""
        logits = self._block_logits(z, z)
        return logits.sigmoid() if sigmoid else logits

    def forward_block(self, z: Tensor, source: Tensor, target: Tensor, sigmoid: bool = True) -> Tensor:
        """Scores all pairs of two sets of nodes, by one product of matrices.

        Args:
            z: Embeddings, shape [N, m].
            source: int64 [A], node ids.
            target: int64 [B], node ids.
            sigmoid: Whether to return probabilities instead of log-odds.

        Returns:
            Shape [A, B].
        """
        logits = self._block_logits(z.index_select(0, source), z.index_select(0, target))
        return logits.sigmoid() if sigmoid else logits

    def _block_logits(self, source: Tensor, target: Tensor) -> Tensor:
        raise NotImplementedError


class InnerProductDecoder(_ScaledDecoder):
    """Log-odds of a link: scale * z_i . z_j + bias  (Kipf & Welling 2016, with a scale and a bias).

    On the sphere the inner product is a cosine, so without a scale the probability could never leave
    [.27, .73].  The authors used a learnable factor; here it is kept positive by a softplus.

    Args:
        scale: Initial scale, > 0.
        bias: Initial bias.
        learnable: Whether scale and bias are trained.

    Raises:
        ValueError: If ``scale`` is not positive and finite, or ``bias`` is not finite.

    Example:
        >>> z = torch.eye(2)
        >>> InnerProductDecoder(scale=1.0)(z, torch.tensor([[0], [1]]))
        tensor([0.5000], grad_fn=<SigmoidBackward0>)
    """

    def __init__(self, scale: float = 5.0, bias: float = 0.0, learnable: bool = True) -> None:
        super().__init__((), scale, bias, learnable)

    def _logits(self, z: Tensor, edge_index: Tensor) -> Tensor:
        return self.scale * of_pairs(_inner_products, z, edge_index) + self.bias

    def _block_logits(self, source: Tensor, target: Tensor) -> Tensor:
        return self.scale * _all_products(source, target) + self.bias


class FactorInnerProductDecoder(_ScaledDecoder):
    """Log-odds of a link on a product of spheres: sum_k scale_k * z_i^k . z_j^k + bias.

    Args:
        num_factors: Number K of equal blocks that an embedding consists of, at least 1.
        scale: Initial scale of each factor, > 0; default 5 / K, so that the sum starts as on one sphere.
        bias: Initial bias.

    Raises:
        ValueError: If ``num_factors`` is below 1, ``scale`` is not positive and finite, or ``bias`` is not finite;
            when called, if the width of the embeddings is not a multiple of ``num_factors``.

    Example:
        >>> z = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]])  # two points on S^1 x S^1
        >>> FactorInnerProductDecoder(2, scale=3.0)(z, torch.tensor([[0], [1]]), sigmoid=False)
        tensor([3.], grad_fn=<AddBackward0>)
    """

    def __init__(self, num_factors: int, scale: float | None = None, bias: float = 0.0) -> None:
        if num_factors < 1:
            raise ValueError(f"num_factors must be at least 1, got {num_factors}")
        super().__init__((num_factors,), 5.0 / num_factors if scale is None else scale, bias, learnable=True)

    def _logits(self, z: Tensor, edge_index: Tensor) -> Tensor:
        return pair_products(z, edge_index, self._weights(z)) + self.bias

    def _block_logits(self, source: Tensor, target: Tensor) -> Tensor:
        return _all_products(source * self._weights(source), target) + self.bias

    def _weights(self, z: Tensor) -> Tensor:
        num_factors, width = self.raw_scale.numel(), z.size(-1)
        if width % num_factors:
            raise ValueError(f"z must have a multiple of {num_factors} coordinates, one block per factor, got {width}")
        return self.scale.to(z.dtype).repeat_interleave(width // num_factors)


class HadamardDecoder(_PairDecoder):
    """Log-odds of a link by a perceptron on the elementwise product: w . ReLU(W (m z_i * z_j) + b) + c.

    Symmetric like the inner product, which it contains, but the coordinates may count differently and together.

    Args:
        in_channels: Coordinates m of an embedding, at least 1.
        hidden_channels: Width of the hidden layer, at least 1.

    Raises:
        ValueError: If a width is below 1.

    Example:
        >>> decoder = HadamardDecoder(in_channels=3)
        >>> decoder(torch.eye(3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([2])
    """

    def __init__(self, in_channels: int, hidden_channels: int = 64) -> None:
        super().__init__()
        if min(in_channels, hidden_channels) < 1:
            raise ValueError(
                f"widths must be at least 1, got in_channels={in_channels}, hidden_channels={hidden_channels}"
            )
        self.hidden = nn.Linear(in_channels, hidden_channels)
        self.output = nn.Linear(hidden_channels, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases."""
        for layer in (self.hidden, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def _logits(self, z: Tensor, edge_index: Tensor) -> Tensor:
        return of_pairs(self._of_ends, z, edge_index)

    def _of_ends(self, source: Tensor, target: Tensor) -> Tensor:
        # On the unit sphere the coordinates are of size m^-1/2, their products of size 1 / m.
        product = source * target * source.size(-1)
        return self.output(F.relu(self.hidden(product))).squeeze(-1)
