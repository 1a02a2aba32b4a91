import pytest
import torch

from spherical_gae.evaluation import LinkScores, auc_ap


@pytest.mark.parametrize(
    ("positive", "negative", "auc", "ap"),
    [
        ([2.0, 1.0], [0.0, -1.0], 1, 1),
        ([0.0, -1.0], [2.0, 1.0], 0, (1 / 3 + 2 / 4) / 2),
        # Pairs won, of 6: 3 > 2 and 3 > 1, 2 = 2 is half, 2 > 1, 0 loses both.  Thresholds 3, 2, 1, 0.
        ([3.0, 2.0, 0.0], [2.0, 1.0], 3.5 / 6, (1 + 2 / 3 + 3 / 5) / 3),
        ([1.0, 1.0, 1.0], [1.0], 0.5, 0.75),
    ],
)
def test_by_hand_with_ties(positive: list[float], negative: list[float], auc: float, ap: float) -> None:
    scores = auc_ap(torch.tensor(positive, dtype=torch.float64), torch.tensor(negative, dtype=torch.float64))
    assert scores.auc == pytest.approx(auc, abs=1e-12)
    assert scores.ap == pytest.approx(ap, abs=1e-12)


def test_is_a_pair_of_floats() -> None:
    scores = auc_ap(torch.tensor([1.0]), torch.tensor([0.0]))
    assert scores == (1.0, 1.0)
    assert isinstance(scores, LinkScores)
    assert [type(value) for value in scores] == [float, float]


def test_shape_dtype_and_gradients_do_not_matter() -> None:
    torch.manual_seed(0)
    positive, negative = torch.randn(4, 5), torch.randn(30) - 0.5
    expected = auc_ap(positive.flatten(), negative)
    assert auc_ap(positive.requires_grad_(), negative.view(5, 6)) == expected
    assert auc_ap(positive.double(), negative) == expected
    assert auc_ap(positive.bfloat16(), negative).auc == pytest.approx(expected.auc, abs=0.02)


def test_neighbouring_float64_scores_are_told_apart() -> None:
    low = torch.tensor([1.0], dtype=torch.float64)
    assert auc_ap(low + 1e-15, low).auc == 1


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_empty_and_not_finite_are_refused(name: str) -> None:
    scores = {"positive": torch.ones(3), "negative": torch.zeros(3)}
    with pytest.raises(ValueError, match=f"{name} must hold at least one score, got none"):
        auc_ap(**{**scores, name: torch.empty(0)})
    with pytest.raises(ValueError, match=f"{name} must hold finite scores, got 2 of 3 NaN or infinite"):
        auc_ap(**{**scores, name: torch.tensor([float("nan"), 0.0, -float("inf")])})
