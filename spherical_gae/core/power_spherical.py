"""The Power Spherical distribution: close to the von Mises-Fisher distribution, with closed forms for its moments."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from spherical_gae.core.directional import DirectionalDistribution
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle
from spherical_gae.core.numerics.kl_to_uniform import divergence_to_uniform
from spherical_gae.core.numerics.special import log_sphere_area
from spherical_gae.core.numerics.tabulated import sample_tabulated

# Where Stirling's series of log Gamma takes over, and its coefficients of x^-1, x^-3, ... (DLMF 5.11.1).
_STIRLING_START = 10
_FAR = 1e18
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


class PowerSpherical(DirectionalDistribution):
    """Power Spherical distribution PS(mu, kappa) on S^(m-1) in R^m  (De Cao and Aziz 2020, arXiv:2006.04437).

    With beta = (m - 1) / 2 and alpha = beta + kappa, its density with respect to the surface measure is

        (1 + mu.x)^kappa Gamma(alpha + beta) / (2^(alpha + beta) pi^beta Gamma(alpha))        (their eq. 6, 7),

    so that (1 + mu.x) / 2 follows Beta(alpha, beta).  It is made, sampled and differentiated as ``VonMisesFisher``,
    with the same checks; the angle is drawn from a table for every m >= 2, with the errors stated in
    ``angle_table.py``, and kappa may go from 0 to 1e30 (1e36 in float64).

    Args:
        loc: Mean direction mu, unit vectors, shape [..., m] with m >= 2, float32 or float64.
        concentration: kappa >= 0 and finite, shape [...], dtype and device of ``loc``; or a Python number.
        validate_args: As for ``VonMisesFisher``.

    Raises:
        TypeError: As ``VonMisesFisher``.
        ValueError: As ``VonMisesFisher``.

    Example:
        >>> loc = torch.nn.functional.normalize(torch.ones(4, 3), dim=-1)
        >>> PowerSpherical(loc, 10.0).rsample((2,)).shape
        torch.Size([2, 4, 3])
    """

    angle_family = PowerSphericalAngle

    @property
    def mean_resultant_length(self) -> Tensor:
        """E[mu.x] = kappa / (kappa + m - 1), shape ``batch_shape``."""
        return self.concentration / (self.concentration + (self.dim - 1))

    @property
    def principal_variances(self) -> tuple[Tensor, Tensor]:
        """Variance of the beta distribution along, and what the unit norm leaves across the mean direction."""
        beta = 0.5 * (self.dim - 1)
        total = self.concentration + 2 * beta  # alpha + beta
        # As a product of shares, so that nothing overflows.
        shares = (self.concentration + beta) / total / (total + 1)
        return 4 * shares * (beta / total), 2 * shares

    def _sample(self, loc: Tensor, concentration: Tensor, generator: Generator | None) -> Tensor:
        return sample_tabulated(loc, concentration, PowerSphericalAngle, generator)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the surface measure, exact at the mode and at the antipode alike.

        Args:
            value: Unit vectors x, shape broadcastable with [*batch_shape, m].

        Returns:
            The log density, shape [...] of the broadcast; -inf at the antipode unless kappa = 0.

        Raises:
            ValueError: If validation is on and ``value`` is off the sphere or of the wrong shape.
        """
        if self._validate_args:
            self._validate_sample(value)
        return self._log_density((value - self.loc).square().sum(-1), (value + self.loc).square().sum(-1))

    def _log_density(self, from_mode: Tensor, from_antipode: Tensor) -> Tensor:
        beta = 0.5 * (self.dim - 1)
        peak = _log_gamma_step(self.concentration + beta, beta) - beta * math.log(4 * math.pi)
        # (1 + mu.x) / 2 = 1 - |x - mu|^2 / 4 = |x + mu|^2 / 4: each form is exact on its side of the equator.
        missing, share = 0.25 * from_mode, 0.25 * from_antipode
        near = missing < 0.5
        log_near = self.concentration * torch.log1p(-torch.where(near, missing, 0.0))
        return peak + torch.where(near, log_near, torch.xlogy(self.concentration, torch.where(near, 1.0, share)))

    def entropy(self) -> Tensor:
        """-E[log p] = log |S^(m-1)| - KL(law || uniform), in nats, shape ``batch_shape``."""
        return log_sphere_area(self.dim) - divergence_to_uniform(self.concentration, PowerSphericalAngle, self.dim)


def log_peak_over_uniform(concentration: Tensor, dim: int) -> Tensor:
    """The log density at the mode less that of the uniform distribution; 0 at kappa = 0, >= 0.

    Args:
        concentration: kappa >= 0, any shape.
        dim: Ambient dimension m.

    Returns:
        The same shape, float64: two terms of the size m log m are subtracted.
    """
    beta, concentration = 0.5 * (dim - 1), concentration.double()
    at_zero = _log_gamma_step(concentration.new_full((), beta), beta)
    return _log_gamma_step(concentration + beta, beta) - at_zero


def _log_gamma_step(x: Tensor, step: float) -> Tensor:
    """log Gamma(x + step) - log Gamma(x) for x, step > 0, without the cancellation at large x."""
    lifts = max(0, _STIRLING_START - math.floor(step))
    total = torch.zeros_like(x)
    for j in range(lifts):
        total = total - torch.log1p(step / (x + j))
    low = x + lifts
    high = low + step
    # Far out it is ``step``; the square of x, which its slope holds, would overflow.
    near = low.clamp(max=_FAR)
    growth = torch.where(low < _FAR, (near - 0.5) * torch.log1p(step / near), step)
    return total + growth + step * (torch.log(high) - 1) + _stirling(high) - _stirling(low)


def _stirling(x: Tensor) -> Tensor:
    """log Gamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2, for large x."""
    inverse = x.reciprocal()
    square = inverse * inverse
    value = torch.zeros_like(x)
    for coefficient in reversed(_STIRLING):
        value = value * square + coefficient
    return value * inverse
