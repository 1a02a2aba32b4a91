"""Rayleigh's test: its formula, its distribution under uniformity, and what it sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mpmath import mp
from scipy import stats

from spherical_gae.core import HypersphericalUniform, VonMisesFisher, rayleigh_test
from tests.helpers.places import direction, directions, seeded


@pytest.mark.parametrize("dim", [2, 3, 10, 200])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_formula(dim, shift):
    """By hand, in 50 digits, the distribution function as well."""
    x = torch.nn.functional.normalize(directions(12, dim) + shift * direction("e1", dim), dim=-1)
    with mp.workdps(50):
        rows = [[mp.mpf(value) for value in row] for row in x.tolist()]
        s = dim * 12 * sum((sum(column) / 12) ** 2 for column in zip(*rows, strict=True))
        exact = (1 - mp.mpf(1) / 24) * s + s**2 / (24 * (dim + 2))
        p_value = mp.gammainc(mp.mpf(dim) / 2, exact / 2, regularized=True)
    found = rayleigh_test(x)
    assert found.statistic.item() == pytest.approx(float(exact), rel=1e-12)
    assert found.p_value.item() == pytest.approx(float(p_value), rel=1e-9)


def test_on_the_circle_it_is_the_known_correction():
    """S* = (1 - 1 / (2 n)) 2 n R^2 + n R^4 / 2  (Mardia and Jupp 2000, section 6.3.1)."""
    x = directions(9, 2)
    square = x.mean(0).square().sum().item()
    assert rayleigh_test(x).statistic.item() == pytest.approx((1 - 1 / 18) * 18 * square + 9 * square**2 / 2)


@pytest.mark.parametrize(("dim", "count"), [(2, 8), (3, 20), (10, 10), (200, 30)])
def test_p_values_are_uniform_where_directions_are(dim, count):
    """20,000 tests, of which the distribution is known within .01 (p = .04); .05 and .01 are what they say."""
    number = 20_000 if dim < 200 else 4_000
    p_value = rayleigh_test(HypersphericalUniform(dim, dtype=torch.float64).sample((count, number), seeded())).p_value
    assert stats.kstest(p_value.numpy(), "uniform").pvalue > 1e-3
    for level in (0.05, 0.01):
        hits = int((p_value < level).sum())
        # Besides chance the approximation is off by a tenth.
        assert abs(hits - number * level) < 4 * (number * level) ** 0.5 + 0.1 * number * level


def test_a_mean_direction_is_seen_and_an_axis_is_not():
    samples = VonMisesFisher(direction("random", 5), 2.0).sample((60,), seeded())
    assert rayleigh_test(samples).p_value < 1e-4
    both_ways = torch.cat([samples, -samples])
    assert rayleigh_test(both_ways).p_value == pytest.approx(1)


def test_batches_arrays_and_dtypes():
    x = directions(6, 2, 3, 4)
    found = rayleigh_test(x)
    assert found.p_value.shape == (2, 3)
    torch.testing.assert_close(found.p_value[1, 2], rayleigh_test(x[:, 1, 2].numpy()).p_value)
    single = rayleigh_test(x.float())
    assert single.p_value.dtype == torch.float64
    torch.testing.assert_close(single.p_value, found.p_value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([[1.0, 0.0]], TypeError, "samples must be a tensor or an array, got list"),
        (np.eye(3)[:0], ValueError, r"samples must have shape \[n, \.\.\., m\]"),
        (2 * np.eye(3), ValueError, "samples must be unit vectors, got a norm off by 1"),
        (np.eye(3, dtype=int), TypeError, "samples must be float32 or float64, got torch.int64"),
    ],
)
def test_what_is_refused(samples, error, message):
    with pytest.raises(error, match=message):
        rayleigh_test(samples)
