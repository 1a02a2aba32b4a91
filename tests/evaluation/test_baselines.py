import math
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from spherical_gae import load_graph, split_links
from spherical_gae.evaluation import (
    adamic_adar,
    baselines,
    common_neighbors,
    katz,
    resource_allocation,
    untrained_embeddings,
)
from spherical_gae.experiments.baseline import score_baseline

PUBLISHED = {"cora": (0.941, 0.953), "citeseer": (0.960, 0.969)}
"""Test AUC and AP, means over ten splits of the same kind."""


def test_by_hand() -> None:
    """A path 0 - 1 - 2 and an isolated node; feature 0 is everywhere, so that its idf is 1."""
    x = torch.tensor([[1.0, 0.0], [1.0, 2.0], [3.0, 0.0], [1.0, 0.0]])
    data = Data(x=x, edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    idf = math.log((1 + 4) / (1 + 1)) + 1
    norm = math.hypot(1, 2 * idf)
    rows = [(1, 0), (1 / norm, 2 * idf / norm), (1, 0), (1, 0)]
    side = 1 / math.sqrt(6)  # degrees with the self-loop: 2, 3, 2, 1
    weights = [[1 / 2, side, 0, 0], [side, 1 / 3, side, 0], [0, side, 1 / 2, 0], [0, 0, 0, 1]]
    propagated = [[sum(w * row[k] for w, row in zip(line, rows, strict=True)) for k in (0, 1)] for line in weights]
    expected = torch.tensor([[a / math.hypot(a, b), b / math.hypot(a, b)] for a, b in propagated])
    torch.testing.assert_close(untrained_embeddings(data), expected)


def test_weights_of_links_count() -> None:
    """0 - 1 with weight 3: strengths with the self-loop are 4 and 4."""
    x, edge_index = torch.eye(2), torch.tensor([[0, 1], [1, 0]])
    z = untrained_embeddings(Data(x=x, edge_index=edge_index, edge_weight=torch.tensor([3.0, 3.0])))
    norm = math.hypot(1 / 4, 3 / 4)
    torch.testing.assert_close(z, torch.tensor([[1 / 4, 3 / 4], [3 / 4, 1 / 4]]) / norm)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.float16])
def test_float32_for_features_of_any_dtype(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    counts, edge_index = torch.randint(4, (6, 5)), torch.tensor([[0, 1], [1, 0]])
    expected = untrained_embeddings(Data(x=counts.float(), edge_index=edge_index))
    actual = untrained_embeddings(Data(x=counts.to(dtype), edge_index=edge_index))
    assert actual.dtype == torch.float32
    assert torch.equal(actual, expected)


def test_node_without_features_borrows_or_stays_zero() -> None:
    x = torch.tensor([[0.0, 0.0], [0.0, 3.0], [0.0, 0.0]])
    z = untrained_embeddings(Data(x=x, edge_index=torch.tensor([[0, 1], [1, 0]])))
    torch.testing.assert_close(z, torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))


def test_features_are_left_as_they_were() -> None:
    data = load_graph("digits")
    before = data.x.clone()
    untrained_embeddings(data)
    assert torch.equal(data.x, before)


@pytest.mark.parametrize("value", [-0.5, float("nan")])
def test_negative_and_nan_features_are_refused(value: float) -> None:
    data = Data(x=torch.tensor([[1.0, value]]), edge_index=torch.empty(2, 0, dtype=torch.long))
    with pytest.raises(ValueError, match=f"x must be non-negative for tf-idf, got a smallest entry of {value}"):
        untrained_embeddings(data)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_untrained_cosine_scores_as_published(real_data_root: Path, name: str) -> None:
    """Here over seeds 0 to 2: Cora .9414 / .9511, CiteSeer .9541 / .9664."""
    data = load_graph(name, real_data_root)
    scores = torch.tensor([score_baseline(split_links(data, seed=seed)) for seed in range(3)], dtype=torch.float64)
    assert scores.mean(0).tolist() == pytest.approx(PUBLISHED[name], abs=0.015)


def random_graph(seed: int) -> tuple[nx.Graph, Tensor]:
    graph = nx.gnp_random_graph(30, 0.25, seed=seed)
    return graph, to_undirected(torch.tensor(list(graph.edges)).t())


@pytest.mark.parametrize("seed", range(3))
def test_common_neighbors_of_all_pairs_as_by_networkx(seed: int) -> None:
    graph, edge_index = random_graph(seed)
    pairs = torch.combinations(torch.arange(30)).t()
    counts = common_neighbors(edge_index, 30, pairs)
    assert counts.dtype == torch.float32
    assert counts.tolist() == [len(list(nx.common_neighbors(graph, i, j))) for i, j in pairs.t().tolist()]
    assert torch.equal(common_neighbors(edge_index, 30, pairs.flip(0)), counts)


def test_common_neighbors_count_repeated_links_once() -> None:
    # 0 and 1 share 2 and 3; 4 is linked to 0 only, and 5 to nothing.
    once = to_undirected(torch.tensor([[0, 1, 0, 1, 0], [2, 2, 3, 3, 4]]))
    pairs = torch.tensor([[0, 2, 4, 0, 5, 0], [1, 3, 2, 2, 0, 0]])
    for edge_index in (once, torch.cat([once, once, once[:, :4]], dim=1)):
        assert common_neighbors(edge_index, 6, pairs).tolist() == [2, 2, 1, 0, 0, 3]


def test_common_neighbors_of_repeated_and_of_no_pairs() -> None:
    _, edge_index = random_graph(0)
    pairs = torch.tensor([[3, 8, 3], [8, 3, 8]])
    expected = common_neighbors(edge_index, 30, pairs[:, :1])
    assert torch.equal(common_neighbors(edge_index, 30, pairs), expected.repeat(3))
    assert common_neighbors(edge_index, 30, pairs[:, :0]).shape == (0,)


def test_no_common_neighbors_without_links() -> None:
    assert common_neighbors(torch.empty(2, 0, dtype=torch.long), 3, torch.tensor([[0, 1], [1, 2]])).tolist() == [0, 0]


def test_indices_of_common_neighbors_are_those_of_networkx() -> None:
    graph, edge_index = random_graph(3)
    pairs = torch.combinations(torch.arange(30)).t()
    listed = pairs.t().tolist()
    expected = [len(list(nx.common_neighbors(graph, *pair))) for pair in listed]
    assert common_neighbors(edge_index, 30, pairs).tolist() == expected
    for ours, theirs in ((adamic_adar, nx.adamic_adar_index), (resource_allocation, nx.resource_allocation_index)):
        expected = torch.tensor([value for *_, value in theirs(graph, listed)])
        torch.testing.assert_close(ours(edge_index, 30, pairs), expected)


def test_katz_is_the_closed_form() -> None:
    graph, edge_index = random_graph(3)
    pairs = torch.combinations(torch.arange(30)).t().flip(1)
    adjacency = torch.from_numpy(nx.to_numpy_array(graph))
    closed = torch.linalg.inv(torch.eye(30, dtype=torch.float64) - 0.05 * adjacency)
    expected = closed[pairs[0], pairs[1]].float()
    torch.testing.assert_close(katz(edge_index, 30, pairs, beta=0.05), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_katz_wants_a_factor_that_converges(beta: float) -> None:
    path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    with pytest.raises(ValueError, match=rf"beta must be positive and below 1 / the largest degree, 0.5, got {beta}"):
        katz(path, 3, torch.tensor([[0], [1]]), beta=beta)


@pytest.mark.parametrize("score", [common_neighbors, adamic_adar, resource_allocation, katz])
def test_nodes_that_are_not_there_are_refused(score: Callable[..., Tensor]) -> None:
    path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    with pytest.raises(ValueError, match="pairs: given nodes -1 to 0, allowed: 0 to 2"):
        score(path, 3, torch.tensor([[0], [-1]]))
    with pytest.raises(ValueError, match="edge_index: given nodes 0 to 2, allowed: 0 to 1"):
        score(path, 2, torch.tensor([[0], [1]]))


def test_pieces_are_cut_by_what_their_rows_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A star: the rows of its centre are long, and the pieces of its pairs short."""
    star = to_undirected(torch.stack([torch.zeros(50, dtype=torch.long), torch.arange(1, 51)]))
    pairs = torch.tensor([[0, 1, 0, 3], [1, 2, 2, 4]]).repeat(1, 9)
    expected = common_neighbors(star, 51, pairs)
    assert expected.tolist() == [0, 1, 0, 1] * 9
    monkeypatch.setattr(baselines, "_PIECE", 7)
    assert torch.equal(common_neighbors(star, 51, pairs), expected)


def test_features_may_be_sparse_and_must_be_there() -> None:
    data = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1], [1, 0]]))
    expected = untrained_embeddings(data)
    assert torch.equal(untrained_embeddings(Data(x=data.x.to_sparse(), edge_index=data.edge_index)), expected)
    with pytest.raises(ValueError, match=r"data.x: given None, allowed: features \[N, F\]"):
        untrained_embeddings(Data(edge_index=data.edge_index, num_nodes=3))
