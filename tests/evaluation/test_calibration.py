import math
import re
from collections.abc import Callable

import pytest
import torch
from sklearn.metrics import brier_score_loss
from torch import Tensor

from spherical_gae.evaluation import brier_score, expected_calibration_error

NAN = float("nan")
BOTH = pytest.mark.parametrize("score", [brier_score, expected_calibration_error])


def predictions(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Uniform probabilities, and outcomes that have them: calibrated but for noise."""
    source = torch.Generator().manual_seed(seed)
    probability = torch.rand(count, generator=source, dtype=torch.float64)
    return probability, (torch.rand(count, generator=source, dtype=torch.float64) < probability).double()


def brute_force_error(probability: Tensor, label: Tensor, num_bins: int) -> float:
    bins: list[list[tuple[float, float]]] = [[] for _ in range(num_bins)]
    for p, y in zip(probability.tolist(), label.tolist(), strict=True):
        bins[min(int(p * num_bins), num_bins - 1)].append((p, y))
    error = 0.0
    for members in filter(None, bins):
        confidence, share = (sum(values) / len(members) for values in zip(*members, strict=True))
        error += len(members) / probability.numel() * abs(share - confidence)
    return error


@pytest.mark.parametrize(
    ("probability", "label", "expected"),
    [
        ([0.0, 1.0], [0.0, 1.0], 0),
        ([0.0, 1.0], [1.0, 0.0], 1),
        ([0.5, 0.5, 0.5], [1.0, 0.0, 0.0], 0.25),
        ([0.75, 0.5, 0.25], [1.0, 0.0, 1.0], (1 / 16 + 1 / 4 + 9 / 16) / 3),
    ],
)
def test_brier_score_by_hand(probability: list[float], label: list[float], expected: float) -> None:
    assert brier_score(torch.tensor(probability), torch.tensor(label)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("count", [1, 10, 1_000])
def test_brier_score_as_by_scikit_learn(count: int) -> None:
    probability, label = predictions(count, seed=count)
    expected = brier_score_loss(label.numpy(), probability.numpy(), pos_label=1)
    assert brier_score(probability, label) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(
    ("probability", "label", "num_bins", "expected"),
    [
        ([0.0, 1.0], [0.0, 1.0], 15, 0),
        ([0.0, 1.0], [1.0, 0.0], 15, 1),
        # The bins [0, 1/2] and [1/2, 1]: shares 1/2 and 2/3, mean probabilities 1/4 and 3/4.
        ([0.125, 0.375, 0.625, 0.75, 0.875], [0.0, 1.0, 1.0, 0.0, 1.0], 2, (2 * 1 / 4 + 3 * 1 / 12) / 5),
        # Two wrong bins cancel where they are one.
        ([0.25, 0.75], [1.0, 0.0], 2, 0.75),
        ([0.25, 0.75], [1.0, 0.0], 1, 0),
        # Within a bin the errors cancel: no more is asked for.
        ([0.75] * 4, [1.0, 1.0, 1.0, 0.0], 10, 0),
        ([0.75] * 4, [1.0, 0.0, 0.0, 0.0], 10, 0.5),
    ],
)
def test_calibration_error_by_hand(
    probability: list[float], label: list[float], num_bins: int, expected: float
) -> None:
    error = expected_calibration_error(torch.tensor(probability), torch.tensor(label), num_bins)
    assert error == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("num_bins", [1, 2, 15, 40, 1_000])
def test_calibration_error_by_brute_force(num_bins: int) -> None:
    probability, label = predictions(300, seed=num_bins)
    probability[:4] = torch.tensor([0.0, 1.0, 1.0, 0.0])
    expected = brute_force_error(probability, label, num_bins)
    assert expected_calibration_error(probability, label, num_bins) == pytest.approx(expected, abs=1e-13)


def test_fifteen_bins_by_default() -> None:
    probability, label = predictions(500)
    expected = expected_calibration_error(probability, label, 15)
    assert expected_calibration_error(probability, label) == expected
    assert expected != expected_calibration_error(probability, label, 14)


def test_calibrated_probabilities() -> None:
    # The error of noise alone: the mean of |x| is sqrt(2 / pi) standard deviations, in every bin.  The score is the
    # mean of p (1 - p).
    probability, label = predictions(200_000)
    centre = (torch.arange(15, dtype=torch.float64) + 0.5) / 15
    noise = (2 / math.pi * centre * (1 - centre) / (15 * 200_000)).sqrt().sum().item()
    assert expected_calibration_error(probability, label) == pytest.approx(noise, rel=0.5)
    assert brier_score(probability, label) == pytest.approx(1 / 6, abs=0.002)


@pytest.mark.parametrize(
    ("distort", "error", "brier"),
    [
        # Outcomes of probability q, uniform: the score is 1/6 + E(q - p)^2, the error E|E(q | bin) - E(p | bin)|.
        (lambda q: q.square(), 1 / 6, 1 / 6 + 1 / 30),
        (lambda q: q / 2, 1 / 4, 1 / 6 + 1 / 12),
        # Too high and too low cancel in the eighth bin, of q from 7/15 to 8/15.
        (lambda q: 1 - q, 1 / 2 - 1 / 450, 1 / 6 + 1 / 3),
        (lambda q: torch.full_like(q, 0.9), 0.9 - 1 / 2, 1 / 6 + (0.9**3 + 0.1**3) / 3),
    ],
)
def test_known_miscalibration(distort: Callable[[Tensor], Tensor], error: float, brier: float) -> None:
    probability, label = predictions(200_000, seed=1)
    assert expected_calibration_error(distort(probability), label) == pytest.approx(error, abs=0.005)
    assert brier_score(distort(probability), label) == pytest.approx(brier, abs=0.005)


@BOTH
def test_order_and_dtype_do_not_matter(score: Callable[[Tensor, Tensor], float]) -> None:
    probability = torch.arange(65) / 64  # exact in every dtype used here
    label = (torch.arange(65) % 3 == 0).double()
    expected = score(probability.double(), label)
    assert type(expected) is float
    assert 0 < expected < 1
    assert score(probability.flip(0), label.flip(0)) == pytest.approx(expected, abs=1e-15)
    for dtype in (torch.float32, torch.bfloat16):
        for other in (label.bool(), label.long(), label.float()):
            assert score(probability.to(dtype), other) == expected


@BOTH
@pytest.mark.parametrize("shapes", [((3,), (4,)), ((0,), (0,)), ((2, 2), (2, 2)), ((), ()), ((3,), (3, 1))])
def test_shapes_are_refused(score: Callable[[Tensor, Tensor], float], shapes: tuple[tuple[int, ...], ...]) -> None:
    message = f"probability and label must have one shape [E], not empty, got {shapes[0]} and {shapes[1]}"
    with pytest.raises(ValueError, match=re.escape(message)):
        score(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


@BOTH
@pytest.mark.parametrize(
    ("values", "given"), [([0.5, 1.5], "0.5 to 1.5"), ([-0.5, 0.5], "-0.5 to 0.5"), ([NAN, 0.5], "nan to nan")]
)
def test_no_probability_is_refused(score: Callable[[Tensor, Tensor], float], values: list[float], given: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"probability must be in [0, 1], got {given}")):
        score(torch.tensor(values), torch.ones(2))


@pytest.mark.parametrize("num_bins", [0, -1])
def test_no_bins_are_refused(num_bins: int) -> None:
    with pytest.raises(ValueError, match=f"num_bins must be at least 1, got {num_bins}"):
        expected_calibration_error(torch.ones(2), torch.ones(2), num_bins)


@BOTH
@pytest.mark.parametrize("labels", [[1.0, -1.0], [NAN, 1.0], [0.5, 1.0]])
def test_labels_that_are_none_are_refused(score: Callable[[Tensor, Tensor], float], labels: list[float]) -> None:
    with pytest.raises(ValueError, match="label must be 0 or 1, got"):
        score(torch.tensor([0.9, 0.1]), torch.tensor(labels))
