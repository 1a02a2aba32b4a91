"""Standard errors against mpmath, and against the spread of fits to samples drawn anew."""

from __future__ import annotations

import math

import pytest
import torch

from spherical_gae.core import VonMisesFisher, fit_standard_errors
from tests.helpers.places import direction, seeded
from tests.helpers.reference import reference


@pytest.mark.parametrize("dim", [2, 3, 10, 200])
@pytest.mark.parametrize("concentration", [0.01, 3.0, 1e4])
def test_they_are_the_roots_of_the_inverse_information(dim, concentration):
    exact = reference(dim, concentration)
    found = fit_standard_errors(VonMisesFisher(direction("random", dim), concentration), 50)
    assert found.concentration.item() == pytest.approx(float((50 * exact.slope) ** -0.5), rel=1e-12)
    loc = float((50 * concentration * exact.mean_resultant_length) ** -0.5)
    assert found.loc.item() == pytest.approx(loc, rel=1e-12)


@pytest.mark.parametrize(("dim", "concentration"), [(2, 1.0), (3, 30.0), (10, 8.0)])
def test_they_are_the_spread_of_fits(dim, concentration):
    """Over 1,000 fits to 200 samples: a standard deviation of them is known within 2.2% (one standard error)."""
    truth = VonMisesFisher(direction("e1", dim), concentration)
    fits = VonMisesFisher.fit(truth.sample((200, 1000), seeded()))
    error = fit_standard_errors(truth, 200)
    assert fits.concentration.std().item() == pytest.approx(error.concentration.item(), rel=0.1)
    tangents = fits.loc[:, 1:]
    assert tangents.square().mean().sqrt().item() == pytest.approx(error.loc.item(), rel=0.06)


def test_a_batch_has_an_error_for_each_element_and_a_uniform_fit_no_direction():
    kappa = torch.tensor([0.0, 2.0, 50.0], dtype=torch.float64)
    found = fit_standard_errors(VonMisesFisher(direction("random", 3).expand(3, 3), kappa), 10)
    assert found.loc.shape == found.concentration.shape == (3,)
    assert found.loc[0] == math.inf
    assert found.concentration[0].item() == pytest.approx(math.sqrt(3 / 10))


@pytest.mark.parametrize("num_samples", [0, -1, math.nan])
def test_the_number_of_samples_is_checked(num_samples):
    with pytest.raises(ValueError, match=f"num_samples: given {num_samples}, allowed: 1 or more"):
        fit_standard_errors(VonMisesFisher(direction("e1", 3), 1.0), num_samples)
