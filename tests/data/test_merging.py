from collections import defaultdict
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from spherical_gae.data import clean_graph
from spherical_gae.data.merging import merge_edges

NUM_NODES = 5
EDGES = st.lists(
    st.tuples(*[st.integers(0, NUM_NODES - 1)] * 2, st.integers(1, 8), st.integers(-5, 5)), min_size=1, max_size=25
)
Ends = tuple[int, int]


def by_brute_force(edges: list[tuple[int, int, int, int]], directed: bool) -> dict[Ends, tuple[float, int]]:
    """Weight and time of every link."""
    sums: dict[Ends, float] = defaultdict(float)
    times: dict[Ends, list[int]] = defaultdict(list)
    for i, j, weight, time in edges:
        if i != j:
            sums[i, j] += weight
            times[i, j].append(time)
    if directed:
        return {ends: (sums[ends], min(times[ends])) for ends in sorted(sums)}
    both = {ends for i, j in sums for ends in ((i, j), (j, i))}
    return {
        (i, j): (max(sums.get((i, j), 0), sums.get((j, i), 0)), min(times.get((i, j), []) + times.get((j, i), [])))
        for i, j in sorted(both)
    }


@settings(deadline=None)
@given(EDGES, st.booleans())
def test_links_weights_and_times_by_brute_force(edges: list[tuple[int, int, int, int]], directed: bool) -> None:
    expected = by_brute_force(edges, directed)
    source, target, weight, time = (torch.tensor(column) for column in zip(*edges, strict=True))
    edge_index = torch.stack([source, target])
    merged = merge_edges(edge_index, NUM_NODES, weight, time, directed=directed)
    assert [tuple(ends) for ends in merged.edge_index.t().tolist()] == list(expected)
    assert merged.edge_weight is not None
    assert merged.edge_time is not None
    assert merged.edge_weight.tolist() == [value for value, _ in expected.values()]
    assert merged.edge_time.tolist() == [value for _, value in expected.values()]
    plain = merge_edges(edge_index, NUM_NODES, directed=directed)
    assert torch.equal(plain.edge_index, merged.edge_index)
    loops = sum(i == j for i, j, *_ in edges)
    one_way = {(i, j) for i, j, *_ in edges if i != j}
    counts = (len(edges) - loops - len(one_way), loops, sum((j, i) in one_way for i, j in one_way) // 2)
    for result in (merged, plain):
        assert (result.num_repeats, result.num_self_loops, result.num_reciprocal) == counts


def test_directions_times_and_sides_survive_the_cleaning() -> None:
    data = Data(edge_index=torch.tensor([[2, 0, 2, 1], [0, 2, 0, 1]]), num_nodes=3)
    data.edge_time, data.side = torch.tensor([5, 7, 3, 1]), torch.tensor([0, 0, 1])
    directed = clean_graph(data, directed=True)
    assert directed.edge_index.tolist() == [[0, 2], [2, 0]]
    assert directed.edge_time.tolist() == [7, 3]
    assert directed.directed is True
    assert directed.side.tolist() == [0, 0, 1]
    undirected = clean_graph(data)
    assert undirected.edge_time.tolist() == [3, 3]
    assert undirected.get("directed", False) is False
    again = clean_graph(directed, directed=True)
    assert again.to_dict().keys() == directed.to_dict().keys()
    assert torch.equal(again.edge_index, directed.edge_index)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: setattr(data, "edge_time", torch.ones(3)), r"edge_time: given torch.float32 of shape \[3\]"),
        (lambda data: setattr(data, "edge_time", torch.tensor([1.0, float("nan")])), "edge_time: given NaN"),
        (lambda data: setattr(data, "side", torch.tensor([0, 1, 2])), "side: given torch.int64 .* allowed: 0 or 1"),
        (lambda data: setattr(data, "side", torch.zeros(2).long()), r"side: given torch.int64 of shape \[2\]"),
    ],
)
def test_times_and_sides_that_are_none_are_refused(change: Callable[[Data], None], message: str) -> None:
    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
    change(data)
    with pytest.raises(ValueError, match=message):
        clean_graph(data)
