"""E[log((1 + nu.x) / 2)] against mpmath: the angle's density has a closed form, a Bessel or a Gauss function."""

import math
from collections.abc import Callable
from functools import cache

import pytest
import torch
from mpmath import mp, mpf
from torch import Tensor

from spherical_gae.core.numerics.expected_log import expected_log_share

Density = Callable[[mpf, mpf, mpf, int], mpf]
FAMILIES = pytest.mark.parametrize("family", ["VonMisesFisher", "PowerSpherical"])
DIMS = pytest.mark.parametrize("dim", [2, 3, 5, 16])


def von_mises_fisher(kappa: mpf, theta: mpf, delta: mpf, dim: int) -> mpf:
    """Log of the mean density at an angle theta to nu, over the directions around nu; up to a constant."""
    across = kappa * mp.sin(theta) * mp.sin(delta)
    return kappa * (mp.cos(theta) * mp.cos(delta) - 1) + mp.log(mp.hyp0f1(mpf(dim - 1) / 2, across**2 / 4))


def power_spherical(kappa: mpf, theta: mpf, delta: mpf, dim: int) -> mpf:
    near, far = (mp.cos((theta + sign * delta) / 2) ** 2 for sign in (-1, 1))
    share = ((near - far) / (near + far)) ** 2
    spread = mp.hyp2f1(-kappa / 2, (1 - kappa) / 2, mpf(dim - 1) / 2, share)
    return kappa * mp.log((near + far) / 2) + mp.log(spread)


DENSITIES: dict[str, Density] = {"VonMisesFisher": von_mises_fisher, "PowerSpherical": power_spherical}


@mp.workdps(30)
def exact(kappa: float, angle: float, dim: int, family: str) -> mpf:
    """The mean by an integral over the angle, in parts about its peak."""

    def log_mass(theta: mpf) -> mpf:
        return DENSITIES[family](mpf(kappa), theta, mpf(angle), dim) + (dim - 2) * mp.log(mp.sin(theta))

    grid = [mp.pi * (mp.tanh(mpf(k) / 8) + 1) / 2 for k in range(-60, 61, 3)]
    peak = max(grid, key=log_mass)
    step = min(peak, mp.pi - peak) / 3
    for _ in range(20):
        peak, step = max((peak + k * step for k in (-1, 0, 1)), key=log_mass), step / 2
    height, width = log_mass(peak), 1 / mp.sqrt(mpf(kappa) + dim)
    # The density of a Power Spherical distribution is not smooth at the antipode of its mean.
    ends = {
        mpf(0),
        mp.pi,
        mp.pi - mpf(angle),
        *(peak + sign * k * width for sign in (-1, 1) for k in (0, 1, 2, 4, 7, 12, 30)),
    }
    ends = sorted(end for end in ends if 0 <= end <= mp.pi)

    @cache
    def mass(theta: mpf) -> mpf:
        return mp.exp(log_mass(theta) - height)

    total = mp.quad(mass, ends)
    return mp.quad(lambda theta: mass(theta) * 2 * mp.log(mp.cos(theta / 2)), ends) / total


def both(kappa: float, angle: float) -> tuple[Tensor, Tensor]:
    return torch.tensor(kappa, dtype=torch.float64), torch.tensor(angle, dtype=torch.float64)


@FAMILIES
@DIMS
@pytest.mark.parametrize(("kappa", "angle"), [(0.3, 0.4), (3.0, 0.0)])
def test_values(family: str, dim: int, kappa: float, angle: float) -> None:
    """Of a few concentrations in few dimensions, PowerSpherical was once wrong by up to 5e-4."""
    found = expected_log_share(*both(kappa, angle), dim, family)
    assert abs(found.item() - exact(kappa, angle, dim, family)) < 1e-11
    single = expected_log_share(*(x.float() for x in both(kappa, angle)), dim, family)
    assert single.item() == pytest.approx(found.item(), rel=1e-6)


@pytest.mark.slow
@FAMILIES
@DIMS
@pytest.mark.parametrize("kappa", [1e-3, 0.1, 1.0, 40.0, 3e3])
@pytest.mark.parametrize("angle", [1e-3, 2.2, math.pi])
def test_more_values(family: str, dim: int, kappa: float, angle: float) -> None:
    found = expected_log_share(*both(kappa, angle), dim, family)
    assert abs(found.item() - exact(kappa, angle, dim, family)) < 1e-11


@pytest.mark.slow
@FAMILIES
@DIMS
def test_derivatives(family: str, dim: int) -> None:
    """Slopes in both arguments and their slopes, against differences of the exact mean."""
    kappa, angle, step = 0.3, 2.2, mpf("1e-4")

    def at(i: int, j: int) -> mpf:
        return exact(kappa + i * step, angle + j * step, dim, family)

    values = {(i, j): at(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    slopes = [(values[p] - values[q]) / (2 * step) for p, q in (((1, 0), (-1, 0)), ((0, 1), (0, -1)))]
    bends = [(values[p] + values[q] - 2 * values[0, 0]) / step**2 for p, q in (((1, 0), (-1, 0)), ((0, 1), (0, -1)))]
    mixed = (values[1, 1] - values[1, -1] - values[-1, 1] + values[-1, -1]) / (4 * step**2)
    leaf = [x.requires_grad_() for x in both(kappa, angle)]
    first = torch.autograd.grad(expected_log_share(leaf[0], leaf[1], dim, family), leaf, create_graph=True)
    second = [torch.autograd.grad(slope, leaf, retain_graph=True) for slope in first]
    for found, expected in zip(first, slopes, strict=True):
        assert abs(found.item() - expected) < 1e-7
    for found, expected in ((second[0][0], bends[0]), (second[1][1], bends[1]), (second[0][1], mixed)):
        assert abs(found.item() - expected) < 1e-6


@pytest.mark.parametrize("dim", [2, 3, 5, 16, 257])
@pytest.mark.parametrize("kappa", [0.0, 1e-6, 0.1, 7.0, 1e4, 1e7, 1e10])
def test_power_spherical_on_its_axis(dim: int, kappa: float) -> None:
    """At angles 0 and pi the mean is that of log B and of log(1 - B), B of Beta(kappa + beta, beta)."""
    beta = mpf(dim - 1) / 2
    found = expected_log_share(*both([kappa, kappa], [0.0, math.pi]), dim, "PowerSpherical").tolist()
    whole = mp.digamma(kappa + 2 * beta)
    assert abs(found[0] - (mp.digamma(kappa + beta) - whole)) < 3e-11
    assert abs(found[1] - (mp.digamma(beta) - whole)) < 3e-11


@pytest.mark.parametrize("dim", [2, 4, 9, 15, 16, 33, 64, 257, 1001, 4001])
def test_without_a_concentration_the_angle_does_not_matter(dim: int) -> None:
    """In many dimensions, where angles are near pi / 2, PowerSpherical was once wrong by up to 5e-5."""
    angle = torch.linspace(0.02, 3.12, 12, dtype=torch.float64).requires_grad_()
    beta = mpf(dim - 1) / 2
    for family in ("VonMisesFisher", "PowerSpherical"):
        found = expected_log_share(torch.zeros_like(angle), angle, dim, family)
        assert (found - float(mp.digamma(beta) - mp.digamma(2 * beta))).abs().max() < 3e-11
        (slope,) = torch.autograd.grad(found.sum(), angle)
        assert slope.abs().max() < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("kappa", [6.0, 64.0, 320.0])
@pytest.mark.parametrize("angle", [1.22, 1.7])
def test_values_in_many_dimensions(kappa: float, angle: float) -> None:
    found = expected_log_share(*both(kappa, angle), 64, "PowerSpherical")
    assert abs(found.item() - exact(kappa, angle, 64, "PowerSpherical")) < 3e-11
