"""The log-Debye polynomials against closed forms and against Bessel functions in 50 digits."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
import torch
from mpmath import mp, mpf

from spherical_gae.core.numerics.debye import debye_coefficients, horner_series
from tests.helpers.reference import reference

TERMS = 14
COEFFICIENTS = debye_coefficients(TERMS)


def evaluate(rows, y, s):
    y, s = (torch.tensor(float(x), dtype=torch.float64) for x in (y, s))
    return float(y * horner_series(rows, y, 1 / s))


def stirling(s):
    return mp.fsum(mpf(c) * mpf(s) ** -k for k, c in enumerate(COEFFICIENTS.constant, start=1))


@pytest.mark.parametrize("k", range(1, TERMS + 1))
def test_constants_are_those_of_stirlings_series(k):
    """At kappa = 0, I_v is (kappa / 2)^v / Gamma(v + 1), so D_k(0) = -B_(k+1) / (k (k + 1)) for odd k."""
    numerator, denominator = mpmath.bernfrac(k + 1)
    expected = Fraction(-numerator, denominator * k * (k + 1)) if k % 2 else 0
    assert COEFFICIENTS.constant[k - 1] == float(expected)


def test_first_polynomials():
    """From U_1 = (3p - 5p^3) / 24 and U_2 (DLMF 10.41.10): D_1 = (5y - 2) / 24, D_2 = y (5y - 4) / 16."""
    coefficients = debye_coefficients(2)
    assert coefficients.value == ((5 / 24,), (-1 / 4, 5 / 16))
    # kappa d/dkappa y = 2 y (1 - y) and kappa d/dkappa s^-k = -k y s^-k.
    assert coefficients.first[0] == (1 / 2, -5 / 8)


def test_at_order_zero_they_are_the_logarithm_of_hankels_series():
    """log(1 + 1/(8k) + 9/(128k^2) + 225/(3072k^3) + ...) = 1/(8k) + 1/(16k^2) + 25/(384k^3) + 13/(128k^4) + ..."""
    coefficients = debye_coefficients(4)
    at_one = [c + sum(row) for c, row in zip(coefficients.constant, coefficients.value, strict=True)]
    assert at_one == pytest.approx([1 / 8, 1 / 16, 25 / 384, 13 / 128], rel=1e-15)


@pytest.mark.parametrize("order", [0, 1, 10, 31.5, 100])
@pytest.mark.parametrize("kappa", [0.5, 20.0, 32.0, 200.0])
def test_expansion_equals_log_bessel(order, kappa):
    if mp.hypot(order, kappa) < 32:
        order += 32
    v, k = mpf(order), mpf(kappa)
    s = mp.hypot(v, k)
    eta = s + (v * mp.log(k / (v + s)) if v else 0)
    expected = mp.log(mp.besseli(v, k)) - eta + mp.log(2 * mp.pi * s) / 2
    got = evaluate(COEFFICIENTS.value, (k / s) ** 2, s) + stirling(s)
    assert abs(got - expected) < 1e-16


@pytest.mark.parametrize("dim", [2, 5, 64, 258])
@pytest.mark.parametrize("kappa", [33.0, 200.0])
def test_derivatives_of_the_expansion(dim, kappa):
    """With D = kappa d/dkappa: D log I_v = v + kappa A, D eta = s, D s = s y, D y = 2 y (1 - y)."""
    exact = reference(dim, kappa)
    v, k = mpf(dim) / 2 - 1, mpf(kappa)
    s = mp.hypot(v, k)
    y = (k / s) ** 2
    product = k * exact.mean_resultant_length
    first = v + product - s + y / 2
    second = product + k * k * exact.slope - s * y + y * (1 - y)
    assert abs(evaluate(COEFFICIENTS.first, y, s) - first) < 1e-15
    assert abs(evaluate(COEFFICIENTS.second, y, s) - (second - first)) < 1e-14


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_horner_series_sums_the_polynomials(dtype):
    rows = ((2.0,), (3.0, -1.0), (0.0, 0.5, 4.0))
    y, inverse = torch.tensor([0.0, 0.25, 1.0], dtype=dtype), torch.tensor([0.5, 2.0, -1.0], dtype=dtype)
    expected = 2 * inverse + (3 - y) * inverse**2 + (0.5 * y + 4 * y**2) * inverse**3
    torch.testing.assert_close(horner_series(rows, y, inverse), expected)


@pytest.mark.parametrize("terms", [1, 2, 8])
def test_first_terms_are_those_of_the_shorter_series(terms):
    assert COEFFICIENTS.first_terms(terms) == debye_coefficients(terms)
