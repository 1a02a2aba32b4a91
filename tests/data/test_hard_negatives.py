import networkx as nx
import pytest
import torch

from spherical_gae.data import HardNegativeSampler

# A square with a tail, 0 - 1 - 2 - 3 - 0 and 3 - 4, and node 5 alone.
EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0, 3, 4], [1, 0, 2, 1, 3, 2, 0, 3, 4, 3]])


def test_candidates_are_two_links_away_or_similar() -> None:
    similar = torch.tensor([[0, 5, 0, 1], [5, 0, 1, 0]])
    sampler = HardNegativeSampler(EDGES, 6, similar)
    expected = [[2, 4, 5], [3], [0, 4], [1], [0, 2], [0]]
    assert [sampler.candidates(node).tolist() for node in range(6)] == expected


def test_candidates_on_a_larger_graph() -> None:
    graph = nx.gnp_random_graph(40, 0.08, seed=1)
    edge_index = torch.tensor([*graph.edges, *(edge[::-1] for edge in graph.edges)]).t()
    sampler = HardNegativeSampler(edge_index, 40)
    for node, lengths in nx.all_pairs_shortest_path_length(graph, cutoff=2):
        assert sampler.candidates(node).tolist() == sorted(other for other, steps in lengths.items() if steps == 2)


def test_draws_keep_either_end_and_are_uniform_among_candidates() -> None:
    links = torch.tensor([[0, 3], [1, 4]])
    kept, other = HardNegativeSampler(EDGES, 6).sample(links, 20_000, torch.Generator().manual_seed(0))
    assert kept.shape == other.shape == (2, 20_000)
    # Candidates: of 0 {2, 4}, of 1 {3}, of 3 {1}, of 4 {0, 2}.
    counts = torch.zeros(6, 6).index_put_((kept.flatten(), other.flatten()), torch.ones(40_000), accumulate=True)
    expected = torch.zeros(6, 6)
    for a, b, count in ((0, 2, 5000), (0, 4, 5000), (1, 3, 10_000), (3, 1, 10_000), (4, 0, 5000), (4, 2, 5000)):
        expected[a, b] = count
    assert torch.equal(counts > 0, expected > 0)
    assert (counts - expected).abs().max() < 5 * 5000**0.5


def test_a_node_without_candidates_gets_any_other_node() -> None:
    links = torch.tensor([[5], [5]])
    for edges in (EDGES, torch.empty(2, 0, dtype=torch.long)):
        kept, other = HardNegativeSampler(edges, 6).sample(links, 2000, torch.Generator().manual_seed(0))
        assert set(kept.flatten().tolist()) == {5}
        counts = torch.bincount(other.flatten(), minlength=6)
        assert counts[5] == 0
        assert (counts[:5] - 2000 / 5).abs().max() < 100


def test_links_are_no_negatives_of_a_hub() -> None:
    """A node that is linked to all others gives way to the other end; one to nearly all gets what is left."""
    star = torch.stack([torch.zeros(20, dtype=torch.long), torch.arange(1, 21)])
    edges = torch.cat([star, star.flip(0)], dim=1)
    kept, other = HardNegativeSampler(edges, 21).sample(star, 50, torch.Generator().manual_seed(0))
    assert bool((kept > 0).all())
    assert bool((other > 0).all())
    assert bool((kept != other).all())
    # Two more nodes, alone: the hub has no candidates two links away.
    kept, other = HardNegativeSampler(edges, 23).sample(star, 50, torch.Generator().manual_seed(0))
    assert set(other[kept == 0].tolist()) == {21, 22}


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"similar must hold node ids in \[0, 6\), got 0 to 6"):
        HardNegativeSampler(EDGES, 6, torch.tensor([[0], [6]]))
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        HardNegativeSampler(EDGES, 6).sample(EDGES, 0)


def test_nodes_without_candidates_get_all_that_they_are_not_linked_to() -> None:
    """Pairs of nodes, apart from each other: against a list by hand."""
    pairs = torch.arange(12).view(6, 2).t()
    sampler = HardNegativeSampler(torch.cat([pairs, pairs.flip(0)], dim=1), 12)
    kept, other = sampler.sample(pairs, 2000, torch.Generator().manual_seed(0))
    counts = torch.zeros(12, 12).index_put_((kept.flatten(), other.flatten()), torch.ones(12_000), accumulate=True)
    expected = torch.full((12, 12), 100.0)
    for i, j in pairs.t().tolist():
        expected[i, i] = expected[j, j] = expected[i, j] = expected[j, i] = 0
    assert torch.equal(counts > 0, expected > 0)
    assert (counts - expected).abs().max() < 60
