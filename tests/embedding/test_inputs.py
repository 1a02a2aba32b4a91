from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch_geometric.data import Data

from spherical_gae.data import clean_graph, from_networkx
from spherical_gae.embedding.inputs import as_graph, pairs_of, raw_graph

EDGES = [("b", "a"), ("b", "c"), ("a", "d")]
NUMBERS = [(1, 0), (1, 2), (0, 3)]


def links_of(data: Data) -> set[frozenset[Any]]:
    return {frozenset((data.node_ids[a], data.node_ids[b])) for a, b in data.edge_index.t().tolist()}


def kinds_of(tmp_path: Path) -> list[Any]:
    path = tmp_path / "edges.csv"
    path.write_text("\n".join(f"{a},{b}" for a, b in EDGES))
    table = pd.DataFrame(EDGES, columns=["Target", "source"]).assign(note="x")
    return [EDGES, np.array(EDGES), table, table[["source", "Target"]], nx.Graph(EDGES), path, str(path)]


def test_all_kinds_are_the_same_graph(tmp_path: Path) -> None:
    for graph in kinds_of(tmp_path):
        data = as_graph(graph)
        assert links_of(data) == {frozenset(edge) for edge in EDGES}
        assert data.has_default_features


def test_numbered_graphs_are_called_by_their_numbers() -> None:
    index = torch.tensor(NUMBERS).t()
    matrix = sparse.coo_array((np.ones(3), index.numpy()), shape=(4, 4))
    for graph in (Data(edge_index=index, num_nodes=4), matrix, NUMBERS, np.array(NUMBERS)):
        data = as_graph(graph)
        assert data.node_ids == [0, 1, 2, 3]
        assert links_of(data) == {frozenset(edge) for edge in NUMBERS}


@pytest.mark.parametrize("kind", ["table", "path"])
def test_features_by_id_add_isolated_nodes(kind: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"f": [4.0, 1, 2, 3, 5], "g": 0.5}, index=["d", "a", "b", "c", "alone"])
    features: Any = table
    if kind == "path":
        features = tmp_path / "features.csv"
        table.to_csv(features, header=False)
    for graph in kinds_of(tmp_path):
        data = as_graph(graph, features)
        assert dict(zip(data.node_ids, data.x[:, 0].tolist(), strict=True)) == table["f"].to_dict()
        assert data.num_nodes == 5
        assert "has_default_features" not in data


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor, sparse.csr_array, list])
def test_features_by_row(convert: Any) -> None:
    rows = [[1.0, 0], [2, 0], [3, 0], [0, 4], [5, 0]]
    # Numbered nodes: the fifth is isolated.
    data = as_graph(NUMBERS, convert(rows))
    assert data.x.tolist() == rows
    assert data.node_ids == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"x: given .* of shape \[5, 2\], allowed: real numbers of shape \[4, F\]"):
        as_graph(EDGES, convert(rows))


def test_attributes_of_networkx_are_named() -> None:
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, {0: 1.0, 1: 2.0, 2: 3.0}, "size")
    assert as_graph(graph, ["size"]).x.tolist() == [[1], [2], [3]]


def test_weights_of_a_table() -> None:
    table = pd.DataFrame({"a": [0, 1], "b": [1, 2], "Weight": [2.0, 0.5]})
    assert as_graph(table).edge_weight.tolist() == [2, 2, 0.5, 0.5]


def test_labels_and_ids_of_data_are_kept() -> None:
    given = Data(edge_index=torch.tensor(NUMBERS).t(), x=torch.rand(4, 2), y=torch.arange(4), node_ids=list("wxyz"))
    data = as_graph(given)
    assert data.node_ids == list("wxyz")
    assert torch.equal(data.x, given.x)
    assert torch.equal(data.y, given.y)


def test_default_features_that_a_cleaned_graph_has_are_known_as_such() -> None:
    cleaned = clean_graph(Data(edge_index=torch.tensor(NUMBERS).t()))
    assert as_graph(cleaned).has_default_features


@pytest.mark.parametrize(
    ("graph", "features", "error", "message"),
    [
        (3.5, None, TypeError, "graph: given float, allowed: a torch_geometric Data, a networkx graph"),
        (["ab", "cd"], None, TypeError, "pairs: allowed: a list of pairs"),
        (pd.DataFrame({"a": [1]}), None, ValueError, "given a table of 1 columns, allowed: source and target"),
        (pd.DataFrame({"a": ["x", None], "b": ["y", "z"]}), None, ValueError, "empty node id in row 1"),
        (EDGES, pd.DataFrame([[1], [2]], index=["a", "a"]), ValueError, "features: given an id twice"),
        (EDGES, pd.DataFrame([[1], [2]], index=["a", "b"]), ValueError, "features: given none for the nodes 'c', 'd'"),
        (EDGES, pd.DataFrame([["w"]], index=["a"]), ValueError, "features: given what is no array of numbers"),
    ],
)
def test_what_is_no_graph_is_refused(graph: Any, features: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        as_graph(graph, features)


def test_no_graph_but_features() -> None:
    raw = raw_graph(None, pd.DataFrame([[1.0]], index=["a"]))
    assert (raw.node_ids, raw.edge_index.tolist(), raw.x.tolist()) == (["a"], [[], []], [[1]])


def test_pairs() -> None:
    assert pairs_of(pd.DataFrame(EDGES)) == EDGES
    assert pairs_of(np.array(NUMBERS)) == NUMBERS
    assert pairs_of(torch.tensor(NUMBERS)) == NUMBERS


def test_directions_are_not_dropped_in_silence() -> None:
    arrows = nx.DiGraph([("a", "b"), ("b", "c")])
    with pytest.warns(UserWarning, match=r"^the graph is a DiGraph: .* are dropped; graph.to_undirected\(\) does so"):
        assert as_graph(arrows).num_edges == 4
    with pytest.raises(ValueError, match=r"^graph: given a directed one, allowed: undirected ones; DirectedGAE is for"):
        as_graph(from_networkx(arrows, directed=True))
