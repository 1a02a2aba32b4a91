"""The divergence of the spherical Cauchy distribution to the uniform one.

With rho in [0, 1), delta = log((1 + rho) / (1 - rho)), w the height of a uniform point of the sphere and
a = (m - 1) / 2,

    KL = 2 a E[log(cosh delta + w sinh delta)] = a E[log(1 + (1 - w^2) sinh(delta)^2)].

It grows as 2 a delta, and for delta near 0 as 2 a (m - 1) / m delta^2 / 2.  Here delta is the concentration.
"""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from spherical_gae.core.numerics.divergence_family import Array, DivergenceFamily, Frame


class SphericalCauchyDivergence(DivergenceFamily):
    """q = delta / (1 + delta),  KL = 2 a delta q S(q),  dKL/d delta = 2 a q G(q)."""

    @property
    def unit(self) -> float:
        """1: the table is of delta, in any dimension."""
        return 1.0

    @staticmethod
    def frame(t: Tensor, one: Tensor, dim: int) -> Frame:
        """See the base class."""
        q = t / (t + one)
        slope = q * float(dim - 1)
        return Frame(q, t * 0.0, slope * t, slope)

    @staticmethod
    def concentration_at(place: Array) -> Array:
        """See the base class."""
        return place / (1 - place)

    def divergence(self, kappa: Array) -> tuple[Array, Array]:
        """See the base class."""
        square, weight = uniform_heights(self.dim)
        delta = kappa[..., None]
        # 1 + (1 - w^2) sinh^2, over exp(2 delta), which nothing overflows.
        shrink = np.exp(-2 * delta)
        push = 0.25 * np.expm1(-2 * delta) ** 2  # sinh^2 exp(-2 delta)
        logarithm = np.where(delta < 1, np.log1p(square * np.sinh(np.minimum(delta, 1)) ** 2), 0)
        logarithm = np.where(delta < 1, logarithm, 2 * delta + np.log(shrink + square * push))
        slope = square * 0.5 * -np.expm1(-4 * delta) / (shrink + square * push)  # d logarithm / d delta
        a = 0.5 * (self.dim - 1)
        return a * (logarithm * weight).sum(-1), a * (slope * weight).sum(-1) / kappa


def uniform_heights(dim: int) -> tuple[Array, Array]:
    """Nodes 1 - w^2 and weights of E[f(w^2)], w the height of a uniform point of the sphere.

    Trapezoidal rule in u, w = tanh(u), in which the density is proportional to sech(u)^(m-1).

    Args:
        dim: Ambient dimension m >= 2.

    Returns:
        Two arrays; exact to rounding for log(1 + c (1 - w^2)) with any c >= 0, and its derivatives in c.
    """
    rate = dim - 1
    reach, step = 40 / rate + 9 / math.sqrt(rate), 0.25 / math.sqrt(rate)
    u = np.arange(0.5, reach / step) * step
    square = np.cosh(u) ** -2
    weight = square ** (0.5 * rate)
    return square, weight / weight.sum()
