"""Tangent directions at every kind of mean direction: on an axis, opposite, close to one, and random."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from spherical_gae.core.numerics.tangent import random_point_at_angle, tangent_direction
from tests.helpers.places import DTYPES, PLACES, direction, seeded

SIZE = 50_000


@DTYPES
@PLACES
@pytest.mark.parametrize("dim", [2, 3, 4, 8, 9, 64, 1000])
def test_orthonormal_to_the_mean(dim, place, dtype):
    """Even of 50,000 draws the one closest to the mean direction keeps its right angle to rounding."""
    loc = direction(place, dim, dtype)
    size = SIZE if dim < 10 else 2000
    tangent = tangent_direction(loc.expand(size, dim), seeded())
    eps = torch.finfo(dtype).eps
    assert (tangent @ loc).abs().max() < 16 * eps
    assert (tangent.norm(dim=-1) - 1).abs().max() < 8 * eps


@PLACES
def test_circle_takes_either_quarter_turn(place):
    loc = direction(place, 2)
    size = 10 * SIZE
    sign = tangent_direction(loc.expand(size, 2), seeded()) @ torch.stack((-loc[1], loc[0]))
    torch.testing.assert_close(sign.abs(), torch.ones_like(sign))
    assert stats.binomtest(int((sign > 0).sum()), size).pvalue > 1e-3


@DTYPES
@PLACES
def test_angle_in_the_tangent_plane_is_uniform(place, dtype):
    loc = direction(place, 3, dtype)
    tangent = tangent_direction(loc.expand(SIZE, 3), seeded())
    first = torch.linalg.cross(loc, torch.tensor([0, 0.6, 0.8], dtype=dtype))
    first = first / first.norm()
    second = torch.linalg.cross(loc, first)
    angle = torch.atan2(tangent @ second, tangent @ first).double()
    assert stats.kstest(angle.numpy(), stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-3


@pytest.mark.slow
@PLACES
@pytest.mark.parametrize("dim", [4, 8, 9, 30])
def test_isotropic(dim, place):
    """First and second moments are those of the uniform law on the tangent sphere, within 5 standard errors."""
    loc = direction(place, dim)
    tangent = tangent_direction(loc.expand(SIZE, dim), seeded())
    assert (tangent.mean(0).abs() <= 5 * tangent.std(0) / math.sqrt(SIZE) + 1e-15).all()
    products = tangent.unsqueeze(-1) * tangent.unsqueeze(-2)
    expected = (torch.eye(dim, dtype=loc.dtype) - torch.outer(loc, loc)) / (dim - 1)
    error = products.std(0) / math.sqrt(SIZE)
    assert ((products.mean(0) - expected).abs() <= 5 * error + 1e-15).all()


def angles(size, dtype=torch.float64):
    """Versine and sine of angles from 0 to pi."""
    theta = torch.linspace(0, math.pi, size, dtype=dtype)
    return theta, 2 * torch.sin(theta / 2) ** 2, torch.sin(theta)


@PLACES
@pytest.mark.parametrize("dim", [2, 3, 4, 9])
def test_gradient_in_the_mean_direction_is_a_rotation(dim, place):
    """Moving mu by d at right angles moves a tangent v by -(v.d) mu, whatever the noise behind v."""
    loc = direction(place, dim).expand(100, dim).clone().requires_grad_()
    shift = tangent_direction(loc, seeded(1))
    weights = torch.randn(100, dim, dtype=loc.dtype, generator=seeded(2))
    theta, versine, sine = angles(100)
    point = random_point_at_angle(loc, versine, sine, seeded())
    tangent = tangent_direction(loc, seeded())
    (gradient,) = torch.autograd.grad((point * weights).sum(), loc)
    along = (tangent * shift).sum(-1, keepdim=True)
    moved = torch.cos(theta)[:, None] * shift - torch.sin(theta)[:, None] * along * loc
    torch.testing.assert_close((gradient * shift).sum(-1), (moved * weights).sum(-1))


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_gradient_in_versine_and_sine(dim):
    loc = direction("random", dim).expand(100, dim)
    weights = torch.randn(100, dim, dtype=loc.dtype, generator=seeded(2))
    _, versine, sine = (angle.requires_grad_() for angle in angles(100))
    point = random_point_at_angle(loc, versine, sine, seeded())
    gradients = torch.autograd.grad((point * weights).sum(), (versine, sine))
    torch.testing.assert_close(gradients[0], -(loc * weights).sum(-1))
    torch.testing.assert_close(gradients[1], (tangent_direction(loc, seeded()) * weights).sum(-1))


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_points_stay_at_their_angle_to_second_order(dim):
    """z.mu and |z|^2 keep the derivatives 0, 0 of every order, here those of mu along a great circle."""
    start = direction("random", dim)
    shift = tangent_direction(start, seeded(1))
    angle = torch.zeros((), dtype=start.dtype, requires_grad=True)
    loc = torch.cos(angle) * start + torch.sin(angle) * shift
    versine, sine = (torch.tensor(f, dtype=start.dtype) for f in (0.4, 0.8))  # cosine .6
    point = random_point_at_angle(loc, versine, sine, seeded())
    for quantity in (point @ loc, point @ point):
        (first,) = torch.autograd.grad(quantity, angle, create_graph=True)
        (second,) = torch.autograd.grad(first, angle, retain_graph=True)
        assert abs(first) < 1e-14
        assert abs(second) < 1e-14


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_second_derivatives(dim):
    loc = direction("random", dim).expand(4, dim).clone().requires_grad_()
    _, versine, sine = (angle.requires_grad_() for angle in angles(4))

    def on_the_sphere(loc, versine, sine):
        return random_point_at_angle(torch.nn.functional.normalize(loc, dim=-1), versine, sine, seeded())

    def first_derivatives(*inputs):
        weights = torch.randn(4, dim, dtype=loc.dtype, generator=seeded(2))
        loss = (on_the_sphere(*inputs) * weights).sum()
        return torch.autograd.grad(loss, inputs, create_graph=True)

    # The noise is anew projected for each shifted loc, hence finite differences of gradients are of no use in loc.
    assert torch.autograd.gradcheck(lambda v, s: first_derivatives(loc, v, s)[0], (versine, sine))


@DTYPES
@PLACES
@pytest.mark.parametrize("dim", [2, 3, 64])
def test_point_at_angle(dim, place, dtype):
    """The point has norm 1 and coordinates cos theta and sin theta in the plane it was moved in."""
    loc = direction(place, dim, dtype)
    theta, versine, sine = angles(50, dtype)
    tangent = tangent_direction(loc.expand(50, dim), seeded())
    point = random_point_at_angle(loc.expand(50, dim), versine, sine, seeded())
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(point.norm(dim=-1), torch.ones_like(theta), rtol=0, atol=8 * eps)
    torch.testing.assert_close(point @ loc, torch.cos(theta), rtol=0, atol=16 * eps)
    torch.testing.assert_close((point * tangent).sum(-1), torch.sin(theta), rtol=0, atol=16 * eps)
    assert torch.equal(point[0], loc)


@pytest.mark.parametrize("dim", [2, 3, 20])
def test_generator(dim):
    loc, state = direction("random", dim).expand(100, dim), torch.get_rng_state()
    first = tangent_direction(loc, seeded(1))
    assert torch.equal(first, tangent_direction(loc, seeded(1)))
    assert not torch.equal(first, tangent_direction(loc, seeded(2)))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-3), (torch.float64, 1e-10)], ids=str)
def test_noise_that_is_parallel_to_the_mean(dtype: torch.dtype, bound: float) -> None:
    """Mean directions drawn from the same seed: what is left is rounding, and becomes a unit tangent all the same."""
    loc = torch.nn.functional.normalize(torch.empty(2000, 8, dtype=dtype).normal_(generator=seeded(0)), dim=-1)
    tangent = tangent_direction(loc, seeded(0))
    torch.testing.assert_close(tangent.norm(dim=-1), torch.ones(2000, dtype=dtype), rtol=0, atol=bound)
    assert (tangent * loc).sum(-1).abs().max() < bound


def test_noise_that_is_parallel_to_rounding_gives_finite_vectors() -> None:
    """Both drawn from one seed; of some rows nothing but rounding is left, along loc."""
    loc = torch.nn.functional.normalize(torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    tangent = tangent_direction(loc, torch.Generator().manual_seed(0))
    assert bool(tangent.isfinite().all())
    assert float((tangent * loc).sum(-1).abs().max()) < 1e-3
    length = tangent.norm(dim=-1)
    assert float(length.max()) < 1.02
    assert float((length > 0.999).float().mean()) > 0.99
