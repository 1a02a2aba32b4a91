import itertools
import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data, HeteroData

from spherical_gae import split_links
from spherical_gae.data import from_networkx, two_sides
from spherical_gae.data.sides import features_by_side


def graph(*links: tuple[int, int], num_nodes: int) -> Data:
    return Data(edge_index=torch.tensor(links, dtype=torch.long).view(-1, 2).t(), num_nodes=num_nodes)


def test_davis_is_the_women_and_the_events() -> None:
    davis = nx.davis_southern_women_graph()
    data = from_networkx(davis)
    side = two_sides(data)
    expected = torch.tensor([davis.nodes[name]["bipartite"] for name in davis])
    assert torch.equal(side, expected)
    data.side = side
    negative = split_links(data).test.neg_edge_label_index
    assert (side[negative].sum(0) == 1).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=20)))
def test_what_networkx_says_of_any_graph(links: list[tuple[int, int]]) -> None:
    """Bipartite or not; then a colouring, or a cycle of odd length that is there."""
    num_nodes = 12
    given_graph = graph(*links, num_nodes=num_nodes)
    reference = nx.Graph(links)
    if nx.is_bipartite(reference):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            side = two_sides(given_graph)
        assert all(side[i] != side[j] for i, j in links)
        for part in nx.connected_components(reference):
            assert side[min(part)] == 0
        assert not side[[k for k in range(num_nodes) if k not in reference]].any()
    else:
        with pytest.raises(
            ValueError, match=r"^data: given a cycle of odd length, .*, allowed: a bipartite"
        ) as refused:
            two_sides(given_graph)
        cycle = [int(node) for node in str(refused.value).split(",")[1].split(" - ")]
        assert len(cycle) % 2 == 0  # the first node is there twice
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(reference.has_edge(*pair) for pair in itertools.pairwise(cycle))


def test_a_cycle_of_odd_length_is_named_by_ids() -> None:
    triangle = graph((0, 1), (1, 2), (2, 0), num_nodes=3)
    triangle.node_ids = ["amy", "bob", "cid"]
    with pytest.raises(ValueError, match=r"cycle of odd length, (amy|bob|cid) - (amy|bob|cid) - "):
        two_sides(triangle)


def test_parts_that_no_link_joins_are_warned_of() -> None:
    two = graph((0, 1), (1, 2), (3, 4), num_nodes=6)
    with pytest.warns(UserWarning, match=r"^the links of the graph are in 2 parts that no link joins: which of their"):
        assert two_sides(two).tolist() == [0, 1, 0, 0, 1, 0]


def test_a_long_path_needs_no_recursion() -> None:
    nodes = torch.arange(300_000)
    side = two_sides(Data(edge_index=torch.stack([nodes[:-1], nodes[1:]]), num_nodes=300_000))
    assert torch.equal(side, nodes % 2)


@pytest.mark.parametrize("links", [[(0, 1), (1, 2), (2, 0)], [(3, 3)], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]])
def test_the_shortest_odd_cycles_are_named(links: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match=r"^data: given a cycle of odd length, (2 - |3 - 3|4 - |1 - |0 - )"):
        two_sides(graph(*links, num_nodes=5))


def test_features_by_side_keep_a_linear_map_apart_for_each_side() -> None:
    generator = torch.Generator().manual_seed(0)
    x, side = torch.randn(9, 3, generator=generator), torch.arange(9) % 2
    weight = torch.randn(2, 3, 5, generator=generator)
    expected = torch.stack([x[k] @ weight[side[k]] for k in range(9)])
    torch.testing.assert_close(features_by_side(x, side) @ weight.flatten(0, 1), expected)


def test_no_graph_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^data must be a torch_geometric Data, .* got HeteroData"):
        two_sides(HeteroData())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^data.edge_index must be a tensor, got a NumPy array"):
        two_sides(Data(edge_index=np.zeros((2, 1), dtype=np.int64), num_nodes=1))
