"""The quantile of the angle against closed forms, and its slope against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, SphericalCauchyAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.angle_quantile import quantile, quantile_slope
from tests.helpers.angle_law import AngleLaw

FAMILIES = pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle, SphericalCauchyAngle])
DIMS = pytest.mark.parametrize("dim", [3, 4, 5, 11, 64, 1000])
SCORES = np.array([-8.0, -5.0, -2.5, -1.0, -0.2, 0.0, 0.3, 1.0, 2.0, 4.0, 8.0])
LOW = SCORES <= 0


def score_of(below, above):
    """The normal score from the lighter tail."""
    return np.where(below < above, special.ndtri(below), -special.ndtri(above))


@FAMILIES
@DIMS
def test_uniform_law(family, dim):
    """b = 1: x / 2 follows Beta(a, a), so y is antisymmetric in the score."""
    a = (dim - 1) / 2
    (y,) = quantile(family(dim), np.ones((1, 1)), SCORES)
    np.testing.assert_allclose(quantile(family(dim), np.ones((1, 1)), -SCORES)[0], -y, rtol=0, atol=1e-12)
    share = special.expit(y)
    reached = score_of(special.betainc(a, a, share), special.betainc(a, a, special.expit(-y)))
    np.testing.assert_allclose(reached, SCORES, rtol=0, atol=1e-11)


@pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle])
@DIMS
def test_gamma_law(family, dim):
    """b = 0: e^y a follows Gamma(a)."""
    a = (dim - 1) / 2
    (y,) = quantile(family(dim), np.zeros((1, 1)), SCORES)
    np.testing.assert_allclose(y[LOW], np.log(special.gammaincinv(a, special.ndtr(SCORES[LOW])) / a), atol=1e-12)
    np.testing.assert_allclose(y[~LOW], np.log(special.gammainccinv(a, special.ndtr(-SCORES[~LOW])) / a), atol=1e-12)


@DIMS
def test_power_spherical_law(dim):
    """x / 2 follows Beta(a, a + kappa)."""
    a, b = (dim - 1) / 2, np.array([1e-3, 0.1, 0.5, 0.9])[:, None]
    y = quantile(PowerSphericalAngle(dim), b, SCORES)
    rest = a / b  # a + kappa
    log_odds = y + np.log(b)
    below = special.betainc(a, rest, special.expit(log_odds))
    above = special.betainc(rest, a, special.expit(-log_odds))
    np.testing.assert_allclose(score_of(below, above), np.broadcast_to(SCORES, y.shape), rtol=0, atol=1e-10)


def test_von_mises_fisher_law_on_the_sphere():
    """m = 3: P(x <= X) = (1 - e^(-kappa X)) / (1 - e^(-2 kappa))."""
    b = np.array([1e-3, 0.1, 0.5, 0.9])[:, None]
    y = quantile(VonMisesFisherAngle(3), b, SCORES)
    kappa, odds = (1 / b - b) / 2, b * np.exp(y)
    x, rest = 2 * odds / (1 + odds), 2 / (1 + odds)
    below = np.expm1(-kappa * x) / np.expm1(-2 * kappa)
    above = np.exp(-kappa * x) * np.expm1(-kappa * rest) / np.expm1(-2 * kappa)
    np.testing.assert_allclose(score_of(below, above), np.broadcast_to(SCORES, y.shape), rtol=0, atol=1e-12)


@DIMS
def test_von_mises_fisher_law(dim):
    """Against the tests' quadrature, whose spline is good to 3e-11."""
    for b in (1e-3, 0.1, 0.5, 0.9):
        (y,) = quantile(VonMisesFisherAngle(dim), np.full((1, 1), b), SCORES)
        law = AngleLaw(dim, (1 / b - b) * (dim - 1) / 4)
        np.testing.assert_allclose(law.cdf(0.5 * (y + math.log(b))), special.ndtr(SCORES), rtol=0, atol=3e-11)


@FAMILIES
@DIMS
def test_slope(family, dim):
    """Against five-point differences of the quantile in b."""
    b, h = np.array([1e-2, 0.1, 0.5, 0.9])[:, None], 1e-3
    scores = SCORES[np.abs(SCORES) < 6]
    y = quantile(family(dim), b, scores)
    near = quantile(family(dim), b + h, scores) - quantile(family(dim), b - h, scores)
    far = quantile(family(dim), b + 2 * h, scores) - quantile(family(dim), b - 2 * h, scores)
    expected = (8 * near - far) / (12 * h)
    got = quantile_slope(family(dim), b, y, scores)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-8)
