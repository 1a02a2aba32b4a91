"""The cone: Fisher's formula on S^2, and how often it holds the truth."""

from __future__ import annotations

import math

import pytest
import torch

from spherical_gae.core import VonMisesFisher, confidence_cone
from tests.helpers.places import direction, seeded


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("num_samples", [2, 7, 100])
def test_on_the_sphere_it_is_fishers_for_concentrated_samples(num_samples, level):
    """cos t = 1 - (n - R) / R ((1 / alpha)^(1 / (n - 1)) - 1)  (Fisher 1953), where 1 - R / n is 1 / kappa."""
    kappa = 1e7
    resultant = num_samples * (1 - 1 / kappa)
    expected = (num_samples - resultant) / resultant * ((1 - level) ** (-1 / (num_samples - 1)) - 1)
    angle = confidence_cone(VonMisesFisher(direction("e1", 3), kappa), num_samples, level)
    # float64 keeps nine digits of 1 - 1 / kappa.
    assert (2 * (angle / 2).sin().square()).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("dim", "num_samples", "concentration"),
    [(2, 5, 1000.0), (2, 20, 2.0), (3, 5, 200.0), (3, 100, 1.1), (10, 20, 20.0), (10, 100, 5.0)],
)
def test_it_holds_the_truth_as_often_as_it_says(dim, num_samples, concentration):
    """2,000 cones: a share of .95 is known within .005 (one standard error); the formula promises .02."""
    truth = VonMisesFisher(direction("e1", dim), concentration)
    fits = VonMisesFisher.fit(truth.sample((num_samples, 2000), seeded()))
    angle = 2 * ((fits.loc - truth.loc).norm(dim=-1) / 2).clamp(max=1).asin()
    for level in (0.5, 0.95):
        inside = (angle <= confidence_cone(fits, num_samples, level)).double().mean().item()
        assert inside == pytest.approx(level, abs=0.02 + 3 * math.sqrt(level * (1 - level) / 2000))


def test_few_uniform_samples_leave_the_whole_sphere():
    flat = VonMisesFisher(direction("e1", 3).expand(2, 3), torch.tensor([0.0, 1e-3], dtype=torch.float64))
    assert confidence_cone(flat, 10).tolist() == [math.pi, math.pi]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_samples": 1}, "num_samples: given 1, allowed: 2 or more"),
        ({"level": 0.0}, r"level: given 0\.0, allowed: between 0 and 1"),
        ({"level": 1.0}, r"level: given 1\.0, allowed"),
        ({"level": math.nan}, "level: given nan, allowed"),
    ],
)
def test_arguments_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        confidence_cone(VonMisesFisher(direction("e1", 3), 1.0), **{"num_samples": 10, **changes})
