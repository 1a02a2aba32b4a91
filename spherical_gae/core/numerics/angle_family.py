"""The distributions on the sphere whose angle to the mean direction is tabulated: what differs between them.

With x = 1 - cos(theta), a = (m - 1) / 2 and t = kappa / a, each law has a b(t) in [0, 1] such that y, defined by

    x / (2 - x) = b exp(y),

has its mode at 0 and a density proportional to exp(q(y; b)), analytic in b on the closed interval: b = 1 is the
uniform law, b = 0 (kappa = inf) a gamma law.  So y(b, s), the quantile of y at probability Phi(s), is smooth in both
arguments and nothing is left out at either end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when a table is first built, not when a distribution is imported
import torch
from torch import Tensor

from spherical_gae.core.numerics.bessel import log_terms, ratio_terms
from spherical_gae.core.numerics.divergence_family import Array, DivergenceFamily


@dataclass(frozen=True)
class AngleFamily(ABC):
    """The distributions of the angle in one dimension, for every concentration.

    Args:
        dim: Ambient dimension m.
    """

    dim: int

    @staticmethod
    @abstractmethod
    def mode(t: Tensor, one: Tensor) -> tuple[Tensor, Tensor]:
        """b and s > 0 with d log(b) / dt = -1 / s, at t = kappa / a >= 0; ``one`` is 1 on the device of ``t``."""

    @abstractmethod
    def log_density(self, b: Array, y: Array) -> Array:
        """q, without its normaliser."""

    @abstractmethod
    def density_slope(self, b: Array, y: Array) -> Array:
        """dq/db at fixed y, for b > 0."""


class VonMisesFisherAngle(AngleFamily, DivergenceFamily):
    """b = 1 / (t + sqrt(1 + t^2)),  q = a (y - (1 - b^2) e^y / (1 + b e^y) - 2 log(1 + b e^y))."""

    @staticmethod
    def mode(t: Tensor, one: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        radius = torch.hypot(t, one)
        return (t + radius).reciprocal(), radius

    def log_density(self, b: Array, y: Array) -> Array:
        """See the base class."""
        growth = np.exp(y)
        rest = 1 + b * growth
        return 0.5 * (self.dim - 1) * (y - (1 - b * b) * growth / rest - 2 * np.log(rest))

    def density_slope(self, b: Array, y: Array) -> Array:
        """See the base class."""
        growth = np.exp(y)
        rest = (1 - b) * growth
        return 0.5 * (self.dim - 1) * rest * (rest - 2) / (1 + b * growth) ** 2

    def divergence(self, kappa: Array) -> tuple[Array, Array]:
        """See the base class."""
        at = torch.from_numpy(kappa)
        return log_terms(at, self.dim).kl.numpy(), ratio_terms(at, self.dim).slope.numpy()


class PowerSphericalAngle(AngleFamily, DivergenceFamily):
    """b = 1 / (1 + t),  q = a (y - (1 + 1 / b) log(1 + b e^y)): x / (2 - x) is a ratio of gamma variates."""

    @staticmethod
    def mode(t: Tensor, one: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        spread = t + one
        return spread.reciprocal(), spread

    def log_density(self, b: Array, y: Array) -> Array:
        """See the base class."""
        growth = np.exp(y)
        positive = np.where(b > 0, b, 1)
        log_rest = np.where(b > 0, np.log1p(b * growth) / positive, growth)
        return 0.5 * (self.dim - 1) * (y - (1 + b) * log_rest)

    def density_slope(self, b: Array, y: Array) -> Array:
        """See the base class."""
        growth = np.exp(y)
        return 0.5 * (self.dim - 1) * (np.log1p(b * growth) / b - (1 + b) * growth / (1 + b * growth)) / b

    def divergence(self, kappa: Array) -> tuple[Array, Array]:
        """See the base class."""
        # KL = integral of s f''(s) over [0, kappa], f(s) = log Gamma(a + s) - log Gamma(2 a + s): one sign, so that
        # small kappa keeps its digits.  In log(1 + s / a) the integrand is smooth on every scale.
        a = 0.5 * (self.dim - 1)
        nodes, weights = np.polynomial.legendre.leggauss(100)
        length = np.log1p(kappa / a)[..., None]
        step = a * np.expm1(length * (0.5 + 0.5 * nodes))
        curvature = scipy.special.polygamma(1, a + step) - scipy.special.polygamma(1, 2 * a + step)
        integrand = step * curvature * (a + step)
        last = scipy.special.polygamma(1, a + kappa) - scipy.special.polygamma(1, 2 * a + kappa)
        return (integrand * (0.5 * weights)).sum(-1) * length[..., 0], last


class SphericalCauchyAngle(AngleFamily):
    """b = 1 / (t + sqrt(1 + t^2)),  q = a (y - 2 log(1 + e^y)): y is that of a uniform point, whatever b.

    A Moebius map takes tan(theta / 2) of a uniform point to sqrt(b) tan(theta / 2).
    """

    @staticmethod
    def mode(t: Tensor, one: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        return VonMisesFisherAngle.mode(t, one)

    def log_density(self, b: Array, y: Array) -> Array:
        """See the base class."""
        return 0.5 * (self.dim - 1) * (y - 2 * np.logaddexp(0, y)) + np.zeros_like(b)

    def density_slope(self, b: Array, y: Array) -> Array:
        """See the base class."""
        return np.zeros(np.broadcast_shapes(b.shape, y.shape))


# By name, which unlike a class can be an argument of an operator.
FAMILIES = {family.__name__: family for family in (VonMisesFisherAngle, PowerSphericalAngle, SphericalCauchyAngle)}
