import pytest
import torch

from benchmarks.links.ranking_protocol import METRICS, PartTest, hits_above, shared_ranks
from benchmarks.links.selection import EveryMetric, train_and_select


def test_shared_ranks_count_ties_half() -> None:
    """As 1 + (above + at or above) / 2, pair by pair."""
    generator = torch.Generator().manual_seed(0)
    positive, negative = (torch.randint(6, (40,), generator=generator).double() for _ in range(2))
    above, at_or_above = (negative > positive[:, None]).sum(1), (negative >= positive[:, None]).sum(1)
    assert shared_ranks(positive, negative).tolist() == (1 + (above + at_or_above) / 2).tolist()


def test_hits_of_the_existing_setting_are_strict() -> None:
    positive, negative = torch.tensor([3.0, 2.0, 1.0]), torch.tensor([3.0, 2.0, 0.0])
    assert [hits_above(positive, negative, k) for k in (1, 2, 3, 4)] == [0, pytest.approx(1 / 3), 1, 1]


def test_metrics_of_a_part_by_hand() -> None:
    """Two links, two shared negatives, and two hard negatives each."""
    positive, negative = torch.tensor([[0, 2], [1, 3]]), torch.tensor([[0, 1], [3, 2]])
    hard = torch.tensor([[[0, 2], [2, 0]], [[2, 1], [0, 3]]])
    part = PartTest(positive, negative, hard)
    assert part.shared.tolist() == [[0, 2, 0, 1], [1, 3, 3, 2]]
    # The pairs (0, 2) and (2, 1) of the link (0, 1), and (2, 0) and (0, 3) of (2, 3).
    assert part.hard.tolist() == [[0, 2, 2, 0], [2, 1, 0, 3]]
    found = part.metrics(torch.tensor([5.0, 2.0, 4.0, 1.0, 6.0, 3.0, 2.0, 9.0]))
    assert set(found) == set(METRICS)
    assert found["auc"] == 0.75
    assert found["mrr"] == pytest.approx((1 + 1 / 2) / 2)
    # Against (6, 3) the first link has rank 2; against (2, 9) the second has 1 + 1 + 1/2.
    assert found["heart_mrr"] == pytest.approx((1 / 2 + 1 / 2.5) / 2)
    assert (found["heart_hits_at_1"], found["heart_hits_at_3"]) == (0, 1)


@pytest.mark.parametrize(("max_pairs", "expected"), [(70, [70, 70, 70, 70, 40]), (None, [320])])
def test_pairs_are_scored_piece_by_piece_or_at_once(max_pairs: int | None, expected: list[int]) -> None:
    """Katz in pieces computed its sources anew for each: 20 minutes on PubMed in place of one."""
    generator = torch.Generator().manual_seed(0)
    positive, negative = (torch.randint(50, (2, 40), generator=generator) for _ in range(2))
    hard = torch.randint(50, (2, 40, 6), generator=generator)
    table = torch.rand(50, 50, generator=generator)
    sizes = []

    def predictor(pairs: torch.Tensor) -> torch.Tensor:
        sizes.append(pairs.size(1))
        return table[pairs[0], pairs[1]]

    part = PartTest(positive, negative, hard)
    everything = torch.cat([positive, negative, hard.flatten(1)], dim=1)
    assert part.score(predictor, max_pairs) == part.metrics(table[everything[0], everything[1]])
    assert sizes == expected


def test_each_metric_has_its_own_epoch() -> None:
    values = iter(
        [{"auc": 0.5, "ap": 0.5, "mrr": 0.9}, {"auc": 0.7, "ap": 0.6, "mrr": 0.1}, {"auc": 0.6, "ap": 0.8, "mrr": 0.2}]
    )
    tested = iter(
        [{"auc": 1.0, "ap": 1.1, "mrr": 1.2}, {"auc": 2.0, "ap": 2.1, "mrr": 2.2}, {"auc": 3.0, "ap": 3.1, "mrr": 3.2}]
    )
    result = train_and_select(lambda: None, 3, EveryMetric(lambda: next(values), lambda: next(tested)))
    assert result["own_epoch"] == {"auc": 2.0, "ap": 3.1, "mrr": 1.2}
    assert result["one_epoch"] == {"auc": 3.0, "ap": 3.1, "mrr": 3.2}
    assert result["epochs"] == {"auc": 2, "ap": 3, "mrr": 1, "auc + ap": 3}
