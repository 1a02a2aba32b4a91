"""Observations: a decoder's outputs to the distribution p(x | z) of the data."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal


class Observation(nn.Module):
    """Maps a decoder's outputs to a distribution p(x | z) over one data point, of any event shape.

    Example:
        >>> from spherical_gae.nn import BernoulliObservation
        >>> issubclass(BernoulliObservation, Observation)
        True
    """

    def forward(self, outputs: Tensor) -> Distribution:
        """Makes the distribution.

        Args:
            outputs: Shape [n, *event], unconstrained.

        Returns:
            Distributions of batch shape [n] and event shape [*event].
        """
        return Independent(self._law(outputs), outputs.dim() - 1, validate_args=False)

    def _law(self, outputs: Tensor) -> Distribution:
        raise NotImplementedError


class BernoulliObservation(Observation):
    """p(x | z) = product of Bernoulli(sigmoid(output)): binary data, such as dynamically binarised images.

    Example:
        >>> observation = BernoulliObservation()
        >>> observation(torch.zeros(2, 3)).log_prob(torch.ones(2, 3))  # 3 log 1/2
        tensor([-2.0794, -2.0794])
    """

    def _law(self, outputs: Tensor) -> Bernoulli:
        return Bernoulli(logits=outputs, validate_args=False)


class NormalObservation(Observation):
    """p(x | z) = N(output, std^2): real data; with a fixed std the reconstruction is a squared error.

    Args:
        std: Standard deviation of the noise, > 0 and finite; the initial one if it is learned.
        learnable: Whether the standard deviation, one for all coordinates, is trained.

    Raises:
        ValueError: If ``std`` is not positive and finite.

    Example:
        >>> observation = NormalObservation(std=0.5)
        >>> observation(torch.zeros(2, 3)).log_prob(torch.zeros(2, 3)).shape
        torch.Size([2])
    """

    def __init__(self, std: float = 1.0, learnable: bool = False) -> None:
        super().__init__()
        if not 0 < std < math.inf:
            raise ValueError(f"std must be positive and finite, got {std}")
        self.std, self.learnable = std, learnable
        self.log_std = nn.Parameter(torch.tensor(math.log(std)), requires_grad=learnable)

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"std={self.std}, learnable={self.learnable}"

    def _law(self, outputs: Tensor) -> Normal:
        return Normal(outputs, self.log_std.exp(), validate_args=False)


def log_prob_of_data(law: Distribution, x: Tensor) -> Tensor:
    """log p(x) of each data point, shape [B], without broadcasting.

    Args:
        law: Batch shape [B], event shape [*event].
        x: Data, shape [B, *event].

    Raises:
        ValueError: If the shapes differ, or x has no batch axis.

    Example:
        >>> from torch.distributions import Independent, Normal
        >>> law = Independent(Normal(torch.zeros(2, 3), 1.0), 1)
        >>> log_prob_of_data(law, torch.zeros(2, 3))
        tensor([-2.7568, -2.7568])
    """
    if x.dim() < 2:
        raise ValueError(f"x must have shape [B, *event], got {tuple(x.shape)}")
    shape = law.batch_shape + law.event_shape
    if shape != x.shape:
        raise ValueError(f"the decoder must return the shape of the data, {tuple(x.shape)}, got {tuple(shape)}")
    return law.log_prob(x)
