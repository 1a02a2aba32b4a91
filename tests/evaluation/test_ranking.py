import math
import re
from math import log2

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from torch_geometric.metrics import LinkPredMRR, LinkPredNDCG, LinkPredRecall

from spherical_gae.evaluation import RankingScores, auc_ap, hits_at_k, link_ranks, ranking_scores

INF = float("inf")


@pytest.mark.parametrize(
    ("positive", "negative", "rank"),
    [
        (3.0, [2.0, 1.0, 0.0], 1),
        (0.0, [2.0, 1.0, 3.0], 4),
        (1.0, [2.0, 0.0, 3.0], 3),
        (1.0, [1.0, 0.0, 0.0], 1.5),
        (1.0, [1.0, 2.0, 1.0], 3),
        (1.0, [1.0, 1.0, 1.0], 2.5),
        (INF, [INF, 5.0, -INF], 1.5),
        (-INF, [0.0, -INF, INF], 3.5),
    ],
)
def test_rank_by_hand_with_ties(positive: float, negative: list[float], rank: float) -> None:
    assert link_ranks(torch.tensor([positive]), torch.tensor([negative])).tolist() == [rank]


@pytest.mark.parametrize("num_values", [3, 20, 10_000])
def test_rank_is_the_mean_rank_over_the_orders_of_ties(num_values: int) -> None:
    source = torch.Generator().manual_seed(num_values)
    positive = torch.randint(num_values, (50,), generator=source)
    negative = torch.randint(num_values, (50, 30), generator=source)
    lists = torch.cat([positive[:, None], negative], dim=1).numpy()
    expected = [rankdata(-scores, method="average")[0] for scores in lists]
    assert link_ranks(positive, negative).tolist() == expected
    assert link_ranks(positive.double(), negative.double()).tolist() == expected


def test_each_link_is_ranked_among_its_own_negatives() -> None:
    positive = torch.tensor([0.0, 10.0, 20.0])
    negative = torch.tensor([[1.0, -1.0], [9.0, 8.0], [21.0, 22.0]])
    assert link_ranks(positive, negative).tolist() == [2, 1, 3]


def test_rank_among_all_negatives_is_the_auc() -> None:
    source = torch.Generator().manual_seed(0)
    positive, negative = (torch.randint(8, (count,), generator=source).double() for count in (40, 60))
    ranks = link_ranks(positive, negative.expand(40, 60))
    won = (61 - ranks).double().mean().item() / 60
    assert won == pytest.approx(auc_ap(positive, negative).auc, abs=1e-12)


def test_neighbouring_float64_scores_are_told_apart() -> None:
    low = torch.ones(1, 1, dtype=torch.float64)
    assert link_ranks(low[0] + 1e-15, low).item() == 1
    assert link_ranks(low[0] - 1e-15, low).item() == 2


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ((3,), (2, 4)),
        ((3,), ()),
        ((3, 1), (3, 4)),
        ((), (1, 4)),
        ((0,), (0, 4)),
        ((3,), (3, 0)),
        ((3,), (0,)),
        ((0,), (3,)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(positive: tuple[int, ...], negative: tuple[int, ...]) -> None:
    message = "positive and negative must have shapes [P] and [P, K] or [Q], not empty, got"
    with pytest.raises(ValueError, match=re.escape(f"{message} {positive} and {negative}")):
        link_ranks(torch.zeros(positive), torch.zeros(negative))


def test_nan_is_refused() -> None:
    good, bad = torch.zeros(2, 3), torch.tensor([[0.0, 0.0, 0.0], [0.0, float("nan"), 0.0]])
    for positive, negative in ((good[:, 1], bad), (bad[:, 1], good)):
        with pytest.raises(ValueError, match="positive and negative must hold numbers, got NaN"):
            link_ranks(positive, negative)


@pytest.mark.parametrize(
    ("ranks", "k", "mrr", "hits", "ndcg"),
    [
        ([1.0, 1.0], 10, 1, 1, 1),
        ([1.0, 2.0, 4.0, 11.0], 10, (1 + 1 / 2 + 1 / 4 + 1 / 11) / 4, 3 / 4, (1 + 1 / log2(3) + 1 / log2(5)) / 4),
        # A tie for places 10 and 11 is not among the first ten, one for 9 and 10 is.
        ([10.0, 10.5, 9.5], 10, (1 / 10 + 1 / 10.5 + 1 / 9.5) / 3, 2 / 3, (1 / log2(11) + 1 / log2(10.5)) / 3),
        ([1.0, 1.5, 2.0, 3.0], 1, (1 + 1 / 1.5 + 1 / 2 + 1 / 3) / 4, 1 / 4, 1 / 4),
        ([1.0, 1.5, 2.0, 3.0], 2, (1 + 1 / 1.5 + 1 / 2 + 1 / 3) / 4, 3 / 4, (1 + 1 / log2(2.5) + 1 / log2(3)) / 4),
        ([3.0], 3, 1 / 3, 1, 1 / 2),
        ([7.0], 3, 1 / 7, 0, 0),
    ],
)
def test_scores_by_hand(ranks: list[float], k: int, mrr: float, hits: float, ndcg: float) -> None:
    scores = ranking_scores(torch.tensor(ranks), k)
    assert scores.mrr == pytest.approx(mrr, abs=1e-15)
    assert scores.hits == pytest.approx(hits, abs=1e-15)
    assert scores.ndcg == pytest.approx(ndcg, abs=1e-15)


@pytest.mark.parametrize("k", [1, 3, 10, 31])
def test_without_ties_the_scores_are_those_of_pyg(k: int) -> None:
    """PyG's metrics take each query's nodes in order of score; here node 0 is the link, 1 to 30 are its negatives.

    With one link a query, the recall among the first k is the hit ratio, which PyG has from 2.7 on.
    """
    source = torch.Generator().manual_seed(k)
    scores = torch.rand(200, 31, generator=source, dtype=torch.float64)
    scores[:, 0] += 0.5
    assert all(row.unique().numel() == 31 for row in scores)
    order = scores.argsort(dim=1, descending=True)
    relevant = torch.stack([torch.arange(200), torch.zeros(200, dtype=torch.long)])
    expected = []
    for metric in (LinkPredMRR(31), LinkPredRecall(k), LinkPredNDCG(k)):
        metric.update(order[:, : metric.k], relevant)
        expected.append(float(metric.compute()))
    ours = ranking_scores(link_ranks(scores[:, 0], scores[:, 1:]), k)
    assert tuple(ours) == pytest.approx(tuple(expected), abs=1e-6)
    assert 0 < ours.ndcg < 1
    assert ours.ndcg <= ours.hits


def test_is_three_floats_with_k_ten_by_default() -> None:
    ranks = torch.arange(1, 21)
    scores = ranking_scores(ranks)
    assert isinstance(scores, RankingScores)
    assert [type(value) for value in scores] == [float, float, float]
    assert scores.mrr == pytest.approx(sum(1 / rank for rank in range(1, 21)) / 20, abs=1e-15)
    assert scores.hits == 0.5
    assert scores.ndcg == pytest.approx(sum(1 / log2(1 + rank) for rank in range(1, 11)) / 20, abs=1e-15)


def test_no_ranks_are_refused() -> None:
    with pytest.raises(ValueError, match="ranks must hold at least one rank, got none"):
        ranking_scores(torch.empty(0))


@pytest.mark.parametrize("num_values", [2, 7, 10_000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.long])
def test_ranks_among_shared_negatives_are_those_of_a_copy_for_each_link(num_values: int, dtype: torch.dtype) -> None:
    source = torch.Generator().manual_seed(num_values)
    positive, negative = (torch.randint(num_values, (count,), generator=source).to(dtype) for count in (50, 31))
    expected = link_ranks(positive, negative.expand(50, 31))
    assert torch.equal(link_ranks(positive, negative), expected)


def test_shared_negatives_of_a_narrower_dtype_keep_the_digits() -> None:
    positive = torch.tensor([1 + 1e-12, 1 - 1e-12], dtype=torch.float64)
    assert link_ranks(positive, torch.ones(1)).tolist() == [1, 2]


@pytest.mark.parametrize("k", [1, 3, 10, 100])
@pytest.mark.parametrize("num_values", [5, 10_000])
def test_hits_among_shared_negatives_are_those_of_ogb(k: int, num_values: int) -> None:
    """The lines of ogb.linkproppred.Evaluator._eval_hits, on NumPy arrays."""
    source = torch.Generator().manual_seed(k)
    positive, negative = (torch.randint(num_values, (count,), generator=source).double() for count in (80, 60))
    expected = 1.0
    if k <= 60:
        kth_score_in_negative_edges = np.sort(negative.numpy())[-k]
        expected = float(np.sum(positive.numpy() > kth_score_in_negative_edges)) / 80
    assert hits_at_k(positive, negative, k) == expected


def test_hits_among_own_negatives_count_the_ranks() -> None:
    positive = torch.tensor([0.0, 10.0, 20.0, 5.0])
    negative = torch.tensor([[1.0, -1.0], [9.0, 8.0], [21.0, 22.0], [5.0, 0.0]])
    assert [hits_at_k(positive, negative, k) for k in (1, 2, 3, 9)] == [0.25, 0.75, 1, 1]


def test_hits_are_refused_where_there_is_nothing_to_rank() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        hits_at_k(torch.zeros(3), torch.zeros(3), 0)
    with pytest.raises(ValueError, match=re.escape("not empty, got (0,) and (3,)")):
        hits_at_k(torch.zeros(0), torch.zeros(3), 1)
    with pytest.raises(ValueError, match="must hold numbers, got NaN"):
        hits_at_k(torch.zeros(3), torch.tensor([float("nan")]), 1)


@pytest.mark.parametrize("num_values", [3, 10_000])
def test_ranks_among_own_negatives_are_those_of_ogb(num_values: int) -> None:
    """The lines of ogb.linkproppred.Evaluator._eval_mrr, where a tie counts half; and counting by hand."""
    source = torch.Generator().manual_seed(num_values)
    positive = torch.randint(num_values, (40,), generator=source).double()
    negative = torch.randint(num_values, (40, 25), generator=source).double()
    optimistic = (negative > positive.view(-1, 1)).sum(dim=1)
    pessimistic = (negative >= positive.view(-1, 1)).sum(dim=1)
    ranking_list = 0.5 * (optimistic + pessimistic) + 1
    ranks = link_ranks(positive, negative)
    assert torch.equal(ranks, ranking_list)
    for k in (1, 3, 10):
        assert hits_at_k(positive, negative, k) == float((ranking_list <= k).double().mean())
        assert ranking_scores(ranks, k).hits == pytest.approx(hits_at_k(positive, negative, k), abs=1e-12)
    assert ranking_scores(ranks).mrr == pytest.approx(float((1.0 / ranking_list.double()).mean()), abs=1e-12)
    total = 0.0
    for link, own in zip(positive.tolist(), negative.tolist(), strict=True):
        rank = 1.0
        for score in own:
            rank += 1.0 if score > link else 0.5 if score == link else 0.0
        total += 1 / rank
    assert ranking_scores(ranks).mrr == pytest.approx(total / 40, abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_hits_among_shared_negatives_by_counting(k: int) -> None:
    """A link is a hit if fewer than k negatives have a score that is as high."""
    source = torch.Generator().manual_seed(k)
    positive, negative = (torch.randint(6, (count,), generator=source).tolist() for count in (30, 12))
    hits = sum(sum(score >= link for score in negative) < k for link in positive)
    assert hits_at_k(torch.tensor(positive).double(), torch.tensor(negative).double(), k) == hits / 30


@pytest.mark.parametrize("ranks", [[0.0, 1.0], [1.0, math.nan], [1.0, math.inf]])
def test_ranks_that_are_none_are_refused(ranks: list[float]) -> None:
    with pytest.raises(ValueError, match="ranks must be finite and at least 1, got"):
        ranking_scores(torch.tensor(ranks))


def test_hits_at_no_place_are_refused() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        ranking_scores(torch.ones(2), k=0)
