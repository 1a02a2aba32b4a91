from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import transform_to

from spherical_gae.core import HypersphericalUniform, ProductOfSpheres, VonMisesFisher, unit_sphere
from spherical_gae.core.constraints import UnitBlocks


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    ("norm", "on_sphere"),
    [(1.0, True), (1 + 5e-6, True), (1 - 5e-6, True), (1 + 2e-5, False), (1 - 2e-5, False), (0.0, False)],
)
def test_norm_within_tolerance(norm, on_sphere, dtype):
    value = torch.tensor([[0.6, -0.8], [0.0, 1.0]], dtype=dtype) * norm
    assert unit_sphere.check(value).tolist() == [on_sphere, on_sphere]


def test_each_vector_is_checked_on_its_own():
    value = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[math.nan, 0.0], [math.inf, 0.0]]])
    assert unit_sphere.check(value).tolist() == [[True, False], [False, False]]


def test_float32_normalisation_passes():
    value = torch.randn(1000, 1000, generator=torch.Generator().manual_seed(0))
    assert unit_sphere.check(torch.nn.functional.normalize(value, dim=-1)).all()


def test_laws_declare_it_as_a_constraint_on_vectors():
    assert unit_sphere.event_dim == 1
    assert VonMisesFisher.arg_constraints["loc"] is unit_sphere
    assert VonMisesFisher.support is HypersphericalUniform.support is unit_sphere


@pytest.mark.parametrize("num_factors", [1, 3])
def test_transform_to_the_sphere_normalises(num_factors):
    """Block by block; points of the sphere stay, and an optimiser finds the mean direction through it."""
    constraint = unit_sphere if num_factors == 1 else ProductOfSpheres(HypersphericalUniform(2).expand((3,))).support
    transform = transform_to(constraint)
    assert transform == transform_to(constraint)
    assert transform.codomain.event_dim == 1
    raw = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    point = transform(raw)
    assert constraint.check(point).all()
    blocks = raw.unflatten(-1, (num_factors, -1))
    expected = (blocks / blocks.norm(dim=-1, keepdim=True)).flatten(-2)
    torch.testing.assert_close(point, expected)
    torch.testing.assert_close(transform(transform.inv(point)), point)
    leaf = raw.clone().requires_grad_()
    optimizer = torch.optim.Adam([leaf], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        (-(transform(leaf) * expected.flip(0)).sum()).backward()
        optimizer.step()
    torch.testing.assert_close(transform(leaf).detach(), expected.flip(0), rtol=0, atol=1e-2)


@pytest.mark.parametrize("size", [1e-40, 1e-20, 1e-13, 1e20, 1e37])
def test_transform_of_vectors_of_any_length(size):
    """Their squares are 0 or infinite in float32."""
    raw = torch.tensor([[3.0, 4.0], [-1.0, 1.0]])
    point = transform_to(unit_sphere)(size * raw)
    assert unit_sphere.check(point).all()
    torch.testing.assert_close(point, torch.tensor([[0.6, 0.8], [-(0.5**0.5), 0.5**0.5]]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("num_factors", [1, 3])
def test_transform_of_a_zero_vector_is_the_first_axis(num_factors):
    """A point of the sphere, from which an optimiser can go on; the other blocks and rows do not see it."""
    transform = transform_to(unit_sphere if num_factors == 1 else UnitBlocks(num_factors))
    raw = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    raw[0, : 6 // num_factors] = 0
    expected = torch.nn.functional.normalize(raw.unflatten(-1, (num_factors, -1)), dim=-1)
    expected[0, 0] = torch.eye(1, 6 // num_factors)[0]
    torch.testing.assert_close(transform(raw), expected.flatten(-2))
    assert torch.equal(transform(raw)[0, : 6 // num_factors], torch.eye(1, 6 // num_factors)[0])
    assert transform.codomain.check(transform(raw)).all()
    leaf = raw.requires_grad_()
    transform(leaf).sum().backward()
    assert leaf.grad.isfinite().all()


def test_support_of_a_product_says_its_dimension_at_the_class():
    assert ProductOfSpheres.support.event_dim == 1
    assert not ProductOfSpheres.support.is_discrete
