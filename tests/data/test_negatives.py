import itertools
import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor

from spherical_gae.data import NonEdgeSampler, sample_non_edges
from spherical_gae.data.negatives import MAX_NUM_NODES

Graph = tuple[Tensor, int]

# A triangle with a tail, a self-loop, a duplicate and a reversed duplicate: 11 non-edges.
EDGES = torch.tensor([[0, 1, 2, 2, 4, 0, 1], [1, 2, 0, 3, 4, 1, 0]])
NUM_NODES = 6


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(edge_index: Tensor) -> list[tuple[int, int]]:
    return [(i, j) for i, j in edge_index.t().tolist()]


def brute_force_non_edges(edge_index: Tensor, num_nodes: int) -> set[tuple[int, int]]:
    linked = {(min(pair), max(pair)) for pair in pairs(edge_index)}
    return set(itertools.combinations(range(num_nodes), 2)) - linked


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any incomplete graph of 2 to 12 nodes, with self-loops, duplicates and either direction."""
    num_nodes = draw(st.integers(2, 12))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=60))
    edge_index = torch.tensor(edges, dtype=torch.long).reshape(-1, 2).t()
    if not brute_force_non_edges(edge_index, num_nodes):
        edge_index = edge_index[:, edge_index.amax(dim=0) < num_nodes - 1]
    return edge_index, num_nodes


@settings(deadline=None)
@given(graphs(), st.integers(0, 2**32))
def test_samples_are_never_links_nor_self_pairs(graph: Graph, seed: int) -> None:
    sampler = NonEdgeSampler(*graph)
    allowed = brute_force_non_edges(*graph)
    drawn = sampler.sample(200, generator(seed))
    assert drawn.shape == (2, 200)
    assert drawn.dtype == torch.long
    assert all((min(pair), max(pair)) in allowed for pair in pairs(drawn))


@settings(deadline=None)
@given(graphs(), st.integers(0, 2**32))
def test_all_non_edges_come_out_once_when_all_are_asked_for(graph: Graph, seed: int) -> None:
    sampler = NonEdgeSampler(*graph)
    allowed = brute_force_non_edges(*graph)
    assert sampler.num_non_edges == len(allowed)
    drawn = pairs(sampler.sample_unique(sampler.num_non_edges, generator(seed)))
    assert len(drawn) == len(allowed)
    assert set(drawn) == allowed


@settings(deadline=None)
@given(graphs(), st.data())
def test_unique_samples_are_distinct_non_edges(graph: Graph, data: st.DataObject) -> None:
    sampler = NonEdgeSampler(*graph)
    count = data.draw(st.integers(0, sampler.num_non_edges))
    drawn = pairs(sampler.sample_unique(count, generator(data.draw(st.integers(0, 2**32)))))
    assert len(drawn) == len(set(drawn)) == count
    assert set(drawn) <= brute_force_non_edges(*graph)


def test_ordered_samples_are_uniform() -> None:
    non_edges = brute_force_non_edges(EDGES, NUM_NODES)
    ordered = [*non_edges, *((j, i) for i, j in non_edges)]
    drawn = NonEdgeSampler(EDGES, NUM_NODES).sample(22_000, generator(1))
    counts = Counter(pairs(drawn))
    assert set(counts) == set(ordered)
    assert chisquare([counts[pair] for pair in ordered]).pvalue > 0.001


def test_unique_samples_are_uniform_over_ordered_selections() -> None:
    sampler = NonEdgeSampler(EDGES, NUM_NODES)
    source = generator(2)
    counts = Counter(tuple(pairs(sampler.sample_unique(2, source))) for _ in range(5_500))
    selections = list(itertools.permutations(brute_force_non_edges(EDGES, NUM_NODES), 2))
    assert len(selections) == 110
    assert set(counts) <= set(selections)
    assert chisquare([counts[selection] for selection in selections]).pvalue > 0.001


def test_no_remainder_bias_where_torch_randint_has_one() -> None:
    # Of 2.25e8 ordered pairs, torch.randint favours those of ring distance up to 656 by 5%, and of
    # half as many unordered ones by 2%: 15 and 6 standard deviations here.
    num_nodes, distance = 15_001, 656
    count = 1_000_000
    no_edges = torch.empty(2, 0, dtype=torch.long)
    i, j = NonEdgeSampler(no_edges, num_nodes).sample(count, generator(3))
    around = (j - i) % num_nodes
    near = torch.minimum(around, num_nodes - around) <= distance
    share = 2 * distance / (num_nodes - 1)
    deviation = (near.double().mean().item() - share) / math.sqrt(share * (1 - share) / count)
    assert abs(deviation) < 4


def test_largest_number_of_nodes() -> None:
    edge_index = torch.tensor([[0, 5], [MAX_NUM_NODES - 1, MAX_NUM_NODES // 2]])
    sampler = NonEdgeSampler(edge_index, MAX_NUM_NODES)
    assert sampler.num_non_edges == MAX_NUM_NODES * (MAX_NUM_NODES - 1) // 2 - 2
    for drawn in (sampler.sample(1_000, generator()), sampler.sample_unique(1_000, generator())):
        assert drawn.min() >= 0
        assert drawn.max() < MAX_NUM_NODES
        assert (drawn[0] != drawn[1]).all()
        assert len(set(pairs(drawn))) == 1_000


def test_generator_decides_and_the_global_state_stays() -> None:
    sampler = NonEdgeSampler(EDGES, NUM_NODES)
    for draw in (sampler.sample, lambda n, g: sampler.sample_unique(n // 10, g)):
        before = torch.get_rng_state()
        first, again, other = (draw(100, generator(seed)) for seed in (4, 4, 5))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert torch.equal(torch.get_rng_state(), before)


def test_global_state_is_used_by_default() -> None:
    sampler = NonEdgeSampler(EDGES, NUM_NODES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        default = sampler.sample(50)
        assert not torch.equal(sampler.sample(50), default)
    assert torch.equal(default, sampler.sample(50, generator(6)))


def test_convenience_function_draws_the_same() -> None:
    expected = NonEdgeSampler(EDGES, NUM_NODES).sample(30, generator(7))
    assert torch.equal(sample_non_edges(EDGES, NUM_NODES, 30, generator(7)), expected)


def test_nothing_asked_for_nothing_drawn() -> None:
    sampler = NonEdgeSampler(EDGES, NUM_NODES)
    assert sampler.sample(0).shape == sampler.sample_unique(0).shape == (2, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_device_follows_the_links() -> None:
    sampler = NonEdgeSampler(EDGES.cuda(), NUM_NODES)
    for drawn in (sampler.sample(500), sampler.sample_unique(11)):
        assert drawn.device.type == "cuda"
        allowed = brute_force_non_edges(EDGES, NUM_NODES)
        assert {(min(pair), max(pair)) for pair in pairs(drawn)} == allowed


@pytest.mark.parametrize("num_nodes", [0, 1, 2, 5])
def test_complete_graph_is_refused(num_nodes: int) -> None:
    links = list(itertools.combinations(range(num_nodes), 2))
    edge_index = torch.tensor(links, dtype=torch.long).reshape(-1, 2).t()
    with pytest.raises(ValueError, match=f"edge_index: all {len(links)} pairs .* are linked"):
        NonEdgeSampler(edge_index, num_nodes)


@pytest.mark.parametrize(
    "edge_index",
    [torch.zeros(3, 4, dtype=torch.long), torch.zeros(4, dtype=torch.long), torch.zeros(2, 4)],
)
def test_wrong_shape_or_dtype_is_refused(edge_index: Tensor) -> None:
    with pytest.raises(ValueError, match=r"edge_index: given .* allowed: integers of shape \[2, E\]"):
        NonEdgeSampler(edge_index, 5)


@pytest.mark.parametrize("node", [-1, 5])
def test_node_out_of_range_is_refused(node: int) -> None:
    with pytest.raises(ValueError, match=r"edge_index: given nodes .* allowed: 0 to 4"):
        NonEdgeSampler(torch.tensor([[0], [node]]), 5)


@pytest.mark.parametrize("num_nodes", [-1, MAX_NUM_NODES + 1])
def test_number_of_nodes_out_of_range_is_refused(num_nodes: int) -> None:
    with pytest.raises(ValueError, match=f"num_nodes: given {num_nodes}, allowed: 0 to"):
        NonEdgeSampler(EDGES, num_nodes)


def test_number_of_samples_out_of_range_is_refused() -> None:
    sampler = NonEdgeSampler(EDGES, NUM_NODES)
    with pytest.raises(ValueError, match="num_samples: given -1, allowed: 0 or more"):
        sampler.sample(-1)
    for count in (-1, 12):
        with pytest.raises(ValueError, match=f"num_samples: given {count}, allowed: 0 to 11"):
            sampler.sample_unique(count)
