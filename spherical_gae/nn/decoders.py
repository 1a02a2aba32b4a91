"""Decoders: two embeddings to the log-odds of a link."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class InnerProductDecoder(nn.Module):
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
        super().__init__()
        if not 0 < scale < math.inf:
            raise ValueError(f"scale must be positive and finite, got {scale}")
        if not math.isfinite(bias):
            raise ValueError(f"bias must be finite, got {bias}")
        self._initial = scale + math.log(-math.expm1(-scale)), bias  # softplus inverted
        self.raw_scale = nn.Parameter(torch.empty(()), requires_grad=learnable)
        self.bias = nn.Parameter(torch.empty(()), requires_grad=learnable)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets scale and bias to their initial values."""
        with torch.no_grad():
            self.raw_scale.fill_(self._initial[0])
            self.bias.fill_(self._initial[1])

    @property
    def scale(self) -> Tensor:
        """The positive factor on the inner product, shape ()."""
        return F.softplus(self.raw_scale)

    def forward(self, z: Tensor, edge_index: Tensor, sigmoid: bool = True) -> Tensor:
        """Scores pairs of nodes.

        Args:
            z: Embeddings, shape [N, m].
            edge_index: int64 [2, E], the pairs.
            sigmoid: Whether to return probabilities instead of log-odds.

        Returns:
            Shape [E].
        """
        source, target = (z.index_select(0, end) for end in edge_index)
        logits = self.scale * (source * target).sum(dim=-1) + self.bias
        return logits.sigmoid() if sigmoid else logits

    def forward_all(self, z: Tensor, sigmoid: bool = True) -> Tensor:
        """Scores all pairs of nodes, shape [N, N]; see ``forward``.  Memory grows with N^2."""
        logits = self.scale * (z @ z.t()) + self.bias
        return logits.sigmoid() if sigmoid else logits
