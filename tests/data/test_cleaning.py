from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import is_undirected

from spherical_gae import split_links
from spherical_gae.data import clean_graph, default_features, load_graph
from spherical_gae.data.cleaning import count_nodes, plain_ids, some

NODES = 6


def path(**more: Any) -> Data:
    """Nodes 0 - 1 - 2, and node 3 alone."""
    return Data(**{"edge_index": torch.tensor([[0, 1], [1, 2]]), "num_nodes": 4, **more})


@st.composite
def messy_graphs(draw: st.DrawFn) -> Data:
    nodes = st.integers(0, NODES - 1)
    edges = draw(st.lists(st.tuples(nodes, nodes), min_size=1, max_size=20).filter(lambda e: any(i != j for i, j in e)))
    data = Data(edge_index=torch.tensor(edges).t(), num_nodes=NODES)
    if draw(st.booleans()):
        data.edge_weight = torch.tensor(
            draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(edges), max_size=len(edges)))
        )
    return data


def dense(data: Data) -> Tensor:
    """The adjacency matrix; a repeated place would be summed."""
    weight = torch.ones(data.num_edges) if data.edge_weight is None else data.edge_weight
    return torch.zeros(data.num_nodes, data.num_nodes).index_put_(tuple(data.edge_index), weight, accumulate=True)


@settings(deadline=None)
@given(messy_graphs())
def test_clean_adjacency_by_brute_force(data: Data) -> None:
    clean = clean_graph(data)
    given_adjacency = dense(data)
    if data.edge_weight is None:
        given_adjacency = (given_adjacency > 0).float()
    expected = torch.maximum(given_adjacency, given_adjacency.t()).fill_diagonal_(0)
    assert torch.equal(dense(clean), expected)
    assert clean.num_nodes == NODES
    numbers = clean.edge_index[0] * NODES + clean.edge_index[1]
    assert bool((numbers.diff() > 0).all())  # sorted, none twice
    assert is_undirected(clean.edge_index, clean.edge_weight, NODES)
    assert (clean.edge_weight is None) == (data.edge_weight is None or bool((expected[expected > 0] == 1).all()))


@settings(deadline=None)
@given(messy_graphs(), st.randoms(use_true_random=False))
def test_clean_is_a_fixed_point_and_blind_to_order(data: Data, random: Any) -> None:
    clean = clean_graph(data)
    order = list(range(data.num_edges))
    random.shuffle(order)
    shuffled = Data(edge_index=data.edge_index[:, order], num_nodes=NODES)
    if data.edge_weight is not None:
        shuffled.edge_weight = data.edge_weight[order]
    for other in (clean_graph(clean), clean_graph(shuffled)):
        assert torch.equal(other.edge_index, clean.edge_index)
        assert torch.equal(other.x, clean.x)
        assert (other.edge_weight is None) == (clean.edge_weight is None)
        if clean.edge_weight is not None:
            assert torch.equal(other.edge_weight, clean.edge_weight)


def test_clean_benchmark_graph_is_as_it_was() -> None:
    data = load_graph("digits")
    clean = clean_graph(data)
    assert set(clean.keys()) == {*data.keys(), "num_nodes"}
    for key in ("x", "y", "edge_index"):
        assert torch.equal(clean[key], data[key])
        assert clean[key].dtype == data[key].dtype
    assert clean.name == "digits"


def test_parts_are_brought_to_their_types() -> None:
    data = path(x=torch.eye(4, dtype=torch.double).to_sparse(), y=torch.tensor([1, 0, 1, 0], dtype=torch.int8))
    data.edge_weight = torch.tensor([2, 3])
    data.node_ids, data.edge_attr = np.array([7, 5, 9, 6]), torch.ones(2)
    before = data.clone()
    clean = clean_graph(data)
    assert torch.equal(clean.x, torch.eye(4))
    assert (clean.y.dtype, clean.edge_weight.dtype) == (torch.int64, torch.float32)
    assert clean.edge_weight.tolist() == [2, 2, 3, 3]
    assert clean.node_ids == [7, 5, 9, 6]
    assert "edge_attr" not in clean
    assert "name" not in clean
    assert data.edge_index.tolist() == before.edge_index.tolist()
    assert torch.equal(data.x.to_dense(), before.x.to_dense())


def test_nodes_without_features_get_the_default_ones() -> None:
    assert torch.equal(clean_graph(path()).x, default_features(4))


def test_isolated_nodes_stay_where_the_graph_names_them() -> None:
    edge_index = torch.tensor([[0, 3], [1, 3]])
    assert clean_graph(Data(edge_index=edge_index)).num_nodes == 4
    assert clean_graph(Data(edge_index=edge_index, num_nodes=9)).num_nodes == 9
    assert clean_graph(Data(edge_index=edge_index, x=torch.ones(6, 1))).num_nodes == 6
    assert clean_graph(Data(edge_index=edge_index, node_ids=list("abcde"))).num_nodes == 5


def test_clean_graph_can_be_split() -> None:
    nodes = torch.arange(30)
    data = clean_graph(Data(edge_index=torch.stack([nodes, (nodes + 1) % 30]), edge_weight=1.0 + nodes, num_nodes=32))
    assert split_links(data).train.num_nodes == 32


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(x=torch.eye(3)), "data: given no edge_index"),
        (
            Data(edge_index=torch.empty(2, 0, dtype=torch.long)),
            "data: given an empty graph, allowed: at least two nodes",
        ),
        (path(num_nodes=0), "data: given an empty graph"),
        (path(edge_index=torch.empty(2, 0, dtype=torch.long)), "edge_index: given no link between two different nodes"),
        (path(edge_index=torch.tensor([[1, 2], [1, 2]])), "edge_index: given no link between two different nodes"),
        (path(num_nodes=2), "edge_index: given nodes 0 to 2, allowed: 0 to 1"),
        (path(edge_index=torch.tensor([[0], [-1]])), "edge_index: given nodes -1 to 0, allowed: 0 to 3"),
        (path(edge_index=torch.ones(2, 3)), r"edge_index: given torch.float32 of shape \[2, 3\], allowed: integers"),
        (path(edge_index=torch.ones(3, 2).long()), r"edge_index: given torch.int64 of shape \[3, 2\], allowed"),
        (path(edge_weight=torch.tensor([1.0, -2.0])), "edge_weight: given -2.0 for the edge 1 - 2"),
        (path(edge_weight=torch.tensor([1.0, 1e-60], dtype=torch.double)), "edge_weight: given 0.0 for the edge 1 - 2"),
        (path(x=torch.ones(3, 2)), r"x: given torch.float32 of shape \[3, 2\], allowed: .*\[4, F\]"),
        (path(x=torch.ones(4, 0)), "with F >= 1"),
        (path(x=torch.ones(4)), r"x: given torch.float32 of shape \[4\]"),
        (path(x=torch.tensor([[1e300]] * 4, dtype=torch.double)), "x: given inf as feature 0 of node 0"),
        (path(y=torch.ones(3).long()), r"y: given torch.int64 of shape \[3\], allowed: integers of shape \[4\]"),
        (path(y=torch.ones(4)), "y: given torch.float32"),
        (path(node_ids=list("abc")), "node_ids: given 3, allowed: one for each of the 4 nodes"),
        (path(node_ids=list("abab")), "node_ids: given 'a', 'b' more than once"),
        (path(node_ids=[1, "1", 2, 3]), "node_ids: given '1' more than once"),
    ],
)
def test_what_cannot_be_cleaned_is_refused(data: Data, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clean_graph(data)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_feature_that_is_not_finite_is_refused_by_the_name_of_its_node(bad: float) -> None:
    x = torch.zeros(4, 3)
    x[2, 1] = bad
    with pytest.raises(ValueError, match=f"x: given {bad} as feature 1 of node 2, allowed: finite"):
        clean_graph(path(x=x))
    with pytest.raises(ValueError, match=f"x: given {bad} as feature 1 of node 'carol'"):
        clean_graph(path(x=x, node_ids=["alice", "bob", "carol", "dan"]))


def test_ids_are_integers_or_text() -> None:
    assert plain_ids([3, np.int64(1)]) == [3, 1]
    assert plain_ids([3, "a", (0, 1), True]) == ["3", "a", "(0, 1)", "True"]
    assert plain_ids([True, False]) == ["True", "False"]


def test_number_of_nodes_needs_no_warning() -> None:
    assert count_nodes(Data(edge_index=torch.tensor([[0], [4]]))) == 5


def test_some_of_many() -> None:
    assert some(["a"]) == "'a'"
    assert some([1, 2, 3]) == "1, 2, 3"
    assert some([1, 2, 3, 4, 5]) == "1, 2, 3 and 2 more"


def test_graphs_that_were_cleaned_before_may_be_put_together() -> None:
    rings = [clean_graph(Data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]), num_nodes=3)) for _ in range(2)]
    batch = clean_graph(Batch.from_data_list(rings))
    assert batch.batch.tolist() == [0, 0, 0, 1, 1, 1]
    # Node 0 of both has the features of node 0: no defaults of six nodes.
    assert torch.equal(batch.x, torch.cat([ring.x for ring in rings]))
    assert "has_default_features" not in batch
