"""The head of a normal distribution, of the N-VGAE and the N-VAE."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from spherical_gae.nn.heads.base import LatentHead, distance, two_parameters

_MIN_LOGSTD, _MAX_LOGSTD = -40.0, 10.0


class NormalHead(LatentHead):
    """q(z | x) = N(mean, diag(exp(logstd))^2) with a standard normal prior  (Kingma & Welling 2014).

    The log standard deviation is capped at 10, as in PyG's ``VGAE``.

    Args:
        min_logstd: Smallest log standard deviation, below 10.  At -40, the default, the variance is still a float32
            above 0, so that the divergence is finite whatever the features; where densities of such distributions are
            evaluated, as in M1+M2, a larger limit keeps untrained ones finite.

    Example:
        >>> posterior = NormalHead()(torch.zeros(5, 2), torch.zeros(5, 2))
        >>> posterior.batch_shape, posterior.event_shape
        (torch.Size([5]), torch.Size([2]))
    """

    def __init__(self, min_logstd: float = _MIN_LOGSTD) -> None:
        super().__init__()
        if not min_logstd < _MAX_LOGSTD:
            raise ValueError(f"min_logstd must be below {_MAX_LOGSTD}, got {min_logstd}")
        self.min_logstd = min_logstd

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"min_logstd={self.min_logstd}"

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(d, d): a mean and a log standard deviation."""
        return dim, dim

    def coordinates(self, manifold_dim: int) -> int:
        """d, for R^d."""
        return manifold_dim

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The Euclidean distance."""
        return distance(a, b)

    def forward(self, *parameters: Tensor) -> Independent:
        """Makes the posterior.

        Args:
            *parameters: Mean [..., d] and log standard deviation [..., d], both unconstrained.

        Returns:
            Distributions of batch shape [...] on R^d.

        Raises:
            ValueError: If there are not two parameters, or their shapes differ.
        """
        mean, logstd = two_parameters(parameters, "mean [..., d], logstd [..., d]")
        if mean.shape != logstd.shape:
            raise ValueError(f"logstd must have the shape of mean, {tuple(mean.shape)}, got {tuple(logstd.shape)}")
        scale = logstd.clamp(self.min_logstd, _MAX_LOGSTD).exp()
        return Independent(Normal(mean, scale, validate_args=False), 1, validate_args=False)

    def prior(self, posterior: Distribution) -> Independent:
        """The standard normal distribution on R^d."""
        zero = torch.zeros_like(posterior.mean)
        return Independent(Normal(zero, torch.ones_like(zero), validate_args=False), 1, validate_args=False)
