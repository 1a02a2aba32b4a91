from __future__ import annotations

import math

import pytest
import torch

from spherical_gae.core import HypersphericalUniform, VonMisesFisher, unit_sphere


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
