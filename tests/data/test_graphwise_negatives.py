import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from spherical_gae.data.graphwise_negatives import GraphwiseSampler
from spherical_gae.data.pair_spaces.across_sides import AcrossSides
from spherical_gae.data.pair_spaces.ordered import OrderedPairs
from spherical_gae.data.pair_spaces.unordered import UnorderedPairs

# A path of 4 nodes, a triangle, a star of 3 nodes, an isolated pair.
BATCH = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3])
LINKS = torch.tensor([[0, 1, 2, 4, 5, 4, 7, 7], [1, 2, 3, 5, 6, 6, 8, 9]])


def sampler() -> GraphwiseSampler:
    return GraphwiseSampler(LINKS, 12, UnorderedPairs(12, BATCH))


def graphs_of(pairs: Tensor) -> Tensor:
    assert torch.equal(BATCH[pairs[0]], BATCH[pairs[1]])
    return BATCH[pairs[0]]


def test_graphs_are_drawn_as_often_as_they_have_links_and_a_free_pair() -> None:
    """Three links in the path and two in the star; the triangle and the pair without links have no say."""
    pairs = sampler().sample(20_000, torch.Generator().manual_seed(0))
    share = torch.bincount(graphs_of(pairs), minlength=4) / 20_000
    assert share[[1, 3]].tolist() == [0, 0]
    assert share[0].item() == pytest.approx(0.6, abs=4 * (0.6 * 0.4 / 20_000) ** 0.5)
    kinds, counts = torch.unique(torch.stack([pairs.amin(0), pairs.amax(0)]), dim=1, return_counts=True)
    assert kinds.t().tolist() == [[0, 2], [0, 3], [1, 3], [8, 9]]
    assert counts.tolist() == pytest.approx([4000, 4000, 4000, 8000], abs=300)
    assert 0.48 < (pairs[0] < pairs[1]).double().mean() < 0.52


def test_negatives_for_links_are_of_their_graphs_and_different() -> None:
    links = LINKS[:, [6, 0, 3, 1, 2, 7]]
    for seed in range(20):
        pairs, place = sampler().sample_for(links, torch.Generator().manual_seed(seed))
        # One link of the star is left without, as there is one free pair for two; that of the triangle, too.
        assert place.numel() == 4
        assert {1, 3, 4} < set(place.tolist()) < {0, 1, 3, 4, 5}
        assert torch.equal(graphs_of(pairs), BATCH[links[0, place]])
        assert len({tuple(pair) for pair in pairs.t().tolist()}) == 4


@pytest.mark.parametrize("space", [OrderedPairs(12, BATCH), AcrossSides(torch.tensor([0, 1] * 6), BATCH)])
def test_of_other_kinds_too(space: OrderedPairs | AcrossSides) -> None:
    links = torch.tensor([[0, 1, 4, 7], [1, 2, 5, 8]])
    found = GraphwiseSampler(links, 12, space).sample(500, torch.Generator().manual_seed(0))
    assert space.contains(found[0], found[1]).all()
    known = {(i, j) for i, j in links.t().tolist()}
    if not space.is_ordered:
        known |= {(j, i) for i, j in known}
    assert not {tuple(pair) for pair in found.t().tolist()} & known
    assert (graphs_of(found) != 3).all()


def test_links_between_graphs_and_complete_graphs_are_refused() -> None:
    space = UnorderedPairs(12, BATCH)
    with pytest.raises(ValueError, match=r"^edge_index: given 1 edges that are no pairs within a graph, such as 3 - 4"):
        GraphwiseSampler(torch.tensor([[3, 0], [4, 1]]), 12, space)
    with pytest.raises(ValueError, match=r"^edge_index: given graphs that are each linked completely or not at all"):
        GraphwiseSampler(LINKS[:, 3:6], 12, space)


def test_pairs_of_a_large_graph_are_uniform() -> None:
    """Of more than 2^31 pairs, all are drawn, and all alike."""
    size = 100_000
    ring = torch.arange(size)
    links = torch.cat([torch.stack([ring, (ring + 1) % size]), torch.tensor([[size], [size + 1]])], dim=1)
    batch = torch.cat([torch.zeros(size, dtype=torch.long), torch.ones(3, dtype=torch.long)])
    sampler = GraphwiseSampler(links, size + 3, UnorderedPairs(size + 3, batch))
    i, j = sampler.sample(100_000, torch.Generator().manual_seed(0))
    apart = (i - j).abs()
    distance = torch.minimum(apart, size - apart)[(i < size)]
    counts = torch.histc(distance.float(), bins=10, min=0, max=size / 2)
    assert chisquare(counts.numpy()).pvalue > 0.01


def test_no_links_have_no_negatives() -> None:
    sampler = GraphwiseSampler(torch.tensor([[0, 1], [1, 2]]), 3, UnorderedPairs(3, batch=torch.zeros(3).long()))
    negatives, place = sampler.sample_for(torch.empty(2, 0, dtype=torch.long))
    assert negatives.shape == (2, 0)
    assert place.shape == (0,)
