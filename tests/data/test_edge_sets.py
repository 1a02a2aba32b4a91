import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spherical_gae.data.edge_sets import EdgeSet
from spherical_gae.data.negatives import MAX_NUM_NODES

# A path in either direction, a duplicate, a reversed duplicate and a self-loop, out of order.
EDGES = torch.tensor([[3, 0, 1, 2, 2, 1], [2, 1, 0, 1, 1, 1]])
LINKED = {(0, 1), (1, 1), (1, 2), (2, 3)}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Tensor, int]:
    """Any graph of 1 to 8 nodes, an empty one included, with self-loops, duplicates and either direction."""
    num_nodes = draw(st.integers(1, 8))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=30))
    return torch.tensor(edges, dtype=torch.long).reshape(-1, 2).t(), num_nodes


@settings(deadline=None)
@given(graphs())
def test_every_pair_is_answered_as_by_brute_force(graph: tuple[Tensor, int]) -> None:
    edge_index, num_nodes = graph
    linked = {frozenset(pair) for pair in edge_index.t().tolist()}
    pairs = list(itertools.product(range(num_nodes), repeat=2))
    i, j = torch.tensor(pairs).t().contiguous()
    answer = EdgeSet(edge_index, num_nodes).contains(i, j)
    assert answer.dtype == torch.bool
    assert answer.tolist() == [frozenset(pair) in linked for pair in pairs]


@pytest.mark.parametrize("shape", [(), (16,), (4, 4), (2, 2, 4), (1, 16, 1)])
def test_shape_of_the_ids_is_kept(shape: tuple[int, ...]) -> None:
    grid = torch.cartesian_prod(torch.arange(4), torch.arange(4)).t().contiguous()
    i, j = (ids[9] if shape == () else ids.reshape(shape) for ids in grid)
    answer = EdgeSet(EDGES, 4).contains(i, j)
    assert answer.shape == shape
    expected = [
        (min(pair), max(pair)) in LINKED for pair in zip(i.flatten().tolist(), j.flatten().tolist(), strict=True)
    ]
    assert answer.flatten().tolist() == expected


def test_ids_of_any_memory_layout() -> None:
    # Told every time, not once per program, so that the order of the tests does not matter.
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        i, j = torch.cartesian_prod(torch.arange(4), torch.arange(4)).t().contiguous().view(2, 4, 4).mT
        answer = EdgeSet(EDGES, 4).contains(i, j)
    finally:
        torch.set_warn_always(before)
    assert answer.nonzero().tolist() == [[0, 1], [1, 0], [1, 1], [1, 2], [2, 1], [2, 3], [3, 2]]


def test_no_ids_no_answers() -> None:
    none = torch.empty(0, 3, dtype=torch.long)
    assert EdgeSet(EDGES, 4).contains(none, none).shape == (0, 3)


def test_empty_graph_links_nothing() -> None:
    i = torch.arange(5).expand(2, 5)
    answer = EdgeSet(torch.empty(2, 0, dtype=torch.long), 5).contains(i, i.flip(1))
    assert answer.dtype == torch.bool
    assert answer.tolist() == [[False] * 5] * 2


def test_largest_number_of_nodes_does_not_overflow() -> None:
    last = MAX_NUM_NODES - 1
    edges = EdgeSet(torch.tensor([[last, last, 0], [last - 1, 0, 1]]), MAX_NUM_NODES)
    i = torch.tensor([last - 1, 0, 1, last, last, last - 2, 0])
    j = torch.tensor([last, last, 0, last, 1, last, 2])
    assert edges.contains(i, j).tolist() == [True, True, True, False, False, False, False]


def test_links_given_later_changed_are_not_followed() -> None:
    edge_index = EDGES.clone()
    edges = EdgeSet(edge_index, 4)
    edge_index.zero_()
    assert edges.contains(torch.tensor([3, 0]), torch.tensor([2, 0])).tolist() == [True, False]
