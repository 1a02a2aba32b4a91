import math
import re

import networkx as nx
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from spherical_gae import load_graph, split_links
from spherical_gae.data.edge_sets import EdgeSet
from spherical_gae.evaluation import auc_ap, brier_score, evaluate_links, expected_calibration_error, ranking_scores
from spherical_gae.evaluation.protocol import LinkEvaluation
from spherical_gae.evaluation.ranking import link_ranks

NUM_NODES, NUM_RANKED = 200, 12
NAMES = {"auc", "ap", "mrr", "hits_at_10", "ndcg_at_10", "ece", "brier"}


@pytest.fixture(scope="module")
def edge_index() -> Tensor:
    return torch.tensor(list(nx.barabasi_albert_graph(NUM_NODES, 3, seed=0).edges)).t().contiguous()


@pytest.fixture(scope="module")
def links(edge_index: Tensor) -> Tensor:
    return edge_index[:, ::3]


class Recorder:
    """Scores pairs by rounded random offsets of their ends, so that there are ties, and remembers the pairs."""

    def __init__(self) -> None:
        self.offsets = torch.randn(NUM_NODES, generator=torch.Generator().manual_seed(0))
        self.asked: list[Tensor] = []

    def __call__(self, pairs: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        self.asked.append(pairs)
        return (2 * self.offsets[pairs[0]] * self.offsets[pairs[1]] + self.offsets[pairs].sum(0)).round(decimals=1)


@pytest.mark.parametrize("max_pairs", [NUM_RANKED, 25, 197, 100_000])
def test_values_by_hand_from_the_pairs_that_were_scored(links: Tensor, edge_index: Tensor, max_pairs: int) -> None:
    recorder = Recorder()
    scores = evaluate_links(recorder, links, edge_index, NUM_NODES, num_ranked=NUM_RANKED, max_pairs=max_pairs)
    count = links.size(1)
    assert max(pairs.size(1) for pairs in recorder.asked) <= max_pairs
    pieces = math.ceil(count / max_pairs)
    for number in range(pieces):  # links, then as many uniform negatives
        here = links[:, number * max_pairs : (number + 1) * max_pairs]
        assert torch.equal(recorder.asked[2 * number], here)
        assert recorder.asked[2 * number + 1].shape == here.shape
    uniform = torch.cat(recorder.asked[1 : 2 * pieces : 2], dim=1)
    ranked = torch.cat(recorder.asked[2 * pieces :], dim=1).view(2, count, NUM_RANKED)
    known = EdgeSet(edge_index, NUM_NODES)
    for pairs in (uniform, ranked):
        assert not known.contains(pairs[0], pairs[1]).any()
        assert (pairs[0] != pairs[1]).all()
    assert (ranked == links[:, :, None]).sum(0).eq(1).all()

    predictor = Recorder()
    with torch.no_grad():
        positive, negative, among = (predictor(pairs).double() for pairs in (links, uniform, ranked.flatten(1)))
    ranking = ranking_scores(link_ranks(positive, among.view(count, NUM_RANKED)))
    probability = torch.cat([positive, negative]).sigmoid()
    label = torch.cat([torch.ones(count), torch.zeros(count)])
    assert scores == {
        **auc_ap(positive, negative)._asdict(),
        "mrr": ranking.mrr,
        "hits_at_10": ranking.hits,
        "ndcg_at_10": ranking.ndcg,
        "ece": expected_calibration_error(probability, label),
        "brier": brier_score(probability, label),
    }
    assert all(type(value) is float and 0 < value < 1 for value in scores.values())


def test_oracle_liar_and_constant(links: Tensor, edge_index: Tensor) -> None:
    known = EdgeSet(edge_index, NUM_NODES)

    def evaluate(high: float, low: float) -> dict[str, float]:
        return evaluate_links(
            lambda pairs: torch.where(known.contains(pairs[0], pairs[1]), high, low), links, edge_index, NUM_NODES
        )

    perfect, wrong, constant = evaluate(20, -20), evaluate(-20, 20), evaluate(0, 0)
    ranking = dict.fromkeys(NAMES - {"ece", "brier"}, 1.0)
    assert perfect == {**ranking, "ece": pytest.approx(0, abs=1e-8), "brier": pytest.approx(0, abs=1e-8)}
    assert [wrong[name] for name in ("auc", "hits_at_10", "ndcg_at_10")] == [0, 0, 0]
    assert wrong["mrr"] == pytest.approx(1 / 101)
    assert [wrong["ece"], wrong["brier"]] == pytest.approx([1, 1], abs=1e-8)
    assert [constant[name] for name in ("auc", "ap", "ece", "brier")] == [0.5, 0.5, 0.0, 0.25]
    assert constant["mrr"] == pytest.approx(1 / 51)


def test_agrees_with_the_evaluation_that_holds_all_pairs() -> None:
    """Other negatives of the same law: the scores differ by sampling only."""
    data = load_graph("digits")
    pixels = torch.from_numpy(load_digits().data / 16)
    split = split_links(data)
    links = split.test.pos_edge_label_index

    def predictor(pairs: Tensor) -> Tensor:
        return 8 - 2.5 * (pixels[pairs[0]] - pixels[pairs[1]]).norm(dim=1)

    known = torch.cat([part.pos_edge_label_index for part in split], dim=1)
    scores = evaluate_links(predictor, links, known, data.num_nodes)
    whole = LinkEvaluation(split).scores(predictor)
    assert scores == {name: pytest.approx(whole[name], abs=0.02) for name in NAMES}


def test_same_seed_same_negatives_and_the_global_state_stays(links: Tensor, edge_index: Tensor) -> None:
    before = torch.get_rng_state()
    recorders = [Recorder() for _ in range(3)]
    scores = [
        evaluate_links(recorder, links, edge_index, NUM_NODES, num_ranked=2, seed=seed)
        for recorder, seed in zip(recorders, (5, 5, 6), strict=True)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    first, again, other = (recorder.asked for recorder in recorders)
    assert scores[0] == scores[1]
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert torch.equal(other[0], links)
    assert not torch.equal(first[1], other[1])
    assert not torch.equal(first[2], other[2])


def test_without_log_odds_there_is_no_calibration(links: Tensor, edge_index: Tensor) -> None:
    scores = evaluate_links(lambda pairs: 1e6 + pairs.sum(0), links, edge_index, NUM_NODES, log_odds=False)
    assert set(scores) == NAMES - {"ece", "brier"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_ranked": 0}, "num_ranked: given 0, allowed: 1 or more"),
        ({"seed": -1}, "seed: given -1, allowed: 0 or more"),
        ({"max_pairs": 99}, "max_pairs: given 99, allowed: num_ranked = 100 or more"),
        ({"links": torch.empty(2, 0, dtype=torch.long)}, "links: given torch.int64 of shape [2, 0], allowed: "),
        ({"links": torch.zeros(2, 3)}, "links: given torch.float32 of shape [2, 3], allowed: torch.int64"),
        ({"links": torch.tensor([[0], [200]])}, "links: given node ids 0 to 200, allowed: 0 to 199"),
        ({"links": torch.tensor([[-1], [3]])}, "links: given node ids -1 to 3, allowed: 0 to 199"),
        ({"edge_index": torch.tensor([[0], [200]])}, "edge_index: given nodes 0 to 200, allowed: 0 to 199"),
    ],
)
def test_out_of_range_is_refused(links: Tensor, edge_index: Tensor, arguments: dict[str, object], message: str) -> None:
    def asked(pairs: Tensor) -> Tensor:
        raise AssertionError("scored before the arguments were checked")

    given = {"links": links, "edge_index": edge_index, **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        evaluate_links(asked, num_nodes=NUM_NODES, **given)  # type: ignore[arg-type]


def test_scores_that_are_no_numbers_are_refused(links: Tensor, edge_index: Tensor) -> None:
    with pytest.raises(ValueError, match="NaN"):
        evaluate_links(lambda pairs: torch.full((pairs.size(1),), math.nan), links, edge_index, NUM_NODES)


def test_one_score_for_each_pair(links: Tensor, edge_index: Tensor) -> None:
    with pytest.raises(ValueError, match=r"predictor: given scores of shape \[(\d+), 1\] for \1 pairs, allowed: one"):
        evaluate_links(lambda pairs: torch.zeros(pairs.size(1), 1), links, edge_index, NUM_NODES)
