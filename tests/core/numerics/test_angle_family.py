"""The densities behind the tables: each is the law of the angle, with its mode at 0, and its divergence is exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mpmath import mp, mpf

from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, VonMisesFisherAngle
from tests.helpers.places import DTYPES
from tests.helpers.reference import reference

FAMILIES = pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle])
DIMS = pytest.mark.parametrize("dim", [2, 3, 4, 11, 64, 1000])
PLACES = (1e-6, 0.03, 0.4, 0.9, 1.0)
SCORES = np.array([-3.0, -1.0, -0.1, 0.2, 1.5, 4.0])


def concentration(family, dim, b):
    """kappa of b: sinh(-log b) = t for the von Mises-Fisher law."""
    t = (1 / b - b) / 2 if family is VonMisesFisherAngle else 1 / b - 1
    return t * (dim - 1) / 2


def exact_log_density(family, dim, b, y):
    """q in mpmath, from the law itself: that of cos theta = c has the density w(c) (1 - c^2)^((m - 3) / 2).

    In log(x / (2 - x)), with x = 1 - c, it is times dc / dy = (1 - c^2) / 2.
    """
    odds = b * mp.exp(y)
    x = 2 * odds / (1 + odds)
    kappa = concentration(family, dim, b)
    log_weight = -kappa * x if family is VonMisesFisherAngle else kappa * mp.log(2 - x)
    return log_weight + mpf(dim - 1) / 2 * mp.log(x * (2 - x))


@FAMILIES
@DIMS
def test_is_the_law_of_the_angle(family, dim):
    """Differences of q to its value at 0, at every b and out to a density of e^-100 and less."""
    for b in PLACES:
        got = family(dim).log_density(np.float64(b), SCORES) - family(dim).log_density(np.float64(b), np.zeros(1))
        start = exact_log_density(family, dim, mpf(b), mpf(0))
        for y, value in zip(SCORES.tolist(), got.tolist(), strict=True):
            expected = exact_log_density(family, dim, mpf(b), mpf(y)) - start
            # Of a q near a, what rounding leaves; for 1 / b its cancellation in the Power Spherical law.
            assert abs(value - expected) < 1e-13 * dim + 1e-12 * abs(expected), (b, y)


@FAMILIES
@DIMS
def test_gamma_law_where_the_concentration_is_infinite(family, dim):
    """At b = 0, e^y is a gamma variate over its shape a: q = a (y - e^y); and it is the limit of small b."""
    a, law = (dim - 1) / 2, family(dim)
    np.testing.assert_allclose(law.log_density(np.zeros(1), SCORES), a * (SCORES - np.exp(SCORES)), rtol=1e-14)
    np.testing.assert_allclose(
        law.log_density(np.full(1, 1e-12), SCORES), law.log_density(np.zeros(1), SCORES), rtol=1e-9
    )


@FAMILIES
@DIMS
def test_mode_is_at_zero(family, dim):
    """The slope of q vanishes there, and q falls away from it."""
    law, h = family(dim), 1e-4
    for b in (0.0, *PLACES):
        below, middle, above = law.log_density(np.float64(b), np.array([-h, 0.0, h]))
        assert abs(above - below) / (2 * h) < 1e-7 * dim
        ends = law.log_density(np.float64(b), np.array([-0.5, 0.5]))
        assert (ends < middle).all()


@FAMILIES
@DIMS
def test_density_slope(family, dim):
    """Against the derivative of q in b at fixed y, in mpmath."""

    def q(b, y):
        growth = mp.exp(y)
        a, rest = mpf(dim - 1) / 2, mp.log(1 + b * growth)
        if family is VonMisesFisherAngle:
            return a * (y - (1 - b * b) * growth / (1 + b * growth) - 2 * rest)
        return a * (y - (1 + 1 / b) * rest)

    for b in (0.03, 0.4, 0.9, 1.0):
        got = family(dim).density_slope(np.float64(b), SCORES)
        expected = [float(mp.diff(lambda x, y=y: q(x, mpf(y)), mpf(b))) for y in SCORES.tolist()]
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13 * dim)


@DTYPES
@FAMILIES
def test_mode(family, dtype):
    """b(kappa / a) inverts kappa(b) and d log(b) / dt is -1 / s, at both ends as between them."""
    t = torch.tensor([0, 1e-30, 1e-3, 0.3, 1, 7, 1e3, 1e10, 1e30], dtype=dtype).requires_grad_()
    b, spread = family.mode(t, torch.ones((), dtype=dtype))
    exact = [mp.sqrt(1 + mpf(x) ** 2) if family is VonMisesFisherAngle else 1 + mpf(x) for x in t.tolist()]
    shift = [mpf(x) if family is VonMisesFisherAngle else mpf(0) for x in t.tolist()]
    eps = torch.finfo(dtype).eps
    for got, rate, s, extra in zip(b.tolist(), spread.tolist(), exact, shift, strict=True):
        assert abs(rate / s - 1) < 2 * eps
        assert abs(got * (s + extra) - 1) < 4 * eps
    (slope,) = torch.autograd.grad(b.log().sum(), t)
    usual = t.detach() < 1e15  # beyond, autograd's b^2 underflows in float32
    torch.testing.assert_close(slope[usual], -1 / spread.detach()[usual], rtol=8 * eps, atol=0)
    assert b[0] == 1
    assert (b.diff() <= 0).all()


@FAMILIES
def test_mode_where_the_concentration_is_infinite(family):
    """No overflow on the way to b = 0, up to the largest float."""
    t = torch.tensor([1e30, torch.finfo(torch.float32).max / 4])
    b, spread = family.mode(t, torch.ones(()))
    assert b.isfinite().all()
    assert spread.isfinite().all()
    assert (b < 1e-29).all()


def exact_divergence(family, dim, kappa):
    """KL to the uniform law, and its derivative in kappa over kappa."""
    if family is VonMisesFisherAngle:
        exact = reference(dim, kappa)
        return exact.kl, exact.slope
    a, s = mpf(dim - 1) / 2, mpf(kappa)
    drift = mp.digamma(a + s) - mp.digamma(2 * a + s)
    log_ratio = mp.loggamma(a + s) - mp.loggamma(2 * a + s) - mp.loggamma(a) + mp.loggamma(2 * a)
    return s * drift - log_ratio, mp.psi(1, a + s) - mp.psi(1, 2 * a + s)


@FAMILIES
@pytest.mark.parametrize("dim", [2, 3, 4, 11, 64, 1000, 65536])
def test_divergence(family, dim):
    """To 1e-12 of its value, down to kappa = 1e-8, where the textbook form has no digits left.

    The Power Spherical slope is a difference of two trigamma functions, which cancels as kappa / a grows; its integral
    is off by 6e-12 at kappa = 1e6.
    """
    kappa = np.array([1e-8, 1e-3, 0.3, 2.0, 31.0, 1e3, 1e5, 1e6])
    divergence, slope = family(dim).divergence(kappa)
    for i, k in enumerate(kappa.tolist()):
        value, derivative = exact_divergence(family, dim, k)
        assert abs(divergence[i] / value - 1) < (1e-12 if k < 1e5 else 1e-11), k
        cancelled = 1e-15 * k / (dim - 1) if family is PowerSphericalAngle else 0
        assert abs(slope[i] / derivative - 1) < 1e-12 + cancelled, k
