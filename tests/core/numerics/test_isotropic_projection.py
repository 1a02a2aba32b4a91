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


def exact_of_many(dim: int, eta: float) -> mpf:
    """The same by confluent hypergeometric functions, and the trapezoidal rule in u, w = tanh(u)."""
    m, at = mpf(dim), mpf(eta)
    mean = mpmath.sqrt(2) * mpmath.exp(mpmath.loggamma((m + 1) / 2) - mpmath.loggamma(m / 2))

    def log_ratio(w: mpf) -> mpf:
        a = at * w
        even, odd = (mpmath.hyp1f1((m + k) / 2, mpf(1) / 2 + k, a * a / 2) for k in (0, 1))
        return mpmath.log(even + a * mean * odd) - at * at / 2

    centre, step = mpmath.atanh(at / mpmath.sqrt(at * at + m)), 1 / (3 * mpmath.sqrt(m))
    masses, values = [], []
    for k in range(-30, 31):
        u = centre + k * step
        values.append(log_ratio(mpmath.tanh(u)))
        masses.append(mpmath.exp(values[-1] - (m - 1) * mpmath.log(mpmath.cosh(u))))
    return mpmath.fdot(masses, values) / mpmath.fsum(masses)


@pytest.mark.parametrize("dim", [300, 2500, 65536])
@pytest.mark.parametrize("eta", [1e-3, 0.3, 3.0, 30.0])
def test_divergence_in_many_dimensions(dim: int, eta: float) -> None:
    """The series near 0 has coefficients that do not grow with m."""
    kappa = eta * math.sqrt(eta * eta + dim)
    with mpmath.workdps(100):
        truth = exact_of_many(dim, eta)
    value = IsotropicProjection(dim).divergence(np.array([kappa]))[0]
    assert abs(float(value[0] / truth) - 1) < 1e-11


@pytest.mark.parametrize("dim", [2, 3, 41, 1024, 65536])
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
