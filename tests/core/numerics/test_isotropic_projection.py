"""The divergence of a projected normal with one scale against quadrature in mpmath."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from spherical_gae.core.numerics.isotropic_projection import IsotropicProjection


def exact(dim: int, eta: float) -> mpf:
    """E[log(q / uniform)] over the angle, the density by the recurrence M_(k+1) = a M_k + k M_(k-1)."""
    at = mpf(eta)
    log_zero = (mpf(dim) / 2 - 1) * mpmath.log(2) + mpmath.loggamma(mpf(dim) / 2)

    def log_ratio(w: mpf) -> mpf:
        a = at * w
        before = mpmath.sqrt(mpmath.pi / 2) * mpmath.erfc(-a / mpmath.sqrt(2))
        moment = a * before + mpmath.exp(-a * a / 2)
        for k in range(1, dim - 1):
            before, moment = moment, a * moment + k * before
        return mpmath.log(moment) + (a - at) * (a + at) / 2 - log_zero

    constant = mpmath.gamma(mpf(dim) / 2) / mpmath.sqrt(mpmath.pi) / mpmath.gamma(mpf(dim - 1) / 2)

    def share(theta: mpf) -> mpf:
        value = log_ratio(mpmath.cos(theta))
        return constant * mpmath.sin(theta) ** (dim - 2) * mpmath.exp(value) * value

    return mpmath.quad(share, [0, 0.1, 0.3, 0.6, 1, 2, mpmath.pi])


@pytest.mark.parametrize("dim", [2, 3, 8])
@pytest.mark.parametrize("eta", [1e-3, 0.1, 0.3, 1.0, 4.0, 10.0])
def test_divergence(dim: int, eta: float) -> None:
    kappa = eta * math.sqrt(eta * eta + dim)
    with mpmath.workdps(30):
        truth = exact(dim, eta)
    value = IsotropicProjection(dim).divergence(np.array([kappa]))[0]
    assert abs(float(value[0] / truth) - 1) < 1e-12


@pytest.mark.parametrize("dim", [2, 3, 41, 1024])
def test_slope_is_that_of_the_divergence(dim: int) -> None:
    """By differences, over the whole range; and the divergence tends to (m - 1) log(eta) plus a constant."""
    kappa = dim * np.geomspace(1e-4, 1e4, 17)
    family, step = IsotropicProjection(dim), 1e-3
    slope = family.divergence(kappa)[1] * kappa
    low2, low, high, high2 = (family.divergence(kappa * (1 + k * step))[0] for k in (-2, -1, 1, 2))
    difference = (8 * (high - low) - (high2 - low2)) / (12 * step * kappa)
    np.testing.assert_allclose(slope, difference, rtol=1e-8)
    (first, second), _ = family.divergence(dim * np.array([1e6, 1e8]))
    assert second - first == pytest.approx(0.5 * (dim - 1) * math.log(100), rel=1e-5)
