"""Moments of a positive normal variate against mpmath, in both dtypes, with their derivatives."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import mpmath
import pytest
import torch
from mpmath import mpf

from spherical_gae.core.numerics.truncated_moments import given_direction, log_moment, log_moment_value

DIMS = pytest.mark.parametrize(
    "dim", [2, 3, 5, 11, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (41, 129, 1024))]
)
DTYPES = pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
PLACES = (-1e4, -1e3, -100.0, -20.0, -5.0, -1.5, -0.1, -1e-3, 0.0, 1e-3, 0.1, 0.7, 3.0, 10.0, 50.0, 300.0, 3e3, 1e4)


class Exact(NamedTuple):
    """log M_(m-1), R, D, log(S / m), the distance e from a chi law, and derivatives in a of the last two."""

    log_moment: mpf
    mean: mpf
    pull: mpf
    log_square: mpf
    excess: mpf
    log_square_slope: mpf
    excess_slope: mpf


@cache
def exact(dim: int, a: float) -> Exact:
    """By M_(k+1) = a M_k + k M_(k-1), which for a < 0 loses digits that are added before."""
    lost = dim * math.log10(1 + a * a) if a < 0 else 0
    with mpmath.workdps(50 + int(1.1 * lost)):
        at = mpf(a)
        moments = [mpmath.sqrt(mpmath.pi / 2) * mpmath.erfc(-at / mpmath.sqrt(2))]
        moments.append(at * moments[0] + mpmath.exp(-at * at / 2))
        for k in range(1, dim + 2):
            moments.append(at * moments[k] + k * moments[k - 1])
        before, normaliser, first, second, third = moments[dim - 2 : dim + 3]
        mean, square, cube = first / normaliser, second / normaliser, third / normaliser
        log_zero = (mpf(dim) / 2 - 1) * mpmath.log(2) + mpmath.loggamma(mpf(dim) / 2)
        log_moment, log_square = mpmath.log(normaliser), mpmath.log(square / dim)
        # e = a D / 2 - log M(a) + log M(0) + (m / 2) log(S / m)
        pull = (dim - 1) * before / normaliser
        excess = at * pull / 2 - log_moment + log_zero + mpf(dim) / 2 * log_square
        slope = (cube - square * mean) / square
        variance = square - mean * mean
        excess_slope = (at * (variance - 1) - pull) / 2 + mpf(dim) / 2 * slope
        return Exact(log_moment, mean, pull, log_square, excess, slope, excess_slope)


@DIMS
@DTYPES
def test_normaliser_and_its_slope(dim: int, dtype: torch.dtype, error: float) -> None:
    """log M and R, or for a >= 0 D = R - a, relative; log M absolute where it crosses zero."""
    found = log_moment(torch.tensor(PLACES, dtype=dtype), dim)
    for a, value, slope in zip(torch.tensor(PLACES, dtype=dtype).tolist(), *found, strict=True):
        truth = exact(dim, a)
        log_value = value.item() if a >= 0 else mpf(value.item()) - mpf(a) ** 2 / 2
        assert abs(log_value - truth.log_moment) <= error * max(1, abs(truth.log_moment))
        if a < 0:
            # Without the large term, which hides what is left of it.
            rest = truth.log_moment + mpf(a) ** 2 / 2
            assert abs(value.item() - rest) <= error * max(1, abs(rest))
        assert abs(slope.item() / (truth.mean if a < 0 else truth.pull) - 1) <= error


@DIMS
@DTYPES
def test_divergence_of_the_length_given_a_direction(dim: int, dtype: torch.dtype, error: float) -> None:
    """(m / 2) log c - (m / 2) (e^l - 1 - l) - e and its derivatives, at l near 0 and away from it.

    Errors are in units of the terms, of which m log m is the largest where no other is.
    """
    places = torch.tensor(PLACES, dtype=dtype)
    for factor in (1.0, 0.5, 3.0):
        length = torch.tensor([float(mpmath.exp(exact(dim, a).log_square / 2)) * factor for a in PLACES], dtype=dtype)
        product, size = places * length, torch.full_like(places, math.sqrt(2 * dim))
        value, numbers = given_direction(product, length, size, dim)
        for i in range(len(PLACES)):
            p, w, h = (mpf(x[i].item()) for x in (product, length, size))
            truth = exact(dim, float(p / w))
            log_c = mpmath.log(h * h / dim)
            gap = truth.log_square - 2 * mpmath.log(w) - log_c
            growth = mpmath.expm1(gap)
            terms = [mpf(dim) / 2 * x for x in (log_c, gap, growth)] + [truth.excess]
            expected = terms[0] + terms[1] - terms[2] - terms[3]
            unit = dim * math.log(dim) + sum(map(abs, terms)) + dim * abs(mpmath.log(w))
            assert abs(value[i].item() - expected) <= error * unit
            on_a = -(mpf(dim) / 2 * growth * truth.log_square_slope + truth.excess_slope)
            on_square = (dim * growth - on_a * p / w) / w**2
            scale = dim * (1 + abs(growth)) / w**2
            assert abs(numbers[i, 0].item() - on_square) <= 5 * error * scale
            assert abs(numbers[i, 1].item() - on_a / w) <= 5 * error * dim * (1 + abs(growth)) * (
                abs(truth.log_square_slope) / w
            )
            assert abs(numbers[i, 2].item() / ((1 + growth) * dim / h**2) - 1) <= 5 * error


@pytest.mark.parametrize("dim", [2, 3, 11])
def test_autograd_gives_the_slope(dim: int) -> None:
    """Of the tabulated value, to 1e-8 relative to the scale of the function; at a = 0 as well."""
    a = torch.tensor(PLACES, dtype=torch.float64, requires_grad=True)
    moment = log_moment(a, dim)
    scale = 1 / torch.hypot(a, torch.full_like(a, 2 * math.sqrt(dim))).detach()
    (found,) = torch.autograd.grad(moment.value.sum(), a, retain_graph=True)
    assert ((found - moment.slope).abs() / (moment.slope.abs() + scale)).max() < 1e-8
    value = log_moment_value(a, dim)
    assert torch.equal(value, moment.value)
    (found,) = torch.autograd.grad(value.sum(), a)
    assert torch.equal(found, moment.slope)


@pytest.mark.parametrize("dim", [2, 3, 11])
def test_autograd_gives_the_numbers_of_a_direction(dim: int) -> None:
    """The first is that in |w| over |w|, the second that in w.n, the third that in sqrt(m c) over sqrt(m c)."""
    product = torch.tensor([-40.0, -3.0, 0.0, 0.2, 5.0, 60.0], dtype=torch.float64, requires_grad=True)
    length = torch.tensor([4.0, 1.0, 1.5, 0.3, 2.0, 6.0], dtype=torch.float64, requires_grad=True)
    size = torch.tensor([2.0, 1.0, 1.0, 3.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    value, numbers = given_direction(product, length, size, dim)
    on_product, on_length, on_size = torch.autograd.grad(value.sum(), (product, length, size))
    torch.testing.assert_close(numbers[:, 1], on_product, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(numbers[:, 0] * length, on_length, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(numbers[:, 2] * size, on_size, rtol=1e-8, atol=1e-8)


def test_second_derivatives_and_forward_mode() -> None:
    a = torch.tensor([-30.0, -2.0, -0.1, 0.3, 4.0, 50.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: log_moment_value(x, 5), a)
    assert torch.autograd.gradgradcheck(lambda x: log_moment_value(x, 5), a)
    tangent = torch.func.jvp(lambda x: log_moment_value(x, 5), (a.detach(),), (torch.ones_like(a),))[1]
    assert torch.equal(tangent, log_moment(a.detach(), 5).slope)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends(dtype: torch.dtype) -> None:
    """Beyond all tables: R = a, D = (m - 1) / a; R = m / |a|; a NaN stays in its element."""
    a = torch.tensor([1e15, -1e15, math.nan, 1.0], dtype=dtype)
    slope = log_moment(a, 7).slope
    torch.testing.assert_close(slope[:2], torch.tensor([6e-15, 7e-15], dtype=dtype), rtol=1e-5, atol=0)
    assert slope.isnan().tolist() == [False, False, True, False]
    one = torch.ones_like(a)
    assert given_direction(a, one, one, 7).numbers.isnan().any(-1).tolist() == [False, False, True, False]
