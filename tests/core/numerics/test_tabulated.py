"""Samples from the table: on the sphere, with both derivatives, their angle and tangent independent."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import special, stats
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import normalize

from spherical_gae.core import VonMisesFisher
from spherical_gae.core.numerics import tabulated
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, SphericalCauchyAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.angle_table import tabulated_angle
from spherical_gae.core.numerics.tabulated import sample_tabulated
from tests.helpers.places import DTYPES, PLACES, direction, seeded

FAMILIES = pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle, SphericalCauchyAngle])
# On both sides of the dimension up to which the tangent is projected explicitly.
DIMS = pytest.mark.parametrize(
    "dim", [3, 9, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (4, 5, 8, 16, 64, 257))]
)


def sample(loc, kappa, family=VonMisesFisherAngle, seed=0):
    """With the same noise at every call."""
    return sample_tabulated(loc, kappa, family, seeded(seed))


@pytest.mark.slow
@DTYPES
@FAMILIES
@PLACES
@pytest.mark.parametrize("dim", [3, 4, 8, 9, 11, 64, 1000])
def test_on_the_sphere(dim, place, family, dtype):
    size = 1000
    loc = direction(place, dim, dtype).expand(size, dim)
    for concentration in (0.0, 1e-3, 3.0, 100.0, 1e6, 1e30):
        z = sample(loc, torch.full((size,), concentration, dtype=dtype), family)
        tolerance = 1e-6 if dtype == torch.float32 else 1e-13
        assert (z.norm(dim=-1) - 1).abs().max() < tolerance, concentration


@FAMILIES
@DIMS
def test_derivatives_in_the_concentration(dim, family):
    """Of first and second order, against differences with the noise held."""
    loc = direction("random", dim).expand(3, dim)
    kappa = torch.tensor([0.3, 5.0, 80.0], dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda k: sample(loc, k, family), kappa)
    assert gradgradcheck(lambda k: sample(loc, k, family), kappa, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("dim", [3, 5, 16, 64])
def test_derivatives_of_the_law_in_the_concentration(dim):
    """Where the sample is a smooth transform of fixed noise: on the circle a proposal may be taken or not."""
    loc = direction("random", dim).expand(3, dim)
    kappa = torch.tensor([0.3, 5.0, 80.0], dtype=torch.float64, requires_grad=True)

    def rsample(k):
        return VonMisesFisher(loc, k, validate_args=False).rsample((), seeded())

    assert gradcheck(rsample, kappa)
    assert gradgradcheck(rsample, kappa, rtol=2e-3, atol=1e-6)


def rotated(vector, start, end):
    """The smallest rotation from start to end: I + K + K^2 / (1 + c) with K = end start' - start end'."""

    def turn(v):
        return end * (start * v).sum(-1, keepdim=True) - start * (end * v).sum(-1, keepdim=True)

    once = turn(vector)
    return vector + once + turn(once) / (1 + (start * end).sum(-1, keepdim=True))


@DIMS
def test_derivatives_in_the_mean_direction(dim):
    """Both orders, and mixed with the concentration's, are those of a rotation of the whole sample.

    Differences with the noise held would see its projection move instead.  Of second order along one direction:
    the transport of a tangent around a loop turns it, so that between two directions the sample's second derivative
    is symmetric only in the mean.
    """
    start = direction("random", dim).expand(3, dim)
    kappa = torch.tensor([0.3, 5.0, 80.0], dtype=torch.float64, requires_grad=True)
    raw = (2 * start).clone().requires_grad_()
    weights = torch.randn(3, 3, dim, dtype=torch.float64, generator=seeded(1))
    score = torch.randn(3, dtype=torch.float64, generator=seeded())
    fixed = sample(start, kappa.detach())
    tangent = normalize(fixed - (fixed * start).sum(-1, keepdim=True) * start, dim=-1)

    def by_rotation(loc):
        angle = tabulated_angle(kappa, score, VonMisesFisherAngle, dim)
        at_start = angle.cosine.unsqueeze(-1) * start + angle.sine.unsqueeze(-1) * tangent
        return rotated(at_start, start, loc)

    results = []
    for draw in (lambda loc: sample(loc, kappa), by_rotation):
        z = draw(normalize(raw, dim=-1))
        loss = ((z * weights[0]).sum(-1) + (z * weights[1]).sum(-1) ** 2).sum()
        first = torch.autograd.grad(loss, (raw, kappa), create_graph=True)
        of_raw, of_kappa = (first[0] * weights[2]).sum(), first[1].sum()
        along, mixed = torch.autograd.grad(of_raw, (raw, kappa), retain_graph=True)
        second = (along * weights[2]).sum(-1), mixed, *torch.autograd.grad(of_kappa, (raw, kappa))
        results.append((z.detach(), *(f.detach() for f in first), *second))
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-10)


@DIMS
def test_gradient_without_and_with_a_graph(dim):
    """The quick formula and the one that can be derived again are the same."""
    loc = direction("random", dim).expand(50, dim).clone().requires_grad_()
    kappa = torch.linspace(0, 50, 50, dtype=torch.float64).requires_grad_()
    loss = (sample(loc, kappa) * direction("near_e1", dim)).sum()
    quick = torch.autograd.grad(loss, (loc, kappa), retain_graph=True)
    slow = torch.autograd.grad(loss, (loc, kappa), create_graph=True)
    # Along loc, the gradient has no meaning.
    quick, slow = ((g - (g * loc).sum(-1, keepdim=True) * loc, k) for g, k in (quick, slow))
    torch.testing.assert_close(quick, slow, rtol=1e-10, atol=1e-12)


@PLACES
@pytest.mark.parametrize("dim", [3, 4, 8, 9, 64])
def test_tangent_is_uniform_and_independent_of_the_angle(dim, place):
    """A coordinate w of it has (1 + w) / 2 ~ Beta((m - 2) / 2, (m - 2) / 2)."""
    size, shape = 20_000, (dim - 2) / 2
    loc = direction(place, dim)
    z = sample(loc.expand(size, dim), torch.full((size,), 3.0, dtype=torch.float64))
    cosine = z @ loc
    tangent = normalize(z - cosine.unsqueeze(-1) * loc, dim=-1)
    probe = direction("random", dim + 1)[:dim]
    probe = normalize(probe - (probe @ loc) * loc, dim=0)
    height = tangent @ probe
    p = stats.ks_1samp(height.numpy(), lambda w: special.betainc(shape, shape, (1 + w) / 2)).pvalue
    assert p > 1e-4
    for part in (height, height.square()):
        for of_angle in (cosine, cosine.square()):
            correlation = torch.corrcoef(torch.stack((part, of_angle)))[0, 1]
            assert abs(correlation) < 5 / math.sqrt(size)


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@pytest.mark.parametrize("dim", [5, 16])
def test_vmap(dim):
    """Over laws, each with its own noise."""
    loc = direction("random", dim).expand(7, dim)
    kappa = torch.linspace(0.1, 9, 7, dtype=torch.float64)

    def height(mean, k):
        return (sample_tabulated(mean, k, VonMisesFisherAngle) * mean).sum(-1)

    cosine = torch.vmap(height, randomness="different")(loc, kappa)
    assert cosine.shape == (7,)
    assert len(cosine.unique()) == 7
    slope = torch.vmap(torch.func.grad(height, argnums=1), randomness="different")(loc, kappa)
    assert (slope > 0).all()


@pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle], ids=lambda family: family.__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("dim", [3, 8, 9, 16, 32])
@pytest.mark.parametrize("traced", [False, True])
def test_mean_directions_drawn_from_the_seed_of_the_samples(family, dtype, dim, traced, monkeypatch):
    """Then the noise is parallel to them.  Above 8 dimensions samples were once NaN, or of norm 0."""
    if traced:
        monkeypatch.setattr(tabulated, "is_traced", lambda _: True)
    generator = seeded(0)
    kappa = torch.randn(16, generator=generator, dtype=dtype).exp()
    loc = torch.nn.functional.normalize(torch.randn(16, dim, generator=generator, dtype=dtype), dim=-1)
    z = sample_tabulated(loc, kappa, family, seeded(0))
    # In few dimensions what is left of the noise is rounding alone.
    error = 1e-4 if dim <= 8 else 1e-5
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(16, dtype=dtype), rtol=0, atol=error)
    score = torch.randn(16, generator=seeded(0), dtype=dtype)
    cosine = tabulated_angle(kappa, score, family, dim).cosine
    torch.testing.assert_close((z * loc).sum(-1), cosine, rtol=0, atol=1e-5)
