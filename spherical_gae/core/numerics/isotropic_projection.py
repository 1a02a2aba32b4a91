"""The projected normal with one scale: its divergence to the uniform distribution depends on one number.

For x ~ N(mu, s^2 I) and eta = |mu| / s, z = x / |x| has, with w = z.mu / |mu| and the chi distribution of r,

    log(q / uniform) = K(eta w) - eta^2 / 2,    K(a) = log E[exp(a r)] = a^2 / 2 + log M_(m-1)(a) - log M_(m-1)(0).

As a concentration, kappa = eta sqrt(eta^2 + m) is taken: proportional to eta where it is small, and where it is large
1 / kappa is the variance in the tangent space, as for the other distributions about a mean direction.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from spherical_gae.core.numerics.divergence_family import Array, DivergenceFamily
from spherical_gae.core.numerics.truncated_moments import log_moment

# Below this eta the divergence is summed by its square, as it would otherwise cancel.
_SMALL = 0.25
# Below this a, K is summed by its Taylor series, whose radius is above 1 for all m.
_SERIES_END, _SERIES_TERMS = 0.3, 40
# Nodes of the moments of the chi distribution are so many of its standard deviations apart.
_STEP, _LEAST_LOG_MASS = 0.125, -150
# So many concentrations are integrated at once.
_CHUNK = 256


class IsotropicProjection(DivergenceFamily):
    """The divergence as a function of kappa = eta sqrt(eta^2 + m)."""

    def divergence(self, kappa: Array) -> tuple[Array, Array]:
        """See the base class."""
        m = float(self.dim)
        eta = kappa * np.sqrt(2 / (m + np.hypot(m, 2 * kappa)))
        parts = [self._of_ratios(part) for part in np.split(eta.ravel(), range(_CHUNK, eta.size, _CHUNK))]
        value, slope = (np.concatenate(part).reshape(eta.shape) for part in zip(*parts, strict=True))
        return value, slope * np.sqrt(eta * eta + m) / ((2 * eta * eta + m) * kappa)

    def _of_ratios(self, eta: Array) -> tuple[Array, Array]:
        """The divergence and its derivative in eta, shape [n], by the trapezoidal rule in u, w = tanh(u)."""
        rate = self.dim - 1
        # The integrand is analytic in |Im u| < pi / 4.
        reach, step = 42 / rate + 10 / math.sqrt(rate), 0.25 / math.sqrt(rate + 3)
        count = math.ceil(reach / step)
        eta = eta[:, None]
        u = np.where(eta <= _SMALL, 0.0, _centre(eta, rate)) + np.arange(-count, count + 1) * step
        w, square = np.tanh(u), np.cosh(u) ** -2
        excess, slope = _log_ratio(eta, w, square, self.dim)
        # 1 - w^2 where w is small: its logarithm is multiplied by m - 1.
        log_square = np.where(square > 0.5, np.log1p(-np.minimum(w * w, 0.5)), np.log(square))
        log_mass = 0.5 * rate * log_square + excess
        mass = np.exp(log_mass - log_mass.max(-1, keepdims=True))
        mass /= mass.sum(-1, keepdims=True)
        mean = (mass * excess).sum(-1)
        # The mean of the slope itself is 0.
        change = (mass * (excess - mean[:, None]) * slope).sum(-1)
        # The mean of exp(x) x = the mean of exp(x) x - exp(x) + 1 over the sphere, which is x^2 / 2 and no less.
        small = eta[:, 0] <= _SMALL
        weight = np.exp(0.5 * rate * log_square[small])
        weight /= weight.sum(-1, keepdims=True)
        mean[small] = (weight * _excess_of_exp(excess[small])).sum(-1)
        return mean, change


def _centre(eta: Array, rate: float) -> Array:
    """About where the mass in u has its maximum: R(eta w) eta sech(u)^2 = (m - 1) w, with R^2 = eta w R + m - 1."""
    low, high = np.zeros_like(eta), 3 + np.log1p(eta)
    for _ in range(50):
        u = 0.5 * (low + high)
        w = np.tanh(u)
        length = 0.5 * (eta * w + np.hypot(eta * w, 2 * math.sqrt(rate)))
        is_left = length * eta / np.cosh(u) ** 2 > rate * w
        low, high = np.where(is_left, u, low), np.where(is_left, high, u)
    return low


def _excess_of_exp(x: Array) -> Array:
    """exp(x) x - exp(x) + 1."""
    small = np.abs(x) < 0.3
    near = np.where(small, x, 0.0)
    series = sum((k - 1) / math.factorial(k) * near**k for k in range(2, 22))
    return np.where(small, series, x * np.exp(x) - np.expm1(x))


def _log_ratio(eta: Array, w: Array, square: Array, dim: int) -> tuple[Array, Array]:
    """K(eta w) - eta^2 / 2 and its derivative in eta, w^2 + square = 1."""
    a = eta * w
    found = log_moment(torch.from_numpy(a), dim)
    value, slope = found.value.numpy(), found.slope.numpy()
    # Above 0 without a^2 / 2, which cancels beside eta^2 / 2.
    missing = eta * np.where(a >= 0, square, 1.0)
    at_zero = (0.5 * dim - 1) * math.log(2) + math.lgamma(0.5 * dim)
    ratio = value - at_zero - 0.5 * eta * missing
    near = np.abs(a) < _SERIES_END
    powers = np.where(near, a, 0.0)
    coefficients = _mean_series(dim)
    series = powers * np.polynomial.polynomial.polyval(powers, coefficients / np.arange(1, len(coefficients) + 1))
    return np.where(near, series - 0.5 * eta * eta, ratio), w * slope - missing


def _mean_series(dim: int) -> Array:
    """Taylor coefficients of R = K': the cumulants of the chi distribution of m degrees, over factorials.

    From its central moments, whose size does not depend on m: R' = m - R (R - a) gives them too, but loses a digit
    with every few terms once m is large.
    """
    # In x = log(r / exp(log_mode)), which spreads by 1 / sqrt(2 m), with a tail exp(m x) on the left.
    step, log_mode = _STEP / math.sqrt(2 * dim), 0.5 * math.log(dim)
    count = math.ceil((40 / dim + 9 / math.sqrt(dim)) / step)
    x = np.arange(-count, count + 1) * step
    log_mass = 0.5 * dim * (2 * x - np.expm1(2 * x))
    # Farther out high powers overflow, and have no mass.
    near = log_mass > _LEAST_LOG_MASS
    x, mass = x[near], np.exp(log_mass[near])
    mass /= mass.sum()
    length = math.exp(log_mode)
    shift = float(mass @ np.expm1(x))
    deviation = length * (np.expm1(x) - shift)
    # log E exp(a (r - mean)) = the logarithm of the series of the moments.
    terms = np.arange(_SERIES_TERMS + 1)
    moments = np.array([mass @ deviation**k for k in terms]) / np.array([math.factorial(k) for k in terms])
    cumulants = np.zeros(_SERIES_TERMS + 1)
    for k in range(1, _SERIES_TERMS + 1):
        inner = terms[1:k]
        cumulants[k] = moments[k] - (inner * cumulants[1:k]) @ moments[k - 1 : 0 : -1] / k
    coefficients = cumulants[1:] * terms[1:]
    coefficients[0] = length * (1 + shift)
    return coefficients
