"""Samples of the Power Spherical law against the beta law of their angle, and their gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.autograd import gradgradcheck
from torch.distributions import kl_divergence

from spherical_gae.core import HypersphericalUniform, PowerSpherical
from tests.helpers.places import DTYPES, PLACES, direction, directions, seeded, tensor

# Long statistical tests; the contract has quick ones of the same kinds.
pytestmark = pytest.mark.slow


@DTYPES
@PLACES
@pytest.mark.parametrize(
    ("dim", "size"), [(2, 20_000), (3, 20_000), (5, 20_000), (16, 20_000), (128, 5000), (1000, 1000)]
)
def test_angle_to_the_mean_direction(dim, size, place, dtype):
    """tan^2(theta / 2) = (1 - mu.z) / (1 + mu.z) is a ratio of gamma variates; its distances keep their digits."""
    loc, beta = direction(place, dim, dtype), 0.5 * (dim - 1)
    for seed, concentration in enumerate((0.0, 1.0, 60.0, 1e4)):
        sample = PowerSpherical(loc, concentration).rsample((size,), seeded(seed))
        assert (sample.norm(dim=-1) - 1).abs().max() < 1e-6
        far, near = ((sample.double() - sign * loc.double()).norm(dim=-1).numpy() for sign in (-1, 1))
        law = stats.betaprime(beta, beta + concentration)
        assert stats.kstest((near / np.maximum(far, 1e-12)) ** 2, law.cdf).pvalue > 1e-4, concentration


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.0, 0.5, 20.0, 1e3])
def test_gradient_in_the_concentration(dim, kappa, dtype):
    """The means of d(mu.z) / dkappa and of its derivative are those of kappa / (kappa + m - 1), within 5 se."""
    size = 10_000
    loc = direction("random", dim, dtype)
    leaf = torch.full((size,), kappa, dtype=dtype, requires_grad=True)
    height = PowerSpherical(loc, leaf).rsample((), seeded()) @ loc
    (first,) = torch.autograd.grad(height.sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    total = kappa + dim - 1
    for gradient, expected in ((first, (dim - 1) / total**2), (second, -2 * (dim - 1) / total**3)):
        error = gradient.std().item() / math.sqrt(size)
        assert abs(gradient.mean().item() - expected) < 5 * error


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.5, 20.0, 1e3])
def test_gradient_in_the_mean_direction(dim, kappa, dtype):
    """Of E[a.z] = A a.mu and E[(a.z)^2] = v |a|^2 + (E[(mu.z)^2] - v) (a.mu)^2, v that across, within 5 se."""
    size = 20_000
    raw = direction("random", dim, dtype).expand(size, dim).clone().requires_grad_()
    a = torch.ones(dim, dtype=dtype)
    height = PowerSpherical(torch.nn.functional.normalize(raw, dim=-1), kappa).rsample((), seeded()) @ a
    mu = raw[0].detach()
    tangent_part = a - (a @ mu) * mu
    beta = 0.5 * (dim - 1)
    alpha = beta + kappa
    length, square = kappa / (alpha + beta), stats.beta(alpha, beta).expect(lambda u: (2 * u - 1) ** 2)
    slopes = {height: length, height**2: 2 * (square - (1 - square) / (dim - 1)) * (a @ mu).item()}
    for value, slope in slopes.items():
        (gradient,) = torch.autograd.grad(value.sum(), raw, retain_graph=True)
        error = gradient.std(0) / math.sqrt(size)
        assert ((gradient.mean(0) - slope * tangent_part).abs() < 5 * error + 1e-6).all()


@pytest.mark.parametrize("dim", [2, 3, 5, 16, 64, 257])
def test_second_derivative_of_samples_in_the_concentration(dim):
    """The gradient's own derivative at fixed random numbers; on the circle, where a tangent is one, in loc as well."""
    raw, kappa = directions(2, dim), tensor([0.4, 30.0]).requires_grad_()
    weights = directions(3, dim, seed=2).T

    def sample(raw, kappa):
        loc = torch.nn.functional.normalize(raw, dim=-1)
        return PowerSpherical(loc, kappa, validate_args=False).rsample((), seeded()) @ weights

    assert gradgradcheck(lambda kappa: sample(raw, kappa), (kappa,))
    if dim == 2:
        assert gradgradcheck(sample, (raw.clone().requires_grad_(), kappa))


@pytest.mark.parametrize("dim", [2, 3, 5, 16, 64])
@pytest.mark.parametrize("kappa", [0.5, 20.0])
def test_second_derivatives_of_samples_in_both(dim, kappa):
    """Of E[a.z] = A a.raw / |raw| along a fixed change of raw, and mixed, within 5 standard errors."""
    size, (start, a, change) = 20_000, directions(3, dim)
    raw = start.expand(size, dim).clone().requires_grad_()
    leaf = torch.full((size,), kappa, dtype=torch.float64, requires_grad=True)
    height = PowerSpherical(torch.nn.functional.normalize(raw, dim=-1), leaf).rsample((), seeded()) @ a
    (of_raw,) = torch.autograd.grad(height.sum(), raw, create_graph=True)
    second, mixed = torch.autograd.grad((of_raw @ change).sum(), (raw, leaf))
    along, total = change @ start, kappa + dim - 1
    first = a @ change - (a @ start) * along
    # Of a.raw / |raw|: twice the product of the first-order changes, and a.mu times that of 1 / |raw|.
    bend = -2 * along * (a @ change) + (a @ start) * (3 * along**2 - 1)
    for got, expected in ((second @ change, kappa / total * bend), (mixed, (dim - 1) / total**2 * first)):
        assert (got.mean() - expected).abs() < 5 * got.std() / math.sqrt(size)


@DTYPES
@PLACES
@pytest.mark.parametrize("dim", [2, 3, 8, 1000])
@pytest.mark.parametrize("concentration", [0.0, 1e-30, 1.0, 1e10, 1e30])
def test_samples_and_gradients_at_the_extremes(dim, concentration, place, dtype):
    """Norms are 1, and gradients finite: those of samples bounded as a rotation's, those of the density besides."""
    loc = direction(place, dim, dtype).expand(100, dim).clone().requires_grad_()
    kappa = torch.full((100,), concentration, dtype=dtype, requires_grad=True)
    law = PowerSpherical(loc, kappa)
    sample = law.rsample((), seeded())
    assert (sample.norm(dim=-1) - 1).abs().max() < 1e-6
    of_loc, of_kappa = torch.autograd.grad((sample @ direction("random", dim, dtype)).sum(), (loc, kappa))
    assert of_kappa.isfinite().all()
    assert of_loc.norm(dim=-1).max() < 3
    values = law.log_prob(sample.detach()), law.entropy(), kl_divergence(law, HypersphericalUniform(dim, dtype=dtype))
    for value in values:
        (slope,) = torch.autograd.grad(value.sum(), kappa, retain_graph=True)
        assert value.isfinite().all()
        assert slope.isfinite().all()
    assert law.variance.isfinite().all()
