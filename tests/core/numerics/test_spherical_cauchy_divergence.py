"""The divergence of the spherical Cauchy distribution against closed forms and quadrature."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

from spherical_gae.core.numerics.kl_table import tabulated_kl
from spherical_gae.core.numerics.spherical_cauchy_divergence import SphericalCauchyDivergence, uniform_heights

DELTAS = np.array([1e-6, 1e-3, 0.1, 0.5, 1.0, 3.0, 10.0, 30.0])


def test_circle() -> None:
    """The wrapped Cauchy distribution: KL = -log(1 - rho^2), rho = tanh(delta / 2)."""
    value = SphericalCauchyDivergence(2).divergence(DELTAS)[0]
    np.testing.assert_allclose(value, np.log1p(np.sinh(DELTAS / 2) ** 2), rtol=1e-13)


def test_sphere() -> None:
    """m = 3: the height is uniform, and 2 E[log(cosh + w sinh)] is elementary."""
    value = SphericalCauchyDivergence(3).divergence(DELTAS)[0]
    for delta, found in zip(DELTAS, value, strict=True):
        with mpmath.workdps(50):
            d = mpf(delta)
            truth = 2 * (d * mpmath.cosh(d) / mpmath.sinh(d) - 1)
        assert found == pytest.approx(float(truth), rel=1e-13)


@pytest.mark.parametrize("dim", [2, 3, 5, 41, 1024])
def test_slope_by_differences(dim: int) -> None:
    family, step = SphericalCauchyDivergence(dim), 1e-3
    slope = family.divergence(DELTAS)[1] * DELTAS
    low2, low, high, high2 = (family.divergence(DELTAS * (1 + k * step))[0] for k in (-2, -1, 1, 2))
    np.testing.assert_allclose(slope, (8 * (high - low) - (high2 - low2)) / (12 * step * DELTAS), rtol=1e-9)


@pytest.mark.parametrize("dim", [2, 3, 5, 41, 1024])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_table(dim: int, dtype: torch.dtype, error: float) -> None:
    """Value and slope, relative, from 1e-6 to where rho rounds to 1."""
    delta = torch.logspace(-6, math.log10(37), 60, dtype=dtype)
    value, slope = SphericalCauchyDivergence(dim).divergence(delta.double().numpy())
    found, found_slope = tabulated_kl(delta, SphericalCauchyDivergence, dim)
    np.testing.assert_allclose(found.double(), value, rtol=error)
    np.testing.assert_allclose(found_slope.double(), slope * delta.double().numpy(), rtol=error)


@pytest.mark.parametrize("dim", [2, 3, 8, 500])
def test_heights_have_the_moments_of_a_uniform_point(dim: int) -> None:
    """E[1 - w^2] = (m - 1) / m and E[(1 - w^2)^2] = (m^2 - 1) / (m (m + 2))."""
    square, weight = uniform_heights(dim)
    assert (square * weight).sum() == pytest.approx((dim - 1) / dim, rel=1e-14)
    assert (square**2 * weight).sum() == pytest.approx((dim * dim - 1) / (dim * (dim + 2)), rel=1e-14)
