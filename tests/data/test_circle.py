import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest, vonmises

from spherical_gae.data import circle_mixture
from spherical_gae.data.circle import CONCENTRATIONS, MEANS, NOISE_STD, angle_to_plane, plane_to_features

NUM_POINTS = 20_000


def mixture_cdf(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    laws = [vonmises(kappa, loc=mean) for mean, kappa in zip(MEANS, CONCENTRATIONS, strict=True)]
    return np.mean([law.cdf(angle) - law.cdf(-np.pi) for law in laws], axis=0)


def test_shapes_and_range() -> None:
    x, angle, component = circle_mixture(NUM_POINTS)
    assert (x.dtype, angle.dtype, component.dtype) == (torch.float32, torch.float64, torch.int64)
    assert (x.shape, angle.shape, component.shape) == ((NUM_POINTS, 100), (NUM_POINTS,), (NUM_POINTS,))
    assert (-math.pi < angle).all()
    assert (angle <= math.pi).all()


@pytest.mark.parametrize("seed", range(3))
def test_components_are_equally_likely_and_angles_follow_the_mixture(seed: int) -> None:
    _, angle, component = circle_mixture(NUM_POINTS, seed)
    assert chisquare(torch.bincount(component, minlength=3).numpy()).pvalue > 0.001
    assert kstest(angle.numpy(), mixture_cdf).pvalue > 0.001
    for k, (mean, kappa) in enumerate(zip(MEANS, CONCENTRATIONS, strict=True)):
        offset = torch.remainder(angle[component == k] - mean + math.pi, 2 * math.pi) - math.pi
        assert kstest(offset.numpy(), vonmises(kappa).cdf).pvalue > 0.001


def test_density_leaves_no_gap() -> None:
    # What the constant's docstring says, against the uniform density.
    angle = np.linspace(-np.pi, np.pi, 1001)
    pairs = zip(MEANS, CONCENTRATIONS, strict=True)
    relative = 2 * np.pi * np.mean([vonmises.pdf(angle, kappa, loc=mean) for mean, kappa in pairs], axis=0)
    assert relative.min() == pytest.approx(0.4, abs=0.05)
    assert relative.max() == pytest.approx(1.6, abs=0.05)


@pytest.mark.parametrize("noise_std", [0.0, 0.25, NOISE_STD])
def test_noise_is_normal_of_its_size_and_independent(noise_std: float) -> None:
    x, angle, _ = circle_mixture(NUM_POINTS, 4, noise_std=noise_std)
    noise = x.double() - plane_to_features(angle_to_plane(angle))
    if noise_std == 0:
        assert noise.abs().max() < 1e-7
        return
    # 2e6 values: the standard deviation's own relative error is 5e-4.
    assert noise.std().item() == pytest.approx(noise_std, rel=0.0025)
    assert kstest(noise.flatten()[:100_000].numpy() / noise_std, "norm").pvalue > 0.001
    correlation = torch.corrcoef(noise.t()) - torch.eye(100)
    assert correlation.abs().max() < 6 / math.sqrt(NUM_POINTS)
    signal = plane_to_features(angle_to_plane(angle))
    assert abs(torch.corrcoef(torch.stack([noise.flatten(), signal.flatten()]))[0, 1]) < 5 / math.sqrt(noise.numel())


def test_map_is_injective_and_regular() -> None:
    """Undone by arctanh and least squares, on a disc around the circle; the curve never stands still."""
    generator = torch.Generator().manual_seed(5)
    points = torch.empty(200, 2, dtype=torch.float64).uniform_(-1, 1, generator=generator)
    bias = plane_to_features(torch.zeros(1, 2, dtype=torch.float64)).atanh()
    weight = plane_to_features(torch.eye(2, dtype=torch.float64)).atanh() - bias
    assert torch.linalg.matrix_rank(weight) == 2
    found = torch.linalg.lstsq(weight.t(), (plane_to_features(points).atanh() - bias).t()).solution.t()
    torch.testing.assert_close(found, points, atol=1e-8, rtol=0)
    angle = torch.linspace(-math.pi, math.pi, 361, dtype=torch.float64)
    curve = plane_to_features(angle_to_plane(angle))
    speed = (curve[1:] - curve[:-1]).norm(dim=1) / (angle[1] - angle[0])
    assert speed.min() > 5
    # Points far apart on the circle are far apart in the features, in units of the noise.
    distance, apart = torch.cdist(curve, curve), torch.cdist(angle_to_plane(angle), angle_to_plane(angle))
    assert (distance[apart > 1] > 4).all()


def test_noiseless_features_have_the_documented_spread() -> None:
    x = circle_mixture(NUM_POINTS, noise_std=0).x
    assert x.std(dim=0).square().mean().sqrt().item() == pytest.approx(0.65, abs=0.05)


def test_seed_decides_and_the_global_state_stays() -> None:
    before = torch.get_rng_state()
    first, again, other = (circle_mixture(50, seed) for seed in (6, 6, 7))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_other_components() -> None:
    _, angle, component = circle_mixture(2_000, 8, means=[3.0], concentrations=[50.0])
    assert not component.any()
    # Around the point where the angle jumps.
    assert angle.max() > 3
    assert angle.min() < -3
    assert kstest(np.mod(angle.numpy(), 2 * np.pi) - 3, vonmises(50.0).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_points": 0}, "num_points must be at least 1, got 0"),
        ({"means": [], "concentrations": []}, "the same length, at least 1, got 0 and 0"),
        ({"means": [0.0]}, "the same length, at least 1, got 1 and 3"),
        ({"means": [0.0, math.inf, 1.0]}, "means must be finite, got (0.0, inf, 1.0)"),
        ({"concentrations": [1.0, -1.0, 1.0]}, "concentrations must be finite and at least 0, got (1.0, -1.0, 1.0)"),
        ({"concentrations": [1.0, math.nan, 1.0]}, "concentrations must be finite and at least 0"),
        ({"noise_std": -0.5}, "noise_std must be finite and at least 0, got -0.5"),
        ({"noise_std": math.inf}, "noise_std must be finite and at least 0, got inf"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        circle_mixture(**{"num_points": 5, **options})
