"""The head of the projected normal distribution."""

from __future__ import annotations

import math

from torch import Tensor
from torch.distributions import Distribution

from spherical_gae.core import HypersphericalUniform, ProjectedNormal
from spherical_gae.core.unit_vectors import unit_direction
from spherical_gae.nn.heads.base import LatentHead, angle, two_parameters
from spherical_gae.nn.heads.directional import uniform_beside

_MAX_LOGSCALE = 10.0


class ProjectedNormalHead(LatentHead):
    """q(z | x) = direction of N(mean, diag(exp(logscale))^2), with the uniform prior.

    Its parameters have the widths of ``NormalHead``'s: an encoder of an N-VAE or N-VGAE becomes spherical by a change
    of the head.  By default raw values of 0 are the uniform distribution; half precision is computed in float32.

    Args:
        min_logscale: Smallest logarithm of a scale; the largest is 10.  Where the mean has a length near sqrt(m), a
            scale of exp(-6) is a standard deviation of .1 degrees.
        initial_scale: The scale that a raw value of 0 is mapped to, where training starts; positive and finite.  A
            small one starts with little noise, as a high concentration does.

    Raises:
        ValueError: If ``min_logscale`` is not in [-30, 10), or ``initial_scale`` is out of range.

    Example:
        >>> import torch
        >>> posterior = ProjectedNormalHead()(torch.zeros(5, 3), torch.zeros(5, 3))
        >>> posterior.rsample().shape
        torch.Size([5, 3])
    """

    def __init__(self, min_logscale: float = -10.0, initial_scale: float = 1.0) -> None:
        super().__init__()
        if not -30 <= min_logscale < _MAX_LOGSCALE:
            raise ValueError(f"min_logscale must be at least -30 and below {_MAX_LOGSCALE}, got {min_logscale}")
        if not 0 < initial_scale < math.inf:
            raise ValueError(f"initial_scale must be positive and finite, got {initial_scale}")
        self.min_logscale, self.initial_scale = min_logscale, initial_scale

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"min_logscale={self.min_logscale}, initial_scale={self.initial_scale}"

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(m, m): a mean and the logarithms of the scales."""
        return dim, dim

    def coordinates(self, manifold_dim: int) -> int:
        """d + 1: S^d is the unit sphere in R^(d+1)."""
        return manifold_dim + 1

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The angle between unit vectors, see ``angle``."""
        return angle(a, b)

    def center(self, posterior: Distribution) -> Tensor:
        """The direction of the mean before projection, mu / |mu|; of a zero mean the first axis.

        The mode and the mean direction have no closed form; where all scales are small beside |mu|, they are this.
        """
        assert isinstance(posterior, ProjectedNormal)
        return unit_direction(posterior.loc)

    def forward(self, *parameters: Tensor) -> ProjectedNormal:
        """Makes the posterior.

        Args:
            *parameters: Mean [..., m] and logarithm of the scale [..., m], both unconstrained.

        Returns:
            Distributions of batch shape [...] on S^(m-1).

        Raises:
            ValueError: If there are not two parameters, or their shapes differ.
        """
        mean, logscale = two_parameters(parameters, "mean [..., m], logscale [..., m]")
        if mean.shape != logscale.shape:
            raise ValueError(f"logscale must have the shape of mean, {tuple(mean.shape)}, got {tuple(logscale.shape)}")
        if self.initial_scale != 1:
            logscale = logscale + math.log(self.initial_scale)
        scale = logscale.clamp(self.min_logscale, _MAX_LOGSCALE).exp()
        # The parameters are valid by construction; checking them would wait for the device.
        return ProjectedNormal(mean, scale, validate_args=False)

    def prior(self, posterior: Distribution) -> HypersphericalUniform:
        """The uniform distribution on the posterior's sphere."""
        return uniform_beside(posterior)
