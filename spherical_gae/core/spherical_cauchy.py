"""The spherical Cauchy distribution: heavy tails, and a closed density."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Size, Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import half_open_interval

from spherical_gae.core.constraints import described, unit_sphere
from spherical_gae.core.directional import (
    DirectionalDistribution,
    as_parameter,
    check_allowed,
    check_shapes,
    check_unit,
    expand_if_needed,
)
from spherical_gae.core.numerics.angle_family import SphericalCauchyAngle
from spherical_gae.core.numerics.kl_to_uniform import divergence_to_uniform
from spherical_gae.core.numerics.special import log_sphere_area
from spherical_gae.core.numerics.spherical_cauchy_divergence import SphericalCauchyDivergence, uniform_heights
from spherical_gae.core.numerics.tabulated import sample_tabulated


class SphericalCauchy(DirectionalDistribution):
    """Spherical Cauchy distribution on the unit sphere S^(m-1) in R^m (Kato and McCullagh 2020, arXiv:1510.07679).

    Its density with respect to the surface measure is (their eq. 2)

        (1 - rho^2)^(m-1) / (1 + rho^2 - 2 rho mu.x)^(m-1) / |S^(m-1)|,

    that of a uniform point after a Moebius map.  On the circle it is the wrapped Cauchy distribution.  Its tails are
    heavier than those of ``VonMisesFisher`` and ``PowerSpherical``: with the same spread about mu, more points lie far
    away.  It is made, sampled and differentiated as they are, with the same checks; the angle is drawn from a table for
    every m >= 2, with the errors stated in ``angle_table.py``.

    Args:
        loc: Mean direction mu, unit vectors, shape [..., m] with m >= 2, float32 or float64.
        rho: In [0, 1), shape [...], dtype and device of ``loc``; or a Python number.  0 is the uniform distribution.
        validate_args: As for ``VonMisesFisher``.

    Raises:
        TypeError: As ``VonMisesFisher``.
        ValueError: As ``VonMisesFisher``.

    Example:
        >>> loc = torch.nn.functional.normalize(torch.ones(4, 3), dim=-1)
        >>> SphericalCauchy(loc, 0.8).rsample((2,)).shape
        torch.Size([2, 4, 3])
    """

    arg_constraints = {"loc": unit_sphere, "rho": half_open_interval(0.0, 1.0)}  # noqa: RUF012
    angle_family = SphericalCauchyAngle
    rho: Tensor

    def __init__(self, loc: Tensor, rho: Tensor | float, validate_args: bool | None = None) -> None:
        rho = as_parameter(loc, rho, "rho")
        batch_shape = check_shapes(loc, rho, "rho")
        validate = Distribution._validate_args if validate_args is None else validate_args
        if validate:
            check_unit(loc)
            check_allowed((rho >= 0) & (rho < 1), rho, "rho", "at least 0 and below 1")
        self.loc = expand_if_needed(loc, (*batch_shape, loc.shape[-1]))
        self.rho = expand_if_needed(rho, batch_shape)
        # The values were checked above, with messages that say more than the base class's.
        Distribution.__init__(self, batch_shape, loc.shape[-1:], validate_args=False)
        self._validate_args = validate

    def __repr__(self) -> str:
        return described(self, "loc", "rho")

    def expand(self, batch_shape: Any, _instance: Any = None) -> SphericalCauchy:
        """Returns the distribution with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = self._get_checked_instance(SphericalCauchy, _instance)
        batch_shape = Size(batch_shape)
        new.loc, new.rho = self.loc.expand(*batch_shape, self.dim), self.rho.expand(batch_shape)
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def concentration(self) -> Tensor:  # type: ignore[override]
        """kappa = (m - 1) / 2 sinh(2 delta), delta = log((1 + rho) / (1 - rho)), by which the angle is tabulated."""
        square = self.rho.square()
        return (2 * (self.dim - 1)) * self.rho * (1 + square) / ((1 - self.rho) * (1 + self.rho)).square()

    @property
    def hyperbolic_distance(self) -> Tensor:
        """delta = log((1 + rho) / (1 - rho)), shape ``batch_shape``: how far rho mu is from the centre of the ball."""
        return torch.log1p(2 * self.rho / (1 - self.rho))

    @property
    def mean_resultant_length(self) -> Tensor:
        """E[mu.x] in [0, 1), shape ``batch_shape``: by quadrature in float64, to 1e-14 of 1."""
        return self._length_and_spread()[0].to(self.rho.dtype)

    @property
    def principal_variances(self) -> tuple[Tensor, Tensor]:
        """Variance along and across the mean direction, shape ``batch_shape`` each, to 1e-14 of 1, as the length.

        That is no relative error: from rho = 1 - 1e-6 on the one along the mean direction loses digits.
        """
        length, across = self._length_and_spread()
        along = (1 - length) * (1 + length) - (self.dim - 1) * across
        return along.clamp(min=0).to(self.rho.dtype), across.to(self.rho.dtype)

    def _length_and_spread(self) -> tuple[Tensor, Tensor]:
        """E[w] and E[1 - w^2] / (m - 1), w = mu.x, by quadrature over the heights of a uniform point, float64."""
        heights = uniform_heights(self.dim)
        square, weight = (torch.as_tensor(x, dtype=torch.float64, device=self.rho.device) for x in heights)
        rho = self.rho.double()
        sinh = 2 * rho / ((1 - rho) * (1 + rho))  # of delta
        cosh = (1 + rho.square()) / ((1 - rho) * (1 + rho))
        weight = weight / (1 + sinh.square().unsqueeze(-1) * square)
        return sinh * cosh * (square * weight).sum(-1), ((1 - square) * weight).sum(-1)

    def _sample(self, loc: Tensor, concentration: Tensor, generator: Generator | None) -> Tensor:
        return sample_tabulated(loc, concentration, SphericalCauchyAngle, generator)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the surface measure, which loses no digits near the mean direction.

        Args:
            value: Unit vectors x, shape broadcastable with [*batch_shape, m].

        Returns:
            The log density, shape [...] of the broadcast.

        Raises:
            ValueError: If validation is on and ``value`` is off the sphere or of the wrong shape.
        """
        if self._validate_args:
            self._validate_sample(value)
        distance = (value - self.loc).square().sum(-1)
        return self._log_density(distance, distance)

    def _log_density(self, from_mode: Tensor, from_antipode: Tensor) -> Tensor:
        below = 1 - self.rho
        # 1 + rho^2 - 2 rho mu.x = (1 - rho)^2 + rho |x - mu|^2.
        spread = self.rho * from_mode / (below * below)
        peak = torch.log1p(self.rho) - torch.log(below)
        return (self.dim - 1) * (peak - torch.log1p(spread)) - log_sphere_area(self.dim)

    def entropy(self) -> Tensor:
        """-E[log p] = log |S^(m-1)| - KL(law || uniform), in nats, shape ``batch_shape``."""
        divergence = divergence_to_uniform(self.hyperbolic_distance, SphericalCauchyDivergence, self.dim)
        return log_sphere_area(self.dim) - divergence
