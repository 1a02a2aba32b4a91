from collections import Counter

import networkx as nx
import pytest
import torch
from scipy.stats import chi2_contingency, chisquare
from torch import Tensor

from spherical_gae.data.corruption import corrupt_links
from spherical_gae.data.edge_sets import EdgeSet

# Node 0 is linked to 1, 2 and 3, node 1 to 0 and 4; nodes 5 to 7 are free.
EDGES = torch.tensor([[0, 0, 0, 4], [1, 2, 3, 1]])
NUM_NODES = 8
NOT_LINKED_TO = {0: [4, 5, 6, 7], 1: [2, 3, 5, 6, 7]}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_graph(seed: int) -> tuple[Tensor, set[frozenset[int]]]:
    graph = nx.gnp_random_graph(25, 0.4, seed=seed)
    return torch.tensor(list(graph.edges)).t().contiguous(), {frozenset(pair) for pair in graph.edges}


def star(leaves: int, extra_nodes: int = 0) -> tuple[Tensor, int]:
    return torch.stack([torch.zeros(leaves, dtype=torch.long), torch.arange(1, leaves + 1)]), leaves + 1 + extra_nodes


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("num_per_link", [1, 2, 9])
def test_non_edges_that_share_the_end_of_their_turn(seed: int, num_per_link: int) -> None:
    links, linked = random_graph(seed)
    corrupted = corrupt_links(links, links, 25, num_per_link, generator(seed))
    assert corrupted.shape == (2, links.size(1), num_per_link)
    assert corrupted.dtype == torch.long
    for p, (i, j) in enumerate(links.t().tolist()):
        for k, (new_i, new_j) in enumerate(corrupted[:, p].t().tolist()):
            assert new_i != new_j
            assert frozenset((new_i, new_j)) not in linked
            assert {new_i, new_j} <= set(range(25))
            # Exactly one end stays: the second where k is even, the first where it is odd.
            assert (new_i == i, new_j == j) == ((False, True) if k % 2 == 0 else (True, False))


def test_new_node_is_uniform_among_the_nodes_not_linked_to_the_end_that_stays() -> None:
    link = torch.tensor([[0], [1]])
    pairs = corrupt_links(link.expand(2, 4_000), EDGES, NUM_NODES, 6, generator(1))
    for stays, new in ((1, pairs[0, :, 0::2]), (0, pairs[1, :, 1::2])):
        counts = Counter(new.flatten().tolist())
        assert sorted(counts) == NOT_LINKED_TO[stays]
        assert chisquare([counts[node] for node in NOT_LINKED_TO[stays]]).pvalue > 0.001


def test_corruptions_of_one_link_are_independent() -> None:
    pairs = corrupt_links(torch.tensor([[0], [1]]).expand(2, 5_000), EDGES, NUM_NODES, 3, generator(2))
    first, second, third = pairs[0, :, 0], pairs[1, :, 1], pairs[0, :, 2]
    for one, other in ((first, second), (first, third)):
        counts = torch.bincount(one * NUM_NODES + other, minlength=NUM_NODES**2).view(NUM_NODES, NUM_NODES)
        table = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
        assert chi2_contingency(table.numpy()).pvalue > 0.001


def test_links_known_in_either_direction_count_alike() -> None:
    expected = corrupt_links(EDGES, EDGES, NUM_NODES, 5, generator(3))
    both = torch.cat([EDGES, EDGES.flip(0)], dim=1)
    for edge_index in (EDGES.flip(0), both, both.flip(1), torch.cat([EDGES, torch.tensor([[1], [1]])], dim=1)):
        assert torch.equal(corrupt_links(EDGES, edge_index, NUM_NODES, 5, generator(3)), expected)


def test_links_may_come_sorted() -> None:
    expected = corrupt_links(EDGES, EDGES, NUM_NODES, 5, generator(3))
    assert torch.equal(corrupt_links(EDGES, EdgeSet(EDGES, NUM_NODES), NUM_NODES, 5, generator(3)), expected)


def test_links_to_corrupt_need_not_be_all_links() -> None:
    # The known links forbid: 2 - 5 is corrupted here, and the links of 2 and 5 are left out nevertheless.
    edge_index = torch.cat([EDGES, torch.tensor([[2, 5, 5], [5, 6, 7]])], dim=1)
    pairs = corrupt_links(torch.tensor([[2], [5]]), edge_index, NUM_NODES, 400, generator(4))
    assert set(pairs[0, 0, 0::2].tolist()) == {0, 1, 3, 4}
    assert set(pairs[1, 0, 1::2].tolist()) == {1, 3, 4, 6, 7}


def test_the_only_free_node_is_found() -> None:
    links, num_nodes = star(4, extra_nodes=1)
    pairs = corrupt_links(links, links, num_nodes, 8, generator(5))
    assert pairs[0, :, 1::2].unique().tolist() == [0]
    assert pairs[1, :, 1::2].unique().tolist() == [5]


@pytest.mark.parametrize("leaves", [2, 40])
def test_end_linked_to_all_is_refused(leaves: int) -> None:
    links, num_nodes = star(leaves)
    message = f"edge_index: given a node that is linked to nearly all of the {num_nodes} nodes, allowed: links of which"
    with pytest.raises(ValueError, match=f"{message} each end leaves others; none was found in 100 draws"):
        corrupt_links(links, links, num_nodes, 2, generator())


def test_end_linked_to_all_may_be_the_one_replaced() -> None:
    links, num_nodes = star(6)
    pairs = corrupt_links(links, links, num_nodes, 1, generator())
    assert torch.equal(pairs[1, :, 0], links[1])
    assert (pairs[0] > 0).all()


@pytest.mark.parametrize("num_per_link", [0, -3])
def test_no_corruptions_is_refused(num_per_link: int) -> None:
    with pytest.raises(ValueError, match=f"num_per_link must be at least 1, got {num_per_link}"):
        corrupt_links(EDGES, EDGES, NUM_NODES, num_per_link)


def test_no_links_no_corruptions() -> None:
    assert corrupt_links(EDGES[:, :0], EDGES, NUM_NODES, 3).shape == (2, 0, 3)


def test_generator_decides_and_the_global_state_stays() -> None:
    before = torch.get_rng_state()
    first, again, other = (corrupt_links(EDGES, EDGES, NUM_NODES, 20, generator(seed)) for seed in (6, 6, 7))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_global_state_is_used_by_default() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        default = corrupt_links(EDGES, EDGES, NUM_NODES, 20)
    assert torch.equal(default, corrupt_links(EDGES, EDGES, NUM_NODES, 20, generator(8)))
