import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch_geometric.data import Data

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import clean_graph, from_networkx, read_graph
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.embedding.inputs import as_graph, pairs_of, raw_graph
from tests.helpers.embeddings import fitted, words_and_links

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
    with pytest.raises(
        ValueError, match=r"^features: given 5 rows, allowed: 4, for the nodes .*; or a table indexed by id"
    ):
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


def attributed(path: Path, links: list[tuple[str, str]], people: dict[str, tuple[float, float]]) -> Path:
    graph = nx.Graph(links)
    for name, (age, income) in people.items():
        graph.nodes[name].update(age=age, income=income)
    nx.write_graphml(graph, path)
    return path


def test_attributes_of_later_files_become_features_as_those_of_the_first_did(tmp_path: Path) -> None:
    links = [(f"n{k}", f"n{(k + step) % 30}") for k in range(30) for step in (1, 2)]
    people = {f"n{k}": (20.0 + k, 1000.0 * (1 + k)) for k in range(30)}
    embedding = fitted(attributed(tmp_path / "first.graphml", links, people))
    later = attributed(
        tmp_path / "later.graphml", [("n0", "twin"), ("twin", "rich"), ("n0", "poor")], {"rich": (25.0, 1e9)}
    )
    # Nodes of later files: one lacks all values, one has those of a node that is there.
    graph = nx.read_graphml(later)
    graph.nodes["twin"].update(age=20.0, income=1000.0)
    nx.write_graphml(graph, later)
    whole = embedding.extended(later)
    x = dict(zip(whole.node_ids_, whole._graph.data.x, strict=True))
    assert torch.equal(x["twin"], x["n0"])
    # Ages within 10 and 50 are standardised, and what is beyond ten deviations is cut.
    assert x["rich"][1] == 10
    assert torch.equal(x["poor"], torch.zeros(2))
    table = pd.DataFrame({"age": [20.0, 25.0], "income": [1000.0, 1e9]}, index=["twin", "rich"])
    by_table = embedding.extended([("n0", "twin"), ("twin", "rich")], table)
    assert torch.equal(by_table._graph.data.x[30:], torch.stack([x["rich"], x["twin"]]))
    embedding.save(tmp_path / "saved")
    loaded = SphericalGraphEmbedding.load(tmp_path / "saved")
    assert loaded.transform(later).equals(embedding.transform(later))
    nx.write_graphml(nx.Graph([("n0", "bare")]), tmp_path / "bare.graphml")
    with pytest.raises(ValueError, match="features: given none for the new nodes 'bare'"):
        embedding.extended(tmp_path / "bare.graphml")


def test_attributes_of_later_files_are_left_out_where_they_are_of_no_use(tmp_path: Path) -> None:
    later = attributed(tmp_path / "later.graphml", [("0", "new"), ("new", "1")], {"new": (30.0, 5.0)})
    bare = fitted(nx.karate_club_graph())
    assert bare.transform(later).equals(bare.transform([("0", "new"), ("new", "1")]).loc[["0", "new", "1"]])
    links, features = words_and_links()
    words = fitted(links, features)
    graph = nx.Graph([("n00", "new")])
    graph.nodes["new"].update(age=4.0)
    nx.write_graphml(graph, later)
    row = features.iloc[:1].set_axis(["new"])
    assert words.transform(later, row).equals(words.transform([("n00", "new")], row))


def test_later_files_of_two_kinds_of_nodes_name_them_as_the_first_did(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pairs = pd.DataFrame(random.integers(12, size=(50, 2)), columns=["user", "film"]).drop_duplicates()
    pairs.to_csv(tmp_path / "first.csv", index=False)
    embedding = fitted(read_graph(tmp_path / "first.csv", bipartite=True))
    assert {"user 3", "film 3"} <= set(embedding.node_ids_)
    expected = embedding.transform([("user 99", "film 1"), ("user 99", "film 2")])
    # Ids that do not occur in both columns here, and columns in another order.
    for text in ("user,film\n99,1\n99,2\n", "film,user\n1,99\n2,99\n"):
        (tmp_path / "later.csv").write_text(text)
        found = embedding.transform(tmp_path / "later.csv")
        assert found.loc["user 99"].equals(expected.loc["user 99"])
        assert sorted(found.index) == ["film 1", "film 2", "user 99"]
    embedding.save(tmp_path / "saved")
    assert SphericalGraphEmbedding.load(tmp_path / "saved").transform(tmp_path / "later.csv").equals(found)
    # Ids that are written as the embedding has them, with and without saying so.
    (tmp_path / "later.csv").write_text("user,film\nuser 99,film 1\nuser 99,film 2\n")
    for reading in (None, ReadingOptions(bipartite=False)):
        found = embedding.transform(tmp_path / "later.csv", reading=reading)
        assert found.loc["user 99"].equals(expected.loc["user 99"])


def test_later_files_need_say_nothing_of_nodes_that_are_there(tmp_path: Path) -> None:
    def written(name: str, nodes: list[dict[str, Any]], links: list[tuple[int, int]]) -> Path:
        path = tmp_path / name
        listed = [{"source": a, "target": b} for a, b in links]
        path.write_text(json.dumps({"nodes": nodes, "links": listed}))
        return path

    nodes = [{"id": k, "emb": [k / 30, 1 - k / 30], "age": 20 + k} for k in range(30)]
    ring = [(k, (k + step) % 30) for k in range(30) for step in (1, 2)]
    embedding = fitted(written("first.json", nodes, ring))
    later = [{"id": 0}, {"id": 5, "age": 1e400}, {"id": 60, "emb": [0.1, 0.9], "age": 23}]
    whole = embedding.extended(written("later.json", later, [(0, 60), (5, 60)]))
    assert torch.equal(whole._graph.data.x[-1], embedding._graph.data.x[3])
    known = written("known.json", [{"id": 0, "other": 1}, {"id": 1, "other": 2}], [(0, 1)])
    assert embedding.transform(known).shape == (2, 6)


def test_a_later_edge_list_of_networkx_needs_no_options_of_text(tmp_path: Path) -> None:
    nx.write_edgelist(nx.karate_club_graph(), tmp_path / "dicts.txt")
    (tmp_path / "first.csv").write_text("\n".join(f"{a};{b}" for a, b in nx.karate_club_graph().edges))
    embedding = fitted(read_graph(tmp_path / "first.csv", delimiter=";"))
    nx.write_edgelist(nx.Graph([(0, 99), (99, 1)]), tmp_path / "later.edgelist")
    assert sorted(embedding.transform(tmp_path / "later.edgelist").index) == [0, 1, 99]


def test_labels_that_are_no_classes_are_left_aside() -> None:
    links = torch.tensor(NUMBERS).t()
    assert as_graph(Data(edge_index=links, num_nodes=4, y=torch.rand(4, 2))).y is None
    classes = torch.tensor([[1], [0], [2], [1]])
    assert as_graph(Data(edge_index=links, num_nodes=4, y=classes)).y.tolist() == [1, 0, 2, 1]
    assert clean_graph(Data(edge_index=links, num_nodes=4, y=classes)).y.tolist() == [1, 0, 2, 1]


def test_ids_may_be_a_tensor() -> None:
    data = Data(edge_index=torch.tensor(NUMBERS).t(), node_ids=torch.tensor([10, 20, 30, 40]))
    assert as_graph(data).node_ids == clean_graph(data).node_ids == [10, 20, 30, 40]


def test_links_of_nodes_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="edge_index: given nodes 0 to 99, allowed: 0 to 49"):
        raw_graph(Data(edge_index=torch.tensor([[0], [99]]), num_nodes=50))


def test_features_that_were_set_later_are_the_users(tmp_path: Path) -> None:
    """Also of a graph whose default features were marked before."""
    data = clean_graph(Data(edge_index=torch.tensor(NUMBERS).t(), num_nodes=4))
    assert data.has_default_features
    assert as_graph(data).get("x") is not None
    for width in (16, 65):
        data.x = torch.rand(4, width)
        read = as_graph(data)
        assert torch.equal(read.x, data.x)
        assert read.get("has_default_features") is None


def test_whole_floats_are_integers() -> None:
    """A column of pandas that lacked a value once, and numpy.loadtxt, make floats of ids."""
    table = pd.DataFrame({"source": [0, 1, 2, None], "target": [1, 2, 10, 3]}).dropna()
    assert as_graph(table).node_ids == [0, 1, 2, 10]
    assert as_graph(np.array(NUMBERS, dtype=float)).node_ids == [0, 1, 2, 3]
    assert as_graph([(0.5, 1.0), (1.0, 2.0)]).node_ids == ["0.5", "1.0", "2.0"]


def test_a_file_of_features_is_prepared_beside_any_graph(tmp_path: Path) -> None:
    """As beside a file: large numbers are standardized, text is categories, missing cells are filled."""
    (tmp_path / "links.csv").write_text("".join(f"{a},{b}\n" for a, b in EDGES))
    rows = ["a,52000,Ulm", "b,30000,Bonn", "c,,Ulm", "d,41000,Ulm"]
    (tmp_path / "people.csv").write_text("id,income,town\n" + "\n".join(rows) + "\n")
    expected = as_graph(tmp_path / "links.csv", tmp_path / "people.csv")
    for graph in (nx.Graph(EDGES), EDGES):
        read = as_graph(graph, tmp_path / "people.csv")
        row_of = [read.node_ids.index(name) for name in expected.node_ids]
        torch.testing.assert_close(read.x[row_of], expected.x)
        assert read.feature_preparation == expected.feature_preparation


def test_integers_of_more_than_64_bits_are_text() -> None:
    """As in a table: no column of numbers holds them."""
    edges = [(2**70 + a, 2**70 + b) for a, b in nx.path_graph(4).edges]
    assert as_graph(edges).node_ids == [str(2**70 + k) for k in range(4)]
    assert as_graph([(2**63 - 1, -(2**63))]).node_ids == [-(2**63), 2**63 - 1]
