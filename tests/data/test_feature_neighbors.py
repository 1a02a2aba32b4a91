import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch_geometric.utils import is_undirected, remove_self_loops, to_undirected

from spherical_gae.data import feature_neighbors, load_graph


def words(num_nodes: int, num_features: int, seed: int = 0) -> Tensor:
    """Continuous, so that no two cosines are equal."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(num_nodes, num_features, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("k", [1, 4, 29])
def test_neighbors_are_those_of_scikit_learn(k: int) -> None:
    x = words(30, 7)
    _, found = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(x.numpy()).kneighbors()
    source = torch.arange(30).repeat_interleave(k)
    expected = to_undirected(torch.stack([source, torch.from_numpy(found).flatten()]))
    assert torch.equal(feature_neighbors(x, k), expected)


def test_links_are_undirected_without_loops_and_in_order() -> None:
    edge_index = feature_neighbors(words(200, 5), k=6)
    assert is_undirected(edge_index, num_nodes=200)
    assert torch.equal(edge_index, remove_self_loops(edge_index)[0])
    assert torch.equal(edge_index, torch.unique(edge_index, dim=1))
    # Everybody has at least the neighbours it chose itself.
    assert int(torch.bincount(edge_index[0], minlength=200).min()) >= 6


def test_lengths_do_not_matter_but_directions_do() -> None:
    x = words(50, 6)
    scale = torch.logspace(-3, 3, 50, dtype=torch.float64)[:, None]
    assert torch.equal(feature_neighbors(x * scale, 3), feature_neighbors(x, 3))
    assert not torch.equal(feature_neighbors(x**4, 3), feature_neighbors(x, 3))


def test_pairs_without_anything_in_common_are_left_out() -> None:
    x = torch.block_diag(torch.ones(3, 2), torch.ones(2, 2), torch.zeros(1, 1))
    x[2] *= -1  # opposite to the first two
    assert feature_neighbors(x, k=5).tolist() == [[0, 1, 3, 4], [1, 0, 4, 3]]


def test_of_equal_neighbors_the_lowest_are_taken() -> None:
    assert feature_neighbors(torch.ones(5, 2), k=2).tolist() == [
        [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4],
        [1, 2, 3, 4, 0, 2, 3, 4, 0, 1, 0, 1, 0, 1],
    ]


def test_more_neighbors_than_nodes_are_all_nodes() -> None:
    assert feature_neighbors(torch.ones(3, 2), k=20).tolist() == [[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]]
    assert feature_neighbors(torch.ones(1, 2)).shape == (2, 0)
    assert feature_neighbors(torch.ones(0, 2)).shape == (2, 0)


def test_sparse_features_have_the_same_neighbors() -> None:
    x = words(40, 9) * (words(40, 9, seed=1) < 0.4)
    assert torch.equal(feature_neighbors(x.to_sparse(), 4), feature_neighbors(x, 4))


def test_neighbors_of_digits_are_mostly_of_the_same_class() -> None:
    data = load_graph("digits")
    source, target = feature_neighbors(data.x, k=5)
    assert (data.y[source] == data.y[target]).float().mean() > 0.8


@pytest.mark.parametrize(
    ("x", "k", "message"),
    [
        (torch.ones(3, 2), 0, "k must be at least 1, got 0"),
        (torch.ones(3), 1, r"x must be a float32 or float64 matrix \[N, F\], got torch.float32 of shape \(3,\)"),
        (torch.ones(3, 0), 1, r"x must be .*, got torch.float32 of shape \(3, 0\)"),
        (torch.ones(3, 2, dtype=torch.int64), 1, r"x must be .*, got torch.int64 of shape \(3, 2\)"),
        (torch.ones(3, 2, dtype=torch.float16), 1, r"x must be .*, got torch.float16 of shape \(3, 2\)"),
        (torch.tensor([[1.0, float("nan")], [1.0, 0.0]]), 1, "x must be finite, got NaN or infinity"),
    ],
)
def test_what_cannot_be_searched_is_refused(x: Tensor, k: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        feature_neighbors(x, k)


def test_autocast_does_not_change_the_neighbors() -> None:
    x = words(200, 50).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(feature_neighbors(x, 3), feature_neighbors(x.double(), 3))
