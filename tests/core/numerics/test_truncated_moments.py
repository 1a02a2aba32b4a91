"""Moments of a positive normal variate against mpmath, in both dtypes, with their derivatives."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import mpmath
import pytest
import torch
from mpmath import mpf

from spherical_gae.core.numerics.truncated_moments import log_moment, log_moment_value, radius

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
def test_second_moment_and_distance_from_a_chi_law(dim: int, dtype: torch.dtype, error: float) -> None:
    """Values absolute, where they are large relative; slopes relative, that of e absolute beside that of log S."""
    places = torch.tensor(PLACES, dtype=dtype)
    for a, tau, rest, slope, excess, excess_slope in zip(places.tolist(), *radius(places, dim), strict=True):
        truth = exact(dim, a)
        log_square = 2 * mpmath.log(tau.item()) + rest.item() - mpmath.log(dim)
        assert abs(log_square - truth.log_square) <= 2 * error * max(1, abs(truth.log_square))
        assert abs(excess.item() - truth.excess) <= error * max(1, abs(truth.excess))
        assert abs(slope.item() / truth.log_square_slope - 1) <= error
        # At the far left e is constant, at 0 least: its slope is of no use below this.
        assert abs(excess_slope.item() - truth.excess_slope) <= error * truth.log_square_slope


@pytest.mark.parametrize("dim", [2, 3, 11])
def test_autograd_gives_the_slopes(dim: int) -> None:
    """Of the tabulated values, to 1e-8 relative to the scale of the function; at a = 0 as well."""
    a = torch.tensor(PLACES, dtype=torch.float64, requires_grad=True)
    moment, length = log_moment(a, dim), radius(a, dim)
    pairs = (
        (moment.value, moment.slope),
        (2 * length.tau.log() + length.log_rest, length.log_square_slope),
        (length.excess, length.excess_slope),
    )
    scale = 1 / torch.hypot(a, torch.full_like(a, 2 * math.sqrt(dim))).detach()
    for value, slope in pairs:
        (found,) = torch.autograd.grad(value.sum(), a, retain_graph=True)
        assert ((found - slope).abs() / (slope.abs() + scale)).max() < 1e-8
    value = log_moment_value(a, dim)
    assert torch.equal(value, moment.value)
    (found,) = torch.autograd.grad(value.sum(), a)
    assert torch.equal(found, moment.slope)


def test_second_derivatives_and_forward_mode() -> None:
    a = torch.tensor([-30.0, -2.0, -0.1, 0.3, 4.0, 50.0], dtype=torch.float64, requires_grad=True)
    for function in (
        lambda x: log_moment_value(x, 5),
        lambda x: radius(x, 5).log_rest,
        lambda x: radius(x, 5).excess,
    ):
        assert torch.autograd.gradcheck(function, a)
        assert torch.autograd.gradgradcheck(function, a)
    tangent = torch.func.jvp(lambda x: log_moment_value(x, 5), (a.detach(),), (torch.ones_like(a),))[1]
    assert torch.equal(tangent, log_moment(a.detach(), 5).slope)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends(dtype: torch.dtype) -> None:
    """Beyond all tables: R = a, D = (m - 1) / a; R = m / |a|; a NaN stays in its element."""
    a = torch.tensor([1e15, -1e15, math.nan, 1.0], dtype=dtype)
    slope = log_moment(a, 7).slope
    torch.testing.assert_close(slope[:2], torch.tensor([6e-15, 7e-15], dtype=dtype), rtol=1e-5, atol=0)
    assert slope.isnan().tolist() == [False, False, True, False]
    assert radius(a, 7).excess.isnan().tolist() == [False, False, True, False]
