"""Moments of a projected normal vector against quadrature, and where scales differ by orders of magnitude."""

from __future__ import annotations

import math

import pytest
import torch

from spherical_gae.core import ProjectedNormal
from spherical_gae.core.numerics.projected_moments import projected_mean, projected_second_moment
from tests.helpers.places import seeded
from tests.helpers.sphere_quadrature import circle, sphere


@pytest.mark.parametrize("dim", [2, 3])
def test_moments_are_those_of_the_density(dim: int) -> None:
    loc = 2 * torch.randn(5, dim, dtype=torch.float64, generator=seeded(0))
    scale = torch.rand(5, dim, dtype=torch.float64, generator=seeded(1)) + 0.4
    x, weight = circle(3000) if dim == 2 else sphere(150)
    mass = weight.unsqueeze(1) * ProjectedNormal(loc, scale).log_prob(x.unsqueeze(1)).exp()
    mean = torch.einsum("nb,ni->bi", mass, x)
    torch.testing.assert_close(projected_mean(loc, scale), mean, rtol=0, atol=1e-11)
    second = torch.einsum("nb,ni,nj->bij", mass, x, x)
    torch.testing.assert_close(projected_second_moment(loc, scale), second, rtol=0, atol=1e-11)


def test_closed_forms_without_a_mean() -> None:
    """On the circle E[z_1^2] = s_1 / (s_1 + s_2) for mu = 0, over twelve orders of magnitude."""
    ratio = torch.logspace(-6, 6, 13, dtype=torch.float64)
    scale = torch.stack([ratio, torch.ones_like(ratio)], -1)
    second = projected_second_moment(torch.zeros_like(scale), scale)
    torch.testing.assert_close(second[:, 0, 0], ratio / (ratio + 1), rtol=0, atol=1e-12)
    torch.testing.assert_close(second[:, 1, 1], 1 / (ratio + 1), rtol=0, atol=1e-12)
    assert not projected_mean(torch.zeros_like(scale), scale).any()


def test_closed_form_of_the_mean_on_the_sphere() -> None:
    """m = 3, one scale: E[z.mu] / |mu| = (1 - 1 / eta^2) erf(eta / sqrt 2) + sqrt(2 / pi) exp(-eta^2 / 2) / eta."""
    for eta in (0.1, 1.0, 5.0, 40.0):
        loc = torch.tensor([0.0, eta, 0.0], dtype=torch.float64)
        edge = math.sqrt(2 / math.pi) * math.exp(-0.5 * eta * eta) / eta
        expected = (1 - 1 / eta**2) * math.erf(eta / math.sqrt(2)) + edge
        found = projected_mean(loc, torch.ones_like(loc))
        torch.testing.assert_close(found, torch.tensor([0.0, expected, 0.0], dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [1e-2, 1e-3, 1e-4, 1e-6])
def test_small_variances_keep_their_digits_in_float32(size: float) -> None:
    """Of small scales z - E[z] is the noise across mu, over |mu|."""
    loc, spread = torch.tensor([1.0, 0.5, -0.3, 0.2]), torch.tensor([1.0, 0.5, 2.0, 1.0])
    law = ProjectedNormal(loc, size * spread)
    unit = (loc / loc.norm()).double()
    across = torch.eye(4, dtype=torch.float64) - unit[:, None] * unit
    noise = size * spread.double() / loc.double().norm()
    expected = across @ torch.diag(noise.square()) @ across
    tolerance = max(50 * size**2, 1e-5) * float(expected.diagonal().max())
    if size > 1e-6:
        torch.testing.assert_close(law.covariance_matrix.double(), expected, rtol=0, atol=tolerance)
    assert bool((law.variance >= 0).all())
