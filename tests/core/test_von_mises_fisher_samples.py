"""Samples of the whole law: where they fall, and their gradients.

The law of the angle and of the tangent direction are tested apart, in test_marginal.py and test_tangent.py, and
with the same threshold: about 200 Kolmogorov-Smirnov tests, fixed seeds, each p > 1e-4.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from spherical_gae.core import VonMisesFisher
from tests.helpers.angle_law import AngleLaw
from tests.helpers.places import DTYPES, PLACES, direction, seeded
from tests.helpers.reference import reference

# Long statistical tests; the contract has quick ones of the same kinds.
pytestmark = pytest.mark.slow


@DTYPES
@PLACES
@pytest.mark.parametrize(
    ("dim", "size"), [(2, 20_000), (3, 20_000), (5, 20_000), (16, 20_000), (128, 5000), (1000, 1000)]
)
def test_angle_to_the_mean_direction(dim, size, place, dtype):
    """tan(theta / 2) = |z - mu| / |z + mu| keeps the digits that mu.z loses."""
    loc = direction(place, dim, dtype)
    for seed, concentration in enumerate((0.0, 1.0, 60.0, 1e4, 1e6)):
        sample = VonMisesFisher(loc, concentration).rsample((size,), seeded(seed))
        assert (sample.norm(dim=-1) - 1).abs().max() < 1e-6
        far, near = ((sample.double() - sign * loc.double()).norm(dim=-1).numpy() for sign in (-1, 1))
        law = AngleLaw(dim, concentration)
        assert stats.kstest(np.log(np.maximum(near, 1e-12) / far), law.cdf).pvalue > 1e-4, concentration


@DTYPES
@PLACES
@pytest.mark.parametrize("dim", [2, 3, 8, 1000, 65536])
@pytest.mark.parametrize("concentration", [0.0, 2e-45, 1e-30, 1.0, 1e10, 1e30])
def test_samples_and_gradients_at_the_extremes(dim, concentration, place, dtype):
    """Norms are 1 and the gradients in both parameters finite, and bounded as a rotation's is."""
    size = 100 if dim < 65536 else 2
    loc = direction(place, dim, dtype).expand(size, dim).clone().requires_grad_()
    kappa = torch.full((size,), concentration, dtype=dtype, requires_grad=True)
    weights = direction("random", dim, dtype)
    sample = VonMisesFisher(loc, kappa).rsample((), seeded())
    assert (sample.norm(dim=-1) - 1).abs().max() < 1e-6
    of_loc, of_kappa = torch.autograd.grad((sample @ weights).sum(), (loc, kappa))
    assert of_kappa.isfinite().all()
    assert of_loc.norm(dim=-1).max() < 3


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.5, 20.0, 1e3])
def test_gradient_in_the_mean_direction(dim, kappa, dtype):
    """Of E[a.z] = A a.mu and E[(a.z)^2] = A / kappa |a|^2 + (1 - m A / kappa) (a.mu)^2, within 5 standard errors."""
    size = 20_000
    raw = direction("random", dim, dtype).expand(size, dim).clone().requires_grad_()
    loc = torch.nn.functional.normalize(raw, dim=-1)
    a = torch.ones(dim, dtype=dtype)
    height = VonMisesFisher(loc, kappa).rsample((), seeded()) @ a
    mu = loc[0].detach()
    length = float(reference(dim, kappa).mean_resultant_length)
    tangent_part = a - (a @ mu) * mu
    slopes = {height: length, height**2: 2 * (1 - dim * length / kappa) * (a @ mu).item()}
    for value, slope in slopes.items():
        (gradient,) = torch.autograd.grad(value.sum(), raw, retain_graph=True)
        error = gradient.std(0) / math.sqrt(size)
        assert ((gradient.mean(0) - slope * tangent_part).abs() < 5 * error + 1e-6).all()


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.0, 0.5, 20.0, 1e3])
def test_gradient_in_the_concentration(dim, kappa, dtype):
    """The mean of d(mu.z) / dkappa is A' and of its derivative A'', within 5 standard errors."""
    size = 10_000
    loc = direction("random", dim, dtype)
    leaf = torch.full((size,), kappa, dtype=dtype, requires_grad=True)
    height = VonMisesFisher(loc, leaf).rsample((), seeded()) @ loc
    (first,) = torch.autograd.grad(height.sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    exact = reference(dim, kappa)
    length, slope = float(exact.mean_resultant_length), float(exact.slope)
    curvature = -2 * length * slope - (dim - 1) * (slope - length / kappa) / kappa if kappa else 0.0
    for gradient, expected in ((first, slope), (second, curvature)):
        error = gradient.std().item() / math.sqrt(size)
        assert abs(gradient.mean().item() - expected) < 5 * error


@DTYPES
@pytest.mark.parametrize(("dim", "size"), [(3, 20_000), (16, 20_000), (128, 5000)])
@pytest.mark.parametrize("concentration", [0.0, 3.0, 200.0])
def test_exact_sampler_follows_the_same_law(dim, size, concentration, dtype):
    """With the same gradient in the concentration, within 5 standard errors of the difference."""
    loc = direction("random", dim, dtype)
    kappa = torch.full((size,), concentration, dtype=dtype, requires_grad=True)
    gradients = []
    for sampler in ("exact", "tabulated"):
        sample = VonMisesFisher(loc, kappa, sampler=sampler).rsample((), seeded())
        far, near = ((sample.detach().double() - sign * loc.double()).norm(dim=-1).numpy() for sign in (-1, 1))
        assert stats.kstest(np.log(near / far), AngleLaw(dim, concentration).cdf).pvalue > 1e-4
        gradients.append(torch.autograd.grad((sample @ loc).sum(), kappa)[0])
    error = math.hypot(*(g.std().item() for g in gradients)) / math.sqrt(size)
    assert abs(gradients[0].mean() - gradients[1].mean()) < 5 * error


def test_samplers_differ_and_are_kept_by_expand():
    loc = direction("random", 8)
    drawn = {}
    for sampler in ("exact", "tabulated"):
        law = VonMisesFisher(loc, 3.0, sampler=sampler)
        assert law.expand((5,)).sampler == law.sampler == sampler
        drawn[sampler] = law.sample((5,), seeded())
        assert torch.equal(law.expand((5,)).sample((), seeded()), drawn[sampler])
    assert not torch.equal(drawn["exact"], drawn["tabulated"])
