from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data import default_features, from_networkx, from_scipy

FORMATS = ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]


def dense(data: Data) -> Tensor:
    weight = torch.ones(data.num_edges) if data.edge_weight is None else data.edge_weight
    return torch.zeros(data.num_nodes, data.num_nodes).index_put_(tuple(data.edge_index), weight, accumulate=True)


def weighted_example() -> np.ndarray:
    return np.array([[9.0, 2.0, 0.0, 0.0], [2.0, 0.0, 0.5, 0.0], [0.0, 0.25, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])


@pytest.mark.parametrize("kind", [sparse.coo_array, sparse.coo_matrix])
@pytest.mark.parametrize("layout", FORMATS)
def test_every_sparse_format(kind: Any, layout: str) -> None:
    """Entry 1-2 is given as .5 and .25: the larger counts.  The self-loop goes, node 3 stays."""
    expected = torch.tensor([[0, 2, 0, 0], [2, 0, 0.5, 0], [0, 0.5, 0, 0], [0, 0, 0, 0]])
    data = from_scipy(kind(weighted_example()).asformat(layout))
    assert torch.equal(dense(data), expected)
    assert data.num_nodes == 4


def test_ones_and_booleans_are_unweighted() -> None:
    ring = sparse.diags_array([1.0, 1.0], offsets=[1, -3], shape=(4, 4)).tocsr()
    for adjacency in (ring, ring.astype(bool), ring.astype(np.int8)):
        data = from_scipy(adjacency)
        assert data.edge_weight is None
        assert data.edge_index.tolist() == [[0, 0, 1, 1, 2, 2, 3, 3], [1, 3, 0, 2, 1, 3, 0, 2]]


def test_stored_zeros_are_no_links_and_repeats_are_summed() -> None:
    adjacency = sparse.coo_array(([0.0, 1.0, 2.0], ([0, 1, 1], [2, 2, 2])), shape=(3, 3))
    data = from_scipy(adjacency)
    assert data.edge_index.tolist() == [[1, 2], [2, 1]]
    assert data.edge_weight.tolist() == [3, 3]
    assert adjacency.nnz == 3


def test_features_and_ids_come_along() -> None:
    data = from_scipy(sparse.csr_array(weighted_example()), np.arange(8).reshape(4, 2), node_ids=list("abcd"))
    assert data.x.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert data.node_ids == list("abcd")
    assert torch.equal(from_scipy(sparse.csr_array(weighted_example())).x, default_features(4))


def test_what_is_no_adjacency_is_refused() -> None:
    with pytest.raises(TypeError, match="adjacency: given ndarray, allowed: a SciPy sparse"):
        from_scipy(np.eye(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"adjacency: given float64 of shape \(2, 3\), allowed: .*square"):
        from_scipy(sparse.coo_array(np.ones((2, 3))))
    with pytest.raises(ValueError, match="adjacency: given complex128"):
        from_scipy(sparse.eye_array(3, dtype=complex))
    with pytest.raises(ValueError, match="edge_weight: given nan for the edge 0 - 1"):
        from_scipy(sparse.coo_array(([np.nan], ([0], [1])), shape=(2, 2)))
    with pytest.raises(ValueError, match="empty graph"):
        from_scipy(sparse.coo_array((0, 0)))
    with pytest.raises(ValueError, match=r"x: given what is no array of numbers .*real numbers"):
        from_scipy(sparse.csr_array(weighted_example()), [["a"]] * 4)


CLASSES = [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph]


@settings(deadline=None)
@given(
    st.sampled_from(CLASSES),
    st.lists(st.tuples(*[st.sampled_from("abcde")] * 2, st.sampled_from([0.5, 1.0, 2.0])), min_size=1, max_size=15),
)
def test_networkx_graphs_have_networkx_adjacencies(kind: Any, edges: list[tuple[str, str, float]]) -> None:
    graph = kind()
    graph.add_nodes_from("edcba")
    graph.add_edge("a", "b", weight=4.0)
    graph.add_weighted_edges_from(edges)
    data = from_networkx(graph, directed=False)
    adjacency = nx.to_numpy_array(graph)  # sums parallel edges
    expected = np.maximum(adjacency, adjacency.T)
    np.fill_diagonal(expected, 0)
    assert np.array_equal(dense(data).numpy(), expected)
    assert data.node_ids == list("edcba")


@pytest.mark.parametrize("kind", CLASSES)
def test_graph_without_weights_is_unweighted(kind: Any) -> None:
    graph = kind([("a", "b"), ("b", "c"), ("a", "b"), ("c", "c")])
    data = from_networkx(graph, directed=False)
    assert data.edge_weight is None
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]


@pytest.mark.parametrize("kind", CLASSES[1::2])
def test_directions_are_kept_or_dropped_with_a_word(kind: Any) -> None:
    graph = kind([("a", "b"), ("b", "c"), ("c", "b"), ("a", "b")])
    kept = from_networkx(graph, directed=True)
    assert kept.directed
    assert kept.edge_index.tolist() == [[0, 1, 2], [1, 2, 1]]
    with pytest.warns(UserWarning, match=rf"^the graph is a {kind.__name__}: the directions .* dropped; directed=True"):
        assert from_networkx(graph).is_undirected()
    with pytest.raises(ValueError, match=r"^directed: given True for a (Multi)?Graph, whose edges have no direction"):
        from_networkx(graph.to_undirected(), directed=True)
    both = kind([("a", "b"), ("b", "a")])
    assert from_networkx(both).num_edges == 2
    matrix = sparse.csr_array(np.array([[0, 1, 0], [0, 0, 1], [0, 1, 0]]))
    assert from_scipy(matrix, directed=True).edge_index.tolist() == kept.edge_index.tolist()
    assert from_scipy(matrix).edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]


def test_weights_by_another_name_and_missing_ones() -> None:
    graph = nx.Graph()
    graph.add_edge("a", "b", strength=2.5, weight=7)
    graph.add_edge("b", "c")
    assert from_networkx(graph, weight="strength").edge_weight.tolist() == [2.5, 2.5, 1, 1]
    assert from_networkx(graph, weight="nothing").edge_weight is None


def test_ids_of_any_kind() -> None:
    assert from_networkx(nx.Graph([(30, -5), (-5, 7)])).node_ids == [30, -5, 7]
    grid = from_networkx(nx.grid_2d_graph(2, 2))
    assert grid.node_ids == ["(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)"]
    with pytest.raises(ValueError, match="node_ids: given '1' more than once"):
        from_networkx(nx.Graph([(1, "1")]))


def test_attributes_become_features() -> None:
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, {0: 1, 1: 2.5, 2: True}, "size")
    nx.set_node_attributes(graph, {node: [node, -node] for node in graph}, "place")
    assert from_networkx(graph, ["place", "size"]).x.tolist() == [[0, 0, 1], [1, -1, 2.5], [2, -2, 1]]
    assert from_networkx(graph, x=[[1], [2], [3]]).x.tolist() == [[1], [2], [3]]
    assert torch.equal(from_networkx(graph).x, default_features(3))


def test_bad_attributes_and_weights_are_refused() -> None:
    graph = nx.path_graph(6)
    graph.nodes[0]["size"] = 1.0
    with pytest.raises(ValueError, match="features: given 'size', which the nodes 1, 2, 3 and 2 more lack"):
        from_networkx(graph, ["size"])
    nx.set_node_attributes(graph, "big", "size")
    with pytest.raises(ValueError, match="features 'size': given what is no array of numbers"):
        from_networkx(graph, ["size"])
    nx.set_node_attributes(graph, {node: [1.0] * (1 + node % 2) for node in graph}, "size")
    with pytest.raises(ValueError, match="features 'size': given what is no array of numbers"):
        from_networkx(graph, ["size"])
    with pytest.raises(ValueError, match="x: given together with features"):
        from_networkx(graph, ["size"], x=np.ones((6, 1)))
    for weight, message in (("heavy", "no array of numbers"), (0, "given 0.0 for the edge 0 - 1"), (-1, "given -1.0")):
        graph.edges[0, 1]["weight"] = weight
        with pytest.raises(ValueError, match=f"edge_weight: .*{message}"):
            from_networkx(graph)
    with pytest.raises(ValueError, match="empty graph"):
        from_networkx(nx.Graph())
    with pytest.raises(ValueError, match="no link between two different nodes"):
        from_networkx(nx.empty_graph(3))


def test_sides_of_a_bipartite_networkx_graph() -> None:
    graph = nx.davis_southern_women_graph()
    data = from_networkx(graph)
    assert data.side.tolist() == [value for _, value in graph.nodes(data="bipartite")]
    assert "side" not in from_networkx(nx.bipartite.projected_graph(graph, graph.graph["top"]))
    assert "side" not in from_networkx(nx.path_graph(3))


def test_a_self_loop_does_not_hide_the_sides() -> None:
    graph = nx.davis_southern_women_graph()
    expected = from_networkx(graph).side
    graph.add_edge("E1", "E1")
    assert torch.equal(from_networkx(graph).side, expected)
