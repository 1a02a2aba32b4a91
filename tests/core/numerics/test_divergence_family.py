"""The frames of the tabulated divergences: places and concentrations are inverse to each other, nothing overflows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.divergence_family import DivergenceFamily
from spherical_gae.core.numerics.isotropic_projection import IsotropicProjection
from spherical_gae.core.numerics.spherical_cauchy_divergence import SphericalCauchyDivergence

FAMILIES = pytest.mark.parametrize(
    "family", [VonMisesFisherAngle, PowerSphericalAngle, IsotropicProjection, SphericalCauchyDivergence]
)


@FAMILIES
@pytest.mark.parametrize("dim", [2, 8])
def test_place_of_a_concentration(family: type[DivergenceFamily], dim: int) -> None:
    place = np.linspace(1e-3, 1 - 1e-3, 50)
    t = torch.from_numpy(family.concentration_at(place))
    found = family.frame(t, torch.ones((), dtype=torch.float64), dim).place
    np.testing.assert_allclose(found.numpy(), place, rtol=1e-12)


@FAMILIES
@pytest.mark.parametrize("dim", [2, 8])
def test_what_is_tabulated_is_bounded(family: type[DivergenceFamily], dim: int) -> None:
    """S = (KL - lead) / weight stays between bounds from the uniform distribution to a point."""
    law = family(dim)
    t = family.concentration_at(np.linspace(1e-4, 1 - 1e-4, 40))
    known = family.frame(torch.from_numpy(t), torch.ones((), dtype=torch.float64), dim)
    value, curvature = law.divergence(law.unit * t)
    rest = (value - known.lead.numpy()) / known.weight.numpy()
    assert np.abs(rest).max() < 10 * dim
    slope = curvature * law.unit * t / known.slope.numpy()
    assert (slope > 0).all()
    assert slope.max() / slope.min() < 10


@FAMILIES
def test_ends_in_float32(family: type[DivergenceFamily]) -> None:
    frame = family.frame(torch.tensor([0.0, 1e-30, 1e30]), torch.ones(()), 8)
    assert frame.place.tolist()[0] == 0
    assert frame.place[2] <= 1
    assert all(part.isfinite().all() for part in frame)
