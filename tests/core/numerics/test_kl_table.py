"""The tabulated divergence and its slope in every cell of (m, kappa), across cell borders and at the extremes."""

from __future__ import annotations

import math

import pytest
import torch
from mpmath import mp, mpf
from torch.distributions import kl_divergence

from spherical_gae.core import HypersphericalUniform, PowerSpherical, VonMisesFisher
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.kl_table import _build, kl_table, tabulated_kl
from tests.helpers.places import DTYPES
from tests.helpers.reference import CONCENTRATIONS, DIMS, reference


def tolerance(family, dtype):
    """The trigamma differences of the Power Spherical law cancel a little."""
    if dtype == torch.float32:
        return 2e-6
    return 1e-11 if family is PowerSphericalAngle else 1e-12


CPU = torch.device("cpu")
FAMILIES = pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle])


def exact_power_spherical(dim, kappa):
    a, s = mpf(dim - 1) / 2, mpf(kappa)
    drift = mp.digamma(a + s) - mp.digamma(2 * a + s)
    log_ratio = mp.loggamma(a + s) - mp.loggamma(2 * a + s) - mp.loggamma(a) + mp.loggamma(2 * a)
    return s * drift - log_ratio, s * (mp.psi(1, a + s) - mp.psi(1, 2 * a + s))


def exact(family, dim, kappa):
    """KL and dKL / dkappa; beyond 1e9, where the series is long, from the asymptotic law of 1 - cos theta."""
    if family is PowerSphericalAngle:
        with mp.workdps(100 if kappa < 1e30 else 700):
            return exact_power_spherical(dim, kappa)
    if kappa < 1e9:
        value = reference(dim, kappa)
        return value.kl, value.kl_slope
    a, s = mpf(dim - 1) / 2, mpf(kappa)
    log_area = mp.log(2) + mpf(dim) / 2 * mp.log(mp.pi) - mp.loggamma(mpf(dim) / 2)
    # log C e^kappa = a log(kappa / (2 pi)) + (4 v^2 - 1) / (8 kappa), v = m / 2 - 1; kappa (1 - A) = a + ... / kappa.
    order = (mpf(dim) / 2 - 1) ** 2 * 4 - 1
    return a * mp.log(s / (2 * mp.pi)) + log_area - a + order / (4 * s), a / s - order / (4 * s * s)


def worst(family, dim, kappa):
    """Largest relative error of the value and of the slope, absolute where they vanish."""
    errors = [0.0, 0.0]
    for part, got in enumerate(tabulated_kl(kappa, family, dim)):
        for value, k in zip(got.tolist(), kappa.tolist(), strict=True):
            expected = exact(family, dim, k)[part]
            error = float(abs(value - expected) / (abs(expected) or 1))
            # What lies below the normal numbers has an absolute error.
            if abs(expected) > torch.finfo(kappa.dtype).tiny or expected == 0:
                errors[part] = max(errors[part], error)
    return errors


@pytest.mark.slow
@DTYPES
@FAMILIES
@pytest.mark.parametrize("dim", DIMS)
def test_accuracy(family, dim, dtype):
    """In every cell of the grid; measured: 3.7e-7 in float32; 1.6e-14 in float64, 5.4e-12 for Power Spherical."""
    errors = worst(family, dim, torch.tensor(CONCENTRATIONS, dtype=dtype))
    assert max(errors) < tolerance(family, dtype)


@DTYPES
@FAMILIES
@pytest.mark.parametrize("dim", [2, 3, 4, 16, 64, 1000])
def test_huge_concentrations(family, dim, dtype):
    """Up to the largest float32, against the asymptotic form."""
    largest = [3e38] if dtype == torch.float32 else [1e100, 1e300]
    kappa = torch.tensor([1e10, 1e20, 1e30, *largest], dtype=dtype)
    errors = worst(family, dim, kappa)
    assert max(errors) < tolerance(family, dtype)


@DTYPES
@FAMILIES
@pytest.mark.parametrize("dim", [2, 3, 16, 257])
def test_continuous_across_cell_borders(family, dim, dtype):
    """Just below and just above each border, both parts agree to the table's error and the rounding of kappa."""
    table = kl_table(family, dim, dtype, CPU)
    border = torch.arange(1, len(table.cells), dtype=torch.float64) / table.density.double()
    t = 2 * border / ((1 - border) * (1 + border))
    eps = torch.finfo(dtype).eps
    kappa = (t / table.scale.double()).to(dtype)
    below, above = (tabulated_kl(kappa * (1 + sign * 2 * eps), family, dim) for sign in (-1, 1))
    for before, after in zip(below, above, strict=True):
        assert (after / before - 1).abs().max() < 1.5 * tolerance(family, dtype)


@DTYPES
@FAMILIES
@pytest.mark.parametrize("dim", [2, 3, 8, 64, 1000])
def test_derivative_of_the_value_is_the_slope(family, dim, dtype):
    """By autograd through the polynomials; relative to the slope, and finite at the extremes with the next one."""
    points = [1e-3, 0.1, 0.7, 3.3, 21.0, 57.0, 333.0, 1e4, 1e6]
    kappa = torch.tensor([0.0, 1e-30, *points, 1e30], dtype=dtype).requires_grad_()
    value, slope = tabulated_kl(kappa, family, dim)
    (first,) = torch.autograd.grad(value.sum(), kappa, retain_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), kappa)
    assert first.isfinite().all()
    assert second.isfinite().all()
    error = (first / slope - 1).abs()[2:-1]
    assert error.max() < (1e-5 if dtype == torch.float32 else 1e-9)


@DTYPES
@FAMILIES
def test_increases(family, dtype):
    """From exactly 0 on, beyond rounding."""
    kappa = torch.cat([torch.zeros(1, dtype=dtype), torch.logspace(-8, 8, 400, dtype=torch.float64).to(dtype)])
    value, slope = tabulated_kl(kappa, family, 8)
    assert (value[0], slope[0]) == (0, 0)
    assert (value.diff() > 0).all()
    assert (slope[1:] > 0).all()


@DTYPES
def test_nan_stays_where_it_is(dtype):
    for part in tabulated_kl(torch.tensor([0.0, math.nan, 3.0], dtype=dtype), VonMisesFisherAngle, 5):
        assert part.isnan().tolist() == [False, True, False]


@DTYPES
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)], ids=str)
def test_shape(shape, dtype):
    """And the argument is left as it was."""
    kappa = (
        torch.linspace(0, 5, math.prod(shape), dtype=dtype).reshape(shape[::-1]).permute(tuple(range(len(shape)))[::-1])
    )
    before = kappa.clone()
    parts = tabulated_kl(kappa, VonMisesFisherAngle, 5)
    for part, flat in zip(parts, tabulated_kl(kappa.reshape(-1), VonMisesFisherAngle, 5), strict=True):
        assert (part.shape, part.dtype, part.requires_grad) == (shape, dtype, False)
        assert torch.equal(part.reshape(-1), flat)
    assert torch.equal(kappa, before)


def test_built_once():
    first = kl_table(VonMisesFisherAngle, 5, torch.float32, CPU)
    assert kl_table(VonMisesFisherAngle, 5, torch.float32, CPU) is first
    assert kl_table(PowerSphericalAngle, 5, torch.float32, CPU) is not first


def test_default_device_plays_no_part():
    """Tables are made on the CPU, whatever torch.set_default_device says; meta stands for a GPU."""
    loc, kappa = torch.eye(78)[0], torch.tensor(3.0)
    uniform = HypersphericalUniform(78)
    for law in (VonMisesFisher, PowerSpherical):
        with torch.device("meta"):
            value = kl_divergence(law(loc, kappa), uniform), kl_divergence(uniform, law(loc, kappa))
        _build.cache_clear()
        assert value == (kl_divergence(law(loc, kappa), uniform), kl_divergence(uniform, law(loc, kappa)))
