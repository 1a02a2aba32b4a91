import math
from collections.abc import Callable

import networkx as nx
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from spherical_gae import load_graph, split_links
from spherical_gae.data import LinkSplit
from spherical_gae.data.edge_sets import EdgeSet
from spherical_gae.evaluation import (
    auc_ap,
    brier_score,
    expected_calibration_error,
    link_ranks,
    protocol,
    ranking_scores,
)
from spherical_gae.evaluation.protocol import LinkEvaluation
from spherical_gae.nn.propagation import node_degree

UNIFORM = {"auc", "ap", "mrr", "hits_at_10", "ndcg_at_10"}
RANKING = ("mrr", "hits_at_10", "ndcg_at_10")
NAMES = UNIFORM | {f"{name}_connected" for name in UNIFORM} | {"auc_degree_matched", "ap_degree_matched"}
CALIBRATION = {"ece", "brier"}
NUM_RANKED = 20


def popular(num_nodes: int, links_per_node: int, val: float, test: float) -> LinkSplit:
    graph = nx.barabasi_albert_graph(num_nodes, links_per_node, seed=0)
    edge_index = to_undirected(torch.tensor(list(graph.edges)).t(), num_nodes=num_nodes)
    return split_links(Data(edge_index=edge_index, num_nodes=num_nodes), val, test, seed=1)


@pytest.fixture(scope="module")
def split() -> LinkSplit:
    """Two fifths of the links train, so that many nodes have no training link."""
    return popular(300, 2, val=0.2, test=0.4)


@pytest.fixture(scope="module")
def evaluation(split: LinkSplit) -> LinkEvaluation:
    return LinkEvaluation(split, seed=3, num_ranked=NUM_RANKED)


def all_links(split: LinkSplit) -> Tensor:
    return torch.cat([part.pos_edge_label_index for part in split], dim=1)


def random_predictor(num_nodes: int) -> Callable[[Tensor], Tensor]:
    """Rounded, so that there are ties."""
    source = torch.Generator().manual_seed(0)
    offsets = torch.randn(num_nodes, generator=source)
    return lambda pairs: (2 * offsets[pairs[0]] * offsets[pairs[1]] + offsets[pairs].sum(0)).round(decimals=1)


def test_negatives_are_what_is_documented(split: LinkSplit, evaluation: LinkEvaluation) -> None:
    assert torch.equal(evaluation.positive, split.test.pos_edge_label_index)
    assert torch.equal(evaluation.uniform, split.test.neg_edge_label_index)
    assert evaluation.degree_matched.shape == evaluation.positive.shape
    assert evaluation.ranked.shape == (*evaluation.positive.shape, NUM_RANKED)
    linked = {frozenset(pair) for pair in all_links(split).t().tolist()}
    for pairs in (evaluation.degree_matched, evaluation.ranked.flatten(1)):
        assert all(len({i, j}) == 2 and frozenset((i, j)) not in linked for i, j in pairs.t().tolist())
    assert (evaluation.ranked == evaluation.positive[:, :, None]).sum(0).eq(1).all()
    # Training degrees up to 2 have more than 20 nodes each, higher ones may be merged.
    degree = node_degree(split.train.edge_index, split.train.num_nodes)
    assert torch.bincount(degree.long())[:3].min() >= 20
    common = degree[evaluation.positive] <= 2
    assert common.double().mean() > 0.5
    assert torch.equal(degree[evaluation.degree_matched][common], degree[evaluation.positive][common])


def test_values_by_hand(split: LinkSplit, evaluation: LinkEvaluation) -> None:
    predictor = random_predictor(300)
    trained = set(split.train.edge_index.flatten().tolist())
    positive, uniform, matched, ranked = (
        predictor(pairs).double()
        for pairs in (evaluation.positive, evaluation.uniform, evaluation.degree_matched, evaluation.ranked)
    )
    kept, negative_kept = (
        torch.tensor([i in trained and j in trained for i, j in pairs.t().tolist()])
        for pairs in (evaluation.positive, evaluation.uniform)
    )
    assert 10 < kept.sum() < kept.numel() - 10
    assert 10 < negative_kept.sum() < negative_kept.numel() - 10
    ranks = link_ranks(positive, ranked)
    probability = torch.cat([positive, uniform]).sigmoid()
    label = torch.cat([torch.ones(positive.numel()), torch.zeros(uniform.numel())])
    expected = {
        **dict(zip(("auc", "ap"), auc_ap(positive, uniform), strict=True)),
        **dict(zip(RANKING, ranking_scores(ranks, 10), strict=True)),
        **dict(zip(("auc_connected", "ap_connected"), auc_ap(positive[kept], uniform[negative_kept]), strict=True)),
        **dict(zip((f"{name}_connected" for name in RANKING), ranking_scores(ranks[kept], 10), strict=True)),
        **dict(zip(("auc_degree_matched", "ap_degree_matched"), auc_ap(positive, matched), strict=True)),
        "ece": expected_calibration_error(probability, label),
        "brier": brier_score(probability, label),
    }
    scores = evaluation.scores(predictor)
    assert scores == expected
    assert set(scores) == NAMES | CALIBRATION
    assert all(type(value) is float and 0 < value < 1 for value in scores.values())
    assert len(set(scores.values())) == len(scores)


def test_oracle_scores_one_everywhere(split: LinkSplit, evaluation: LinkEvaluation) -> None:
    links = EdgeSet(all_links(split), 300)
    scores = evaluation.scores(lambda pairs: 40.0 * links.contains(pairs[0], pairs[1]) - 20)
    assert {scores.pop(name) for name in NAMES} == {1.0}
    assert scores == {name: pytest.approx(0, abs=1e-8) for name in CALIBRATION}


def test_liar_scores_worst(split: LinkSplit, evaluation: LinkEvaluation) -> None:
    links = EdgeSet(all_links(split), 300)
    scores = evaluation.scores(lambda pairs: 20 - 40.0 * links.contains(pairs[0], pairs[1]))
    assert {scores[name] for name in NAMES if name.startswith(("auc", "hits", "ndcg"))} == {0.0}
    assert [scores["mrr"], scores["mrr_connected"]] == pytest.approx([1 / (NUM_RANKED + 1)] * 2)
    assert [scores["ece"], scores["brier"]] == pytest.approx([1, 1], abs=1e-8)


def test_constant_predictor(evaluation: LinkEvaluation) -> None:
    scores = evaluation.scores(lambda pairs: torch.full((pairs.size(1),), math.log(4)))
    other = evaluation.scores(lambda pairs: torch.zeros(pairs.size(1)), log_odds=False)
    assert {scores[name] for name in NAMES if name.startswith("auc")} == {0.5}
    assert scores["ap"] == scores["ap_degree_matched"] == 0.5  # as many negatives as links
    assert [scores["mrr"], scores["mrr_connected"]] == pytest.approx([1 / (1 + NUM_RANKED / 2)] * 2)
    assert {scores[name] for name in NAMES if name.startswith(("hits", "ndcg"))} == {0.0}
    # A probability of .8 that is .5.
    assert scores["ece"] == pytest.approx(0.3, abs=1e-6)
    assert scores["brier"] == pytest.approx((0.8**2 + 0.2**2) / 2, abs=1e-6)
    assert other == {name: scores[name] for name in NAMES}


def test_knowing_degrees_gains_nothing_where_they_are_matched() -> None:
    split = popular(3_000, 4, val=0.05, test=0.3)
    degree = node_degree(split.train.edge_index, 3_000)
    scores = LinkEvaluation(split, num_ranked=1).scores(lambda pairs: degree[pairs].sum(0), log_odds=False)
    assert scores["auc"] > 0.65
    # Over 30 seeds: .5007 +- .0003 and .5043 +- .0015; only merged classes, of several degrees, are not exactly .5.
    assert scores["auc_degree_matched"] == pytest.approx(0.5, abs=0.005)
    assert scores["ap_degree_matched"] == pytest.approx(0.5, abs=0.02)


def test_connected_leaves_out_pairs_of_which_an_end_has_no_training_link(split: LinkSplit) -> None:
    degree = node_degree(split.train.edge_index, 300)
    evaluation = LinkEvaluation(split, num_ranked=NUM_RANKED)
    links = EdgeSet(all_links(split), 300)

    def oracle_but_for(isolated_only: bool) -> dict[str, float]:
        def predictor(pairs: Tensor) -> Tensor:
            isolated = (degree[pairs] == 0).any(0)
            right = links.contains(pairs[0], pairs[1])
            return torch.where(isolated == isolated_only, ~right, right).double()

        return evaluation.scores(predictor, log_odds=False)

    # What is said of the pairs left out does not matter; of the ranked pairs none is left out.
    wrong_on_isolated = oracle_but_for(isolated_only=True)
    assert wrong_on_isolated["auc_connected"] == wrong_on_isolated["ap_connected"] == 1
    assert wrong_on_isolated["auc"] < 0.9
    assert wrong_on_isolated["mrr_connected"] < 1
    # And it does matter what is said of all others.
    wrong_on_others = oracle_but_for(isolated_only=False)
    assert wrong_on_others["auc_connected"] == 0
    assert wrong_on_others["auc"] > 0


def test_same_seed_same_pairs(split: LinkSplit, evaluation: LinkEvaluation) -> None:
    before = torch.get_rng_state()
    again, other = (LinkEvaluation(split, seed, NUM_RANKED) for seed in (3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    predictor = random_predictor(300)
    assert again.scores(predictor) == evaluation.scores(predictor)
    assert torch.equal(again.ranked, evaluation.ranked)
    assert torch.equal(other.uniform, evaluation.uniform)
    assert not torch.equal(other.ranked, evaluation.ranked)
    assert not torch.equal(other.degree_matched, evaluation.degree_matched)


@pytest.mark.parametrize("max_pairs", [1, 7, 239, 240])
def test_pieces_do_not_matter(evaluation: LinkEvaluation, max_pairs: int) -> None:
    predictor = random_predictor(300)
    expected = evaluation.scores(predictor)
    asked = []

    def recording(pairs: Tensor) -> Tensor:
        asked.append(pairs.size(1))
        assert pairs.dtype == torch.long
        assert not torch.is_grad_enabled()
        return predictor(pairs)

    assert evaluation.scores(recording, max_pairs=max_pairs) == expected
    assert max(asked) == max_pairs
    assert sum(asked) == evaluation.positive.size(1) * (3 + NUM_RANKED)


def test_a_piece_without_pairs_is_refused(evaluation: LinkEvaluation) -> None:
    with pytest.raises(ValueError, match=r"^max_pairs: given 0, allowed: 1 or more"):
        evaluation.scores(random_predictor(300), max_pairs=0)


def test_scores_without_log_odds_may_be_anything_finite(evaluation: LinkEvaluation) -> None:
    predictor = random_predictor(300)
    expected = evaluation.scores(predictor)
    scores = evaluation.scores(lambda pairs: 1_000 * predictor(pairs).requires_grad_() - 5e6, log_odds=False)
    assert set(scores) == NAMES
    assert scores == {name: pytest.approx(expected[name], abs=1e-12) for name in NAMES}


def test_hundred_negatives_by_default_on_a_real_graph() -> None:
    data = load_graph("digits")
    pixels = torch.from_numpy(load_digits().data / 16)
    evaluation = LinkEvaluation(split_links(data))
    assert evaluation.ranked.shape == (2, 625, 100)
    scores = evaluation.scores(lambda pairs: -(pixels[pairs[0]] - pixels[pairs[1]]).norm(dim=1), log_odds=False)
    # Images are linked by half of what is seen here.
    assert scores["auc"] > 0.97
    assert scores["auc_degree_matched"] > 0.97
    assert scores["hits_at_10"] > 0.9


@pytest.mark.parametrize("num_ranked", [0, -1])
def test_nothing_to_rank_among_is_refused(split: LinkSplit, num_ranked: int) -> None:
    with pytest.raises(ValueError, match=f"num_ranked: given {num_ranked}, allowed: 1 or more"):
        LinkEvaluation(split, num_ranked=num_ranked)


def test_graph_with_a_node_linked_to_all_is_refused() -> None:
    star = to_undirected(torch.stack([torch.zeros(60, dtype=torch.long), torch.arange(1, 61)]))
    with pytest.raises(ValueError, match="edge_index: given a node that is linked to nearly all of the 61 nodes"):
        LinkEvaluation(split_links(Data(edge_index=star, num_nodes=61)))


def test_graph_without_unlinked_pairs_of_like_degrees_is_refused() -> None:
    clique = to_undirected(torch.combinations(torch.arange(22)).t())
    with pytest.raises(ValueError, match="edge_index: given 23 links for which no unlinked pair of like degrees"):
        LinkEvaluation(split_links(Data(edge_index=clique, num_nodes=200)))


@pytest.mark.parametrize(
    ("more", "given"),
    [
        ({"directed": True}, "a directed graph"),
        ({"side": torch.arange(300) % 2}, "a bipartite graph"),
        ({"batch": torch.arange(300) // 150}, "a batch of 2 undirected graphs"),
    ],
)
def test_kinds_whose_negatives_are_others_are_refused(more: dict[str, object], given: str, split: LinkSplit) -> None:
    train = split.train.clone().update(more)
    with pytest.raises(ValueError, match=rf"^split: given {given}, allowed: one undirected graph of one kind of nodes"):
        LinkEvaluation(split._replace(train=train))


def test_one_score_for_each_pair(evaluation: LinkEvaluation) -> None:
    with pytest.raises(ValueError, match=r"predictor: given scores of shape .* allowed: one for each"):
        evaluation.scores(lambda pairs: torch.zeros(2 * pairs.size(1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"num_ranked": -1}, "num_ranked: given -1, allowed: 1 or more"), ({"seed": -1}, "seed: given -1, allowed: 0")],
)
def test_out_of_range_is_refused_before_anything_is_drawn(
    split: LinkSplit, arguments: dict[str, int], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "DegreeMatchedSampler", None)
    with pytest.raises(ValueError, match=message):
        LinkEvaluation(split, **arguments)


def test_negatives_of_each_link_are_refused(split: LinkSplit) -> None:
    test = split.test.clone()
    test.neg_edge_label_index = torch.zeros(test.pos_edge_label_index.size(1), 2, 2, dtype=torch.long)
    with pytest.raises(
        ValueError, match=r"^split\.test\.neg_edge_label_index: given shape \[\d+, 2, 2\], negatives of each"
    ):
        LinkEvaluation(LinkSplit(split.train, split.val, test))
