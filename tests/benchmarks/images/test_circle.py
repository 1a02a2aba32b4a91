from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import kstest, uniform, vonmises

from benchmarks.images import circle
from benchmarks.images.circle import (
    TITLES,
    Cell,
    angle_of,
    circular_ranks,
    curve_radius,
    distance_to_curve,
    draw,
    fisher_lee,
    kuiper,
    make_model,
    run_cell,
    scores,
    shown,
    table,
    true_curve,
)
from spherical_gae.data import circle_mixture
from spherical_gae.plotting.pictures import save_figure

Floats = NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def angles(rng: np.random.Generator) -> tuple[Floats, Floats]:
    a = rng.vonmises(0.3, 1.0, 500)
    return a, a + rng.vonmises(0, 3.0, 500)


def test_correlation_is_its_definition(angles: tuple[Floats, Floats]) -> None:
    """The mean product of sines of all differences."""
    sines = [np.sin(np.subtract.outer(angle, angle)) for angle in angles]
    expected = (sines[0] * sines[1]).sum() / np.sqrt((sines[0] ** 2).sum() * (sines[1] ** 2).sum())
    assert fisher_lee(*angles) == pytest.approx(expected, abs=1e-12)
    assert 0.2 < expected < 0.95


def test_correlation_of_the_same_angles_is_one(angles: tuple[Floats, Floats]) -> None:
    a, _ = angles
    assert fisher_lee(a, a) == pytest.approx(1, abs=1e-12)
    assert fisher_lee(a, 2.5 + a) == pytest.approx(1, abs=1e-12)
    assert fisher_lee(a, 2.5 - a) == pytest.approx(-1, abs=1e-12)


def test_correlation_is_invariant_to_rotation_and_changes_sign_by_reflection(angles: tuple[Floats, Floats]) -> None:
    a, b = angles
    for sign in (1, -1):
        assert fisher_lee(a - 0.7, 1.9 + sign * b) == pytest.approx(sign * fisher_lee(a, b), abs=1e-12)
        assert fisher_lee(a + 2 * np.pi, sign * b - 4 * np.pi) == pytest.approx(sign * fisher_lee(a, b), abs=1e-12)


def test_correlation_of_independent_angles(rng: np.random.Generator) -> None:
    """n times it is Laplace distributed for uniform angles: above 12 with a probability of 6e-6."""
    n = 2_000
    found = n * np.array([fisher_lee(*rng.uniform(-np.pi, np.pi, (2, n))) for _ in range(200)])
    assert abs(found).max() < 12
    assert kstest(found, "laplace").pvalue > 0.001


def test_rank_correlation_sees_through_warping(rng: np.random.Generator) -> None:
    angle = rng.uniform(0, 2 * np.pi, 1000)
    warped = angle + 0.9 * np.sin(angle)
    assert fisher_lee(angle, warped) < 0.95
    for sign, origin in ((1, 0.0), (1, 2.0), (-1, 3.0)):
        ranks = circular_ranks(origin + sign * warped)
        assert fisher_lee(circular_ranks(angle), ranks) == pytest.approx(sign, abs=1e-12)


def test_kuiper_against_scipy(rng: np.random.Generator) -> None:
    u = rng.beta(2, 3, 300)
    sides = [kstest(u, "uniform", alternative=side).statistic for side in ("less", "greater")]
    assert kuiper(u) == pytest.approx(sum(sides), abs=1e-12)


def test_kuiper_of_known_samples(rng: np.random.Generator) -> None:
    n = 50
    assert kuiper((np.arange(n) + 0.5) / n) == pytest.approx(1 / n)
    assert kuiper(np.full(n, 0.3)) == pytest.approx(1)
    half = rng.uniform(0, 0.5, 100_000)
    assert kuiper(half) == pytest.approx(0.5, abs=0.01)
    # What the benchmark's head says of 10,000 uniform samples.
    found = [kuiper(rng.uniform(size=10_000)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(0.0125, abs=0.0008)
    assert np.mean(np.array(found) > 0.0175) < 0.11


def test_kuiper_does_not_depend_on_the_origin(rng: np.random.Generator) -> None:
    u = vonmises.rvs(1.0, size=400, random_state=rng) / (2 * np.pi) + 0.5
    for shift in (0.1, 0.45, 0.8):
        assert kuiper(np.mod(u + shift, 1)) == pytest.approx(kuiper(u), abs=1e-12)
        assert kstest(np.mod(u + shift, 1), uniform.cdf).statistic < kuiper(u)


def test_distance_to_curve() -> None:
    curve = true_curve()
    assert (curve - curve.roll(1, 0)).norm(dim=1).max() < 0.02
    assert distance_to_curve(curve[::500], curve) == pytest.approx(0, abs=1e-2)
    # Of a point off the curve along its normal space, the distance it was moved by.
    tangent = torch.nn.functional.normalize(curve[1] - curve[-1], dim=0)
    other = torch.randn(100, generator=torch.Generator().manual_seed(0))
    normal = torch.nn.functional.normalize(other - (other @ tangent) * tangent, dim=0)
    found = distance_to_curve((curve[0] + 0.5 * normal)[None], curve)
    assert found == pytest.approx(0.5 / curve_radius(curve), rel=0.02)


def test_angle() -> None:
    angle = np.linspace(-3, 3, 20)
    np.testing.assert_allclose(angle_of(3 * np.stack([np.cos(angle), np.sin(angle)], 1)), angle)


@pytest.mark.parametrize("name", TITLES)
def test_scores_of_an_untrained_model(name: str) -> None:
    test = circle_mixture(300, seed=9)
    found = scores(make_model(Cell(name, 0)).eval(), test)
    present = {key for key, value in found.items() if value is not None}
    expected = {"correlation", "rank_correlation", "reconstruction", "kl"}
    if name != "autoencoder":
        expected |= {"angle_distance", "mismatch", "near_share", "median_distance"}
        assert found["mismatch"] == max(found[key] or 0 for key in ("angle_distance", "radius_distance"))
    assert present == expected | ({"radius_distance"} if name.startswith("n-vae") else set())


class _Oracle(circle.NormalVAE):
    """A model whose posterior is its prior, and whose decoder always hits the curve."""

    def posterior(self, x: torch.Tensor) -> torch.distributions.Distribution:
        scale = torch.ones(len(x), 2)
        return torch.distributions.Independent(torch.distributions.Normal(torch.zeros_like(scale), scale), 1)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        angle = circle_mixture(len(x), seed=9).angle
        return torch.stack([5 + torch.cos(2 - angle), torch.sin(2 - angle) - 3], 1)

    def sample(self, num_samples: int) -> torch.Tensor:
        return true_curve()[::2]


def test_scores_of_a_perfect_model() -> None:
    found = scores(_Oracle(2, 100, (8,), observation=circle.NormalObservation()), circle_mixture(5_000, seed=9))
    # The mean of the latents is not the centre of their circle, but near it.
    assert found["correlation"] == pytest.approx(1, abs=0.002)
    assert found["rank_correlation"] == pytest.approx(1, abs=0.002)
    assert found["mismatch"] is not None
    assert found["mismatch"] < 2.4 / np.sqrt(5_000)
    assert found["near_share"] == 1


@pytest.mark.slow
def test_a_short_run_is_a_function_of_its_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(circle, "SIZES", {"train": 200, "val": 100, "test": 100})
    monkeypatch.setattr(circle, "CONFIG", circle.replace(circle.CONFIG, max_epochs=2))
    cells = {name: run_cell(Cell(name, 0), None) for name in TITLES}
    again = run_cell(Cell("s-vae", 0), None)
    pictures = {name: cell.pop("shown") for name, cell in cells.items()}
    again.pop("shown")
    assert cells["s-vae"] == again
    assert [line.split(" | ")[0].strip("| ") for line in table(list(cells.values()))][2:] == list(TITLES.values())
    save_figure(draw(pictures, circle_mixture(100, seed=2).angle.numpy()), tmp_path / "circle.png")
    assert (tmp_path / "circle.png").stat().st_size > 10_000


def test_shown_prior_samples_are_those_decoded() -> None:
    model = make_model(Cell("n-vae", 1))
    found = shown(model, circle_mixture(20).x)
    assert found.prior is not None
    with torch.no_grad():
        decoded = model.decode(torch.from_numpy(found.prior).float()).numpy()
    np.testing.assert_allclose(found.decoded, decoded, atol=1e-5)
