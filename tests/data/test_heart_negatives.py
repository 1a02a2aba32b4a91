from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from spherical_gae.data import load_heart
from spherical_gae.data.heart_negatives import make_heart_ends, personalized_pagerank

# A path 0 - 1 - 2 - 3 - 4 and a node 5 without links; the angle of the features grows with the node's number.
X = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0], [1.0, 9.0]])
PATH = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])


def test_pagerank_is_the_inverse_of_the_walk() -> None:
    dense = np.triu(np.random.default_rng(0).random((40, 40)) < 0.08, 1).astype(float)
    dense[:, 7] = dense[7] = 0
    dense += dense.T
    walk = dense / np.maximum(dense.sum(1, keepdims=True), 1)
    expected = 0.15 * np.linalg.inv(np.eye(40) - 0.85 * walk)
    nodes = np.array([3, 7, 20])
    found = personalized_pagerank(sp.csr_array(dense), nodes)
    np.testing.assert_allclose(found, expected[nodes], rtol=2e-7, atol=1e-12)
    assert np.flatnonzero(found[1]).tolist() == [7]


def test_a_node_counts_by_its_best_rank() -> None:
    # Of (0, 4): 2 shares a neighbour with 0 and with 4, 3 is next by PageRank and features, 5 is nearest to 4.
    (ends,) = make_heart_ends(X, PATH, [(torch.tensor([[0], [4]]), PATH)], num_hard=4)
    assert [sorted(half) for half in ends.reshape(2, 2).tolist()] == [[2, 3], [2, 5]]


def test_known_links_are_no_negatives() -> None:
    known = torch.cat([PATH, torch.tensor([[0, 4], [2, 2]])], dim=1)
    (ends,) = make_heart_ends(X, PATH, [(torch.tensor([[0], [4]]), known)], num_hard=4)
    assert [sorted(half) for half in ends.reshape(2, 2).tolist()] == [[3, 5], [1, 5]]


def test_ranks_by_features_count_the_other_way_round_at_the_second_time() -> None:
    # So many links that every node has a rank of its own by each score: the best three hold the best by features.
    generator = torch.Generator().manual_seed(0)
    links = torch.triu(torch.rand(30, 30, generator=generator) < 0.4, 1).nonzero().t()
    x = torch.rand(30, 8, generator=generator)
    (ends,) = make_heart_ends(x, links, [(torch.tensor([[0, 0, 0], [1, 1, 1]]), links)], num_hard=6)
    candidates = sorted(set(range(2, 30)) - set(links[1, links[0] == 0].tolist()))
    cosine = torch.cosine_similarity(x[:1], x[candidates])
    nearest, farthest = candidates[int(cosine.argmax())], candidates[int(cosine.argmin())]
    assert [(nearest in row[:3], farthest in row[:3]) for row in ends.tolist()] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_nodes_without_a_score_are_drawn() -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    (ends,) = make_heart_ends(torch.eye(50), none, [(torch.tensor([[0], [1]]), none)], num_hard=10)
    assert set(ends.ravel()) <= set(range(2, 50))
    assert len(set(ends.ravel())) > 5


@pytest.mark.parametrize("num_hard", [0, 3, 12])
def test_numbers_of_negatives_that_cannot_be(num_hard: int) -> None:
    with pytest.raises(ValueError, match=f"num_hard: given {num_hard}, allowed: even numbers from 2 to 10"):
        make_heart_ends(X, PATH, [(PATH, PATH)], num_hard)


@pytest.mark.real_data
@pytest.mark.slow
def test_the_published_ones_of_citeseer_are_made_again(real_data_root: Path) -> None:
    split = load_heart("citeseer", real_data_root).split
    train, val, test = (part.pos_edge_label_index for part in split)
    made = make_heart_ends(split.train.x, train, [(val, train), (test, torch.cat([train, val], dim=1))])
    with np.load(real_data_root / "HeaRT" / "citeseer" / "heart_ends.npz") as archive:
        for ends, known in zip(made, (archive["valid"], archive["test"]), strict=True):
            halves = zip(ends.reshape(-1, 250), known.reshape(-1, 250).astype(np.int64), strict=True)
            assert np.mean([np.isin(mine, theirs).mean() for mine, theirs in halves]) > 0.998
