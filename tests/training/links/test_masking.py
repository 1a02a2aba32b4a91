import itertools
import math
from collections import Counter

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch_geometric.utils import to_undirected

from spherical_gae.nn import NormalizedAdjacency, node_degree, normalized_adjacency
from spherical_gae.training.links.masking import AdjacencyMasking, LinkMasking

NUM_NODES = 25
CLASSES = pytest.mark.parametrize("masking_class", [LinkMasking, AdjacencyMasking])
TOLERANCE = {torch.float32: 1e-7, torch.float64: 1e-15}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)

# Four links, 0-1, 0-3, 1-2, 2-3, given in one direction, with a repeat in either direction and two self-loops.
MESSY = torch.tensor([[1, 0, 2, 2, 1, 3, 4, 1], [0, 3, 1, 2, 2, 2, 4, 0]])
CLEAN = [[0, 0, 1, 2], [1, 3, 2, 3]]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def edge_index() -> Tensor:
    """Both directions of 40 links, as ``LinkMasking`` asks; the last five nodes have none."""
    pairs = torch.combinations(torch.arange(NUM_NODES - 5)).t()
    return to_undirected(pairs[:, torch.randperm(pairs.size(1), generator=seeded())[:40]])


def as_pairs(links: Tensor) -> list[tuple[int, ...]]:
    return sorted(tuple(pair) for pair in links.t().tolist())


def both_directions(links: Tensor) -> list[tuple[int, ...]]:
    return as_pairs(torch.cat([links, links.flip(0)], dim=1))


def visible_links(masking: LinkMasking, hidden: Tensor) -> Tensor:
    """Those of the masking's links that are not hidden, both directions, without the class's own arithmetic."""
    rest = sorted(set(as_pairs(masking.links)) - set(as_pairs(hidden)))
    return torch.tensor([*rest, *(pair[::-1] for pair in rest)]).t()


@CLASSES
def test_links_are_taken_once_whatever_their_form(masking_class: type[LinkMasking], edge_index: Tensor) -> None:
    assert masking_class(MESSY, 5, 0.5).links.tolist() == CLEAN
    links = masking_class(edge_index, NUM_NODES, 0.5).links
    assert both_directions(links) == as_pairs(edge_index)
    for other in (links, links.flip(0), edge_index.flip(1), edge_index.repeat(1, 3)):
        assert torch.equal(masking_class(other, NUM_NODES, 0.5).links, links)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_hidden_and_visible_partition_the_links(edge_index: Tensor, share: float) -> None:
    masking = LinkMasking(edge_index, NUM_NODES, share)
    num_hidden = {0.1: 4, 0.5: 20, 0.9: 36}[share]
    assert (masking.num_links, masking.num_hidden) == (40, num_hidden)
    generator = seeded()
    for _ in range(20):
        visible, hidden = masking.sample(generator)
        assert (visible.dtype, hidden.dtype) == (torch.int64, torch.int64)
        assert hidden.shape == (2, num_hidden)
        assert visible.shape == (2, 2 * (40 - num_hidden))
        assert as_pairs(visible) == as_pairs(visible_links(masking, hidden))
        assert sorted([*as_pairs(visible), *both_directions(hidden)]) == as_pairs(edge_index)


@CLASSES
@pytest.mark.parametrize(
    ("share", "num_hidden"), [(1e-6, 1), (0.01, 1), (0.3, 3), (0.34, 3), (0.36, 4), (0.9, 9), (0.99, 9), (1 - 1e-9, 9)]
)
def test_number_is_rounded_and_leaves_a_link_on_either_side(
    masking_class: type[LinkMasking], share: float, num_hidden: int
) -> None:
    path = torch.stack([torch.arange(10), torch.arange(1, 11)])
    masking = masking_class(path, 11, share)
    assert masking.num_hidden == num_hidden
    assert masking.sample().hidden.shape == (2, num_hidden)


@CLASSES
def test_two_links_hide_either(masking_class: type[LinkMasking]) -> None:
    masking = masking_class(torch.tensor([[0, 1], [1, 2]]), 3, 0.9)
    seen = {tuple(masking.sample(seeded(seed)).hidden.flatten().tolist()) for seed in range(20)}
    assert seen == {(0, 1), (1, 2)}


@CLASSES
def test_every_set_of_links_is_hidden_equally_often(masking_class: type[LinkMasking]) -> None:
    """Chi-square over the 10 pairs of 5 links."""
    ring = torch.stack([torch.arange(5), (torch.arange(5) + 1) % 5])
    masking, generator = masking_class(ring, 5, 0.4), seeded()
    draws = Counter(tuple(as_pairs(masking.sample(generator).hidden)) for _ in range(3000))
    sets = list(itertools.combinations(as_pairs(masking.links), 2))
    assert set(draws) == set(sets)
    assert stats.chisquare([draws[pair] for pair in sets]).pvalue > 1e-3


@CLASSES
def test_every_link_is_hidden_equally_often(masking_class: type[LinkMasking], edge_index: Tensor) -> None:
    """Draws of H of L links without replacement: the counts' covariance makes the factor (L - 1) / L."""
    masking, generator, size = masking_class(edge_index, NUM_NODES, 0.25), seeded(), 2000
    numbers = torch.cat([masking.sample(generator).hidden for _ in range(size)], dim=1)
    code = numbers[0] * NUM_NODES + numbers[1]
    _, counts = code.unique(return_counts=True)
    assert counts.numel() == 40
    statistic = ((counts - 0.25 * size) ** 2).sum().item() / (size * 0.25 * 0.75) * 39 / 40
    assert 1e-3 < stats.chi2(39).sf(statistic) < 1 - 1e-3


@DTYPES
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_adjacency_is_that_of_the_visible_links(edge_index: Tensor, dtype: torch.dtype, share: float) -> None:
    masking, generator = AdjacencyMasking(edge_index, NUM_NODES, share, dtype), seeded()
    for _ in range(5):
        adjacency, hidden = masking.sample(generator)
        visible = visible_links(masking, hidden)
        expected = normalized_adjacency(visible, NUM_NODES, dtype)
        assert isinstance(adjacency, NormalizedAdjacency)
        assert (adjacency.shape, adjacency.dtype) == ((NUM_NODES, NUM_NODES), dtype)
        close = {"rtol": 0, "atol": TOLERANCE[dtype]}
        torch.testing.assert_close(adjacency.to_dense(), expected.to_dense(), **close)
        assert torch.equal(adjacency.degree, node_degree(visible, NUM_NODES).to(dtype))
        assert adjacency.degree.sum() == visible.size(1)
        assert torch.equal(node_degree(adjacency, NUM_NODES), expected.degree)
        # Hidden links keep their places.
        assert adjacency.nnz == 2 * 40 + NUM_NODES
        assert torch.equal(adjacency.to_dense()[hidden[0], hidden[1]], torch.zeros(hidden.size(1), dtype=dtype))


def test_messy_links_by_hand() -> None:
    """The four links make a ring, whose nodes have two links each; the fifth node is alone.  One link is hidden."""
    masking = AdjacencyMasking(MESSY, 5, 0.25, torch.float64)
    adjacency, hidden = masking.sample(seeded())
    assert as_pairs(hidden)[0] in as_pairs(torch.tensor(CLEAN))
    dense, (i, j) = adjacency.to_dense(), hidden[:, 0].tolist()
    expected_degree = [0.0 if node == 4 else 1.0 if node in (i, j) else 2.0 for node in range(5)]
    assert adjacency.degree.tolist() == expected_degree
    assert dense.diagonal().tolist() == pytest.approx([1 / (1 + degree) for degree in expected_degree])
    shown = [pair for pair in as_pairs(torch.tensor(CLEAN)) if pair != (i, j)]
    for a, b in shown:
        entry = 1 / math.sqrt((1 + expected_degree[a]) * (1 + expected_degree[b]))
        assert dense[a, b].item() == dense[b, a].item() == pytest.approx(entry)
    assert int((dense != 0).sum()) == 5 + 2 * 3


@DTYPES
def test_gradient_through_the_adjacency_is_the_dense_one(edge_index: Tensor, dtype: torch.dtype) -> None:
    masking = AdjacencyMasking(edge_index, NUM_NODES, 0.5, dtype)
    x = torch.randn(NUM_NODES, 4, dtype=dtype, generator=seeded(1)).requires_grad_()
    weight = torch.randn(NUM_NODES, 4, dtype=dtype, generator=seeded(2))
    adjacency, hidden = masking.sample(seeded(3))
    dense = normalized_adjacency(visible_links(masking, hidden), NUM_NODES, dtype).to_dense()
    product = adjacency @ (adjacency @ x)
    close = {"rtol": 0, "atol": 20 * TOLERANCE[dtype]}
    torch.testing.assert_close(product, dense @ (dense @ x), **close)
    (gradient,) = torch.autograd.grad(product, x, weight)
    torch.testing.assert_close(gradient, dense.t() @ (dense.t() @ weight), **close)


def test_both_classes_hide_the_same_links(edge_index: Tensor) -> None:
    plain, matrix = LinkMasking(edge_index, NUM_NODES, 0.3), AdjacencyMasking(edge_index, NUM_NODES, 0.3)
    assert torch.equal(plain.links, matrix.links)
    first, second = seeded(4), seeded(4)
    for _ in range(3):
        visible, hidden = plain.sample(first)
        adjacency, also_hidden = matrix.sample(second)
        assert torch.equal(hidden, also_hidden)
        assert torch.equal(node_degree(visible, NUM_NODES), adjacency.degree)
    assert torch.equal(first.get_state(), second.get_state())


@CLASSES
def test_generator(masking_class: type[LinkMasking], edge_index: Tensor) -> None:
    masking, state = masking_class(edge_index, NUM_NODES, 0.5), torch.get_rng_state()
    hidden = masking.sample(seeded(1)).hidden
    assert torch.equal(masking.sample(seeded(1)).hidden, hidden)
    assert not torch.equal(masking.sample(seeded(2)).hidden, hidden)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    by_default = masking.sample().hidden
    torch.manual_seed(5)
    assert torch.equal(masking.sample().hidden, by_default)


def test_draws_leave_earlier_ones_and_the_input_alone(edge_index: Tensor) -> None:
    before = edge_index.clone()
    masking, generator = AdjacencyMasking(edge_index, NUM_NODES, 0.5), seeded()
    first = masking.sample(generator)
    dense, degree, hidden = first.adjacency.to_dense(), first.adjacency.degree.clone(), first.hidden.clone()
    assert not torch.equal(masking.sample(generator).adjacency.to_dense(), dense)
    assert torch.equal(first.adjacency.to_dense(), dense)
    assert torch.equal(first.adjacency.degree, degree)
    assert torch.equal(first.hidden, hidden)
    assert torch.equal(edge_index, before)


@CLASSES
@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_share_out_of_range_is_refused(masking_class: type[LinkMasking], edge_index: Tensor, share: float) -> None:
    with pytest.raises(ValueError, match=rf"share must be in \(0, 1\), got {share}"):
        masking_class(edge_index, NUM_NODES, share)


@CLASSES
@pytest.mark.parametrize(
    ("links", "count"),
    [
        ([[], []], 0),
        ([[0, 3], [0, 3]], 0),
        ([[0], [1]], 1),
        ([[0, 1, 0, 2], [1, 0, 1, 2]], 1),
    ],
    ids=["none", "self-loops", "one", "one_repeated"],
)
def test_fewer_than_two_links_are_refused(masking_class: type[LinkMasking], links: list[list[int]], count: int) -> None:
    with pytest.raises(ValueError, match=f"at least 2 links to hide some and show some, got {count}"):
        masking_class(torch.tensor(links, dtype=torch.long), 4, 0.5)


def weight_of(edge_index: Tensor) -> Tensor:
    """A weight that tells the pair."""
    return 0.25 + edge_index.amin(0) + 0.01 * edge_index.amax(0)


@DTYPES
def test_weighted_adjacency_is_that_of_the_visible_links(edge_index: Tensor, dtype: torch.dtype) -> None:
    order = torch.randperm(edge_index.size(1), generator=seeded(3))
    listed = edge_index[:, order]
    masking = AdjacencyMasking(listed, NUM_NODES, 0.3, dtype, weight_of(listed))
    generator, same = seeded(), seeded()
    plain = AdjacencyMasking(listed, NUM_NODES, 0.3, dtype)
    for _ in range(5):
        adjacency, hidden = masking.sample(generator)
        visible = visible_links(masking, hidden)
        expected = normalized_adjacency(visible, NUM_NODES, dtype, weight_of(visible))
        close = {"rtol": 0, "atol": 10 * TOLERANCE[dtype]}
        torch.testing.assert_close(adjacency.to_dense(), expected.to_dense(), **close)
        # Degrees count links, and the same links are hidden as without weights.
        assert torch.equal(adjacency.degree, node_degree(visible, NUM_NODES).to(dtype))
        assert torch.equal(hidden, plain.sample(same).hidden)


def test_weights_of_one_are_no_weights(edge_index: Tensor) -> None:
    plain = AdjacencyMasking(edge_index, NUM_NODES, 0.3)
    weighted = AdjacencyMasking(edge_index, NUM_NODES, 0.3, edge_weight=torch.ones(edge_index.size(1)))
    assert torch.equal(weighted.sample(seeded()).adjacency.to_dense(), plain.sample(seeded()).adjacency.to_dense())


def test_bad_weights_are_refused(edge_index: Tensor) -> None:
    weight = torch.ones(edge_index.size(1))
    weight[0] = float("nan")
    with pytest.raises(ValueError, match="edge_weight: given nan for the edge"):
        AdjacencyMasking(edge_index, NUM_NODES, 0.3, edge_weight=weight)
    with pytest.raises(ValueError, match=r"edge_weight: given torch.float32 of shape \[3\]"):
        AdjacencyMasking(edge_index, NUM_NODES, 0.3, edge_weight=weight[:3])
