from collections import defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spherical_gae.data.undirected import checked_edge_weight, undirected_links

NUM_NODES = 6
EDGES = st.lists(
    st.tuples(st.integers(0, NUM_NODES - 1), st.integers(0, NUM_NODES - 1), st.integers(1, 8)), min_size=1, max_size=25
)


def by_brute_force(edges: list[tuple[int, int, int]]) -> dict[tuple[int, int], float]:
    directed: dict[tuple[int, int], float] = defaultdict(float)
    for source, target, weight in edges:
        directed[source, target] += weight
    return {
        (i, j): max(directed.get((i, j), 0), directed.get((j, i), 0))
        for i in range(NUM_NODES)
        for j in range(i + 1, NUM_NODES)
        if (i, j) in directed or (j, i) in directed
    }


@settings(deadline=None)
@given(EDGES)
def test_links_and_weights_by_brute_force(edges: list[tuple[int, int, int]]) -> None:
    *ends, weights = zip(*edges, strict=True)
    expected = by_brute_force(edges)
    links, weight = undirected_links(torch.tensor(ends), torch.tensor(weights, dtype=torch.double), NUM_NODES)
    assert weight is not None
    assert [tuple(pair) for pair in links.t().tolist()] == list(expected)  # sorted, i < j, each once
    assert weight.tolist() == list(expected.values())
    alone, nothing = undirected_links(torch.tensor(ends), None, NUM_NODES)
    assert torch.equal(alone, links)
    assert nothing is None


@settings(deadline=None)
@given(EDGES)
def test_listing_both_directions_doubles_nothing(edges: list[tuple[int, int, int]]) -> None:
    """An undirected graph is the same listed once or twice."""
    links, weight = by_brute_force(edges), torch.tensor(list(by_brute_force(edges).values()))
    once = torch.tensor(list(links), dtype=torch.long).view(-1, 2).t()
    result, result_weight = undirected_links(torch.cat([once.flip(0), once], dim=1), weight.repeat(2), NUM_NODES)
    assert torch.equal(result, once)
    assert result_weight is not None
    assert torch.equal(result_weight, weight)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_weight_out_of_range_is_refused_by_the_names_of_its_ends(bad: float) -> None:
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 0]])
    weight = torch.tensor([1.0, bad, bad])
    with pytest.raises(ValueError, match=rf"edge_weight: given {bad} for the edge 1 - 2 \(2 of 3 .*finite .* above 0"):
        checked_edge_weight(weight, edge_index)
    with pytest.raises(ValueError, match=rf"edge_weight: given {bad} for the edge 'b' - 'c'"):
        checked_edge_weight(weight, edge_index, ["a", "b", "c"])


@pytest.mark.parametrize("weight", [torch.ones(2), torch.ones(3, 1), torch.ones(3, dtype=torch.complex64)])
def test_weights_of_the_wrong_shape_or_dtype_are_refused(weight: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"edge_weight: given torch\..*shape .*, allowed: .*shape \[3\]"):
        checked_edge_weight(weight, torch.zeros(2, 3, dtype=torch.long))


def test_weights_keep_a_floating_dtype() -> None:
    edge_index = torch.tensor([[0, 1], [1, 2]])
    for dtype, expected in (
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.int64, torch.float32),
    ):
        weight = checked_edge_weight(torch.tensor([1, 2], dtype=dtype), edge_index)
        assert weight.dtype == expected
        assert weight.tolist() == [1, 2]
