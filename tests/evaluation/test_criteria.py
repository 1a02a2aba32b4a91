import pytest
import torch

from spherical_gae.evaluation import auc_ap, check_criterion, criterion_value
from spherical_gae.evaluation.criteria import check_negatives

POSITIVE = torch.tensor([4.0, 2.0, 1.0])
SHARED = torch.tensor([3.0, 2.0, 0.0, 0.5])
OWN = torch.tensor([[5.0, 3.0], [1.0, 0.0], [2.0, 1.0]])


@pytest.mark.parametrize(
    ("name", "shared", "own"),
    [
        ("mrr", (1 + 1 / 2.5 + 1 / 3) / 3, (1 / 2 + 1 + 1 / 2.5) / 3),
        ("hits@1", 1 / 3, 1 / 3),
        ("hits@2", 1 / 3, 2 / 3),
        ("hits@3", 1, 1),
        ("hits@50", 1, 1),
    ],
)
def test_values_by_hand(name: str, shared: float, own: float) -> None:
    """Against a shared negative of equal score a link is no hit in OGB, and half a rank behind in the others."""
    assert criterion_value(name, POSITIVE, SHARED) == pytest.approx(shared, abs=1e-12)
    assert criterion_value(name, POSITIVE, OWN) == pytest.approx(own, abs=1e-12)


@pytest.mark.parametrize("negative", [SHARED, OWN])
def test_areas_are_those_of_all_negatives(negative: torch.Tensor) -> None:
    auc, ap = auc_ap(POSITIVE, negative)
    assert criterion_value("auc", POSITIVE, negative) == auc
    assert criterion_value("auc+ap", POSITIVE, negative) == auc + ap


@pytest.mark.parametrize("name", ["AUC", "ap", "hits", "hits@", "hits@0", "hits@-1", "hits@1.5", "mrr ", "", None, 3])
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(ValueError, match=r"^select_by must be 'auc\+ap', .* 'hits@K' with a number K >= 1, got"):
        check_criterion(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "shape"), [("hits@4", (2, 4)), ("hits@3", (7, 3, 2)), ("mrr", (2, 1)), ("auc", (2, 1))]
)
def test_fewer_negatives_than_hits_are_refused(name: str, shape: tuple[int, ...]) -> None:
    """Every link is a hit then, and the first epoch the best."""
    check_negatives(name, torch.zeros(shape))
    if name.startswith("hits"):
        worse = f"hits@{shape[1] + 1}"
        with pytest.raises(
            ValueError, match=rf"^select_by must be at most {name}, with the {shape[1]} neg.*, got '{worse}'"
        ):
            check_negatives(worse, torch.zeros(shape))
