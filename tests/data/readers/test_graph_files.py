from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import sparse
from torch_geometric.data import Data

from spherical_gae.data import default_features, read_graph


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def links(data: Data) -> dict[tuple[Any, Any], float]:
    """Weight of every link, by the ids of its ends; both directions are checked to be there."""
    ids = data.get("node_ids") or list(range(data.num_nodes))
    weight = torch.ones(data.num_edges) if data.edge_weight is None else data.edge_weight
    pairs = [(ids[i], ids[j]) for i, j in data.edge_index.t().tolist()]
    found = dict(zip(pairs, weight.tolist(), strict=True))
    assert len(found) == len(pairs)
    assert all(found[j, i] == value for (i, j), value in found.items())
    return {pair: value for pair, value in found.items() if ids.index(pair[0]) < ids.index(pair[1])}


def features_by_id(data: Data) -> dict[Any, list[float]]:
    return dict(zip(data.node_ids, data.x.tolist(), strict=True))


def test_edge_list_is_read_and_cleaned(tmp_path: Path) -> None:
    text = "source,target,weight\nb,a,1\na,b,2\nb,a,2.5\nc,c,1\nb,d,4\n"
    data = read_graph(write(tmp_path / "friends.csv", text))
    assert data.node_ids == ["a", "b", "c", "d"]
    assert links(data) == {("a", "b"): 3.5, ("b", "d"): 4}
    assert data.name == "friends"
    assert torch.equal(data.x, default_features(["a", "b", "c", "d"]))


def test_order_of_lines_changes_nothing(tmp_path: Path) -> None:
    first = read_graph(write(tmp_path / "a.csv", "30,4\n4,-1\n7,4\n"))
    second = read_graph(write(tmp_path / "b.tsv", "4\t7\n4\t30\n-1\t4\n"))
    assert first.node_ids == second.node_ids == [-1, 4, 7, 30]
    assert torch.equal(first.edge_index, second.edge_index)
    assert torch.equal(first.x, second.x)


def test_table_of_features_is_joined_by_id(tmp_path: Path) -> None:
    """Nodes that only the table has are isolated, and come last."""
    edges = write(tmp_path / "edges.csv", "10,2\n2,7\n")
    table = write(tmp_path / "x.csv", "id,f\n7,.7\n3,.3\n10,1\n2,.2\n1,.1\n")
    data = read_graph(edges, table)
    assert data.node_ids == [2, 7, 10, 1, 3]
    assert features_by_id(data) == {
        2: [pytest.approx(0.2)],
        7: [pytest.approx(0.7)],
        10: [1.0],
        1: [pytest.approx(0.1)],
        3: [pytest.approx(0.3)],
    }
    assert links(data) == {(2, 10): 1, (2, 7): 1}
    named = read_graph(edges, write(tmp_path / "x.tsv", "7\t0\nnew\t1\n10\t2\n2\t3\n"))
    assert features_by_id(named) == {"2": [3], "7": [0], "10": [2], "new": [1]}


def test_rows_of_a_matrix_are_numbered_as_the_ids_of_an_edge_list(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(5)[:, None])
    data = read_graph(write(tmp_path / "edges.csv", "4,0\n0,2\n"), tmp_path / "x.npy")
    assert features_by_id(data) == {k: [k] for k in range(5)}
    assert links(data) == {(0, 2): 1, (0, 4): 1}
    for text, names in (("a,b\n", "'a', 'b'"), ("5,0\n", "'5'")):
        with pytest.raises(ValueError, match=f"features: given none for the nodes {names}, allowed"):
            read_graph(write(tmp_path / "edges.csv", text), tmp_path / "x.npy")


def test_nodes_without_features_are_named(tmp_path: Path) -> None:
    edges, table = write(tmp_path / "edges.csv", "a,b\nb,c\nd,e\n"), write(tmp_path / "x.csv", "e,1\n")
    with pytest.raises(ValueError, match="features: given none for the nodes 'a', 'b', 'c' and 1 more"):
        read_graph(edges, table)
    with pytest.raises(ValueError, match=r"x\.csv: features: given inf as 'feature 2' of node 'b'"):
        read_graph(edges, write(tmp_path / "x.csv", "a,1,1\nb,1,inf\nc,1,1\nd,1,1\ne,1,1\n"))


def test_scipy_matrix(tmp_path: Path) -> None:
    matrix = sparse.coo_array(([2.0, 0.5], ([0, 1], [1, 3])), shape=(5, 5))
    sparse.save_npz(tmp_path / "g.npz", matrix)
    data = read_graph(tmp_path / "g.npz")
    assert links(data) == {(0, 1): 2, (1, 3): 0.5}
    assert data.num_nodes == 5
    assert "node_ids" not in data
    np.save(tmp_path / "x.npy", np.arange(7)[:, None])
    larger = read_graph(tmp_path / "g.npz", tmp_path / "x.npy")
    assert larger.num_nodes == 7
    assert larger.x.flatten().tolist() == list(range(7))
    table = read_graph(tmp_path / "g.npz", write(tmp_path / "x.csv", "6,6\n4,4\n3,3\n2,2\n1,1\n0,0\n"))
    assert features_by_id(table) == {k: [k] for k in (0, 1, 2, 3, 4, 6)}
    np.save(tmp_path / "x.npy", np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"x\.npy: x: given float32 of shape \[4, 1\], allowed: .*\[5, F\]"):
        read_graph(tmp_path / "g.npz", tmp_path / "x.npy")


def test_arrays(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "edge_index": np.array([[0, 1], [1, 2]], dtype=np.uint16),
        "edge_weight": np.array([2.0, 3.0]),
        "x": np.eye(4),
        "y": np.array([0, 1, 0, 1], dtype=np.int16),
        "node_ids": np.array(["a", "b", "c", "d"]),
    }
    np.savez(tmp_path / "g.npz", **arrays)
    data = read_graph(tmp_path / "g.npz")
    assert links(data) == {("a", "b"): 2, ("b", "c"): 3}
    assert torch.equal(data.x, torch.eye(4))
    assert data.y.tolist() == [0, 1, 0, 1]
    np.save(tmp_path / "x.npy", np.arange(4)[:, None])
    replaced = read_graph(tmp_path / "g.npz", tmp_path / "x.npy")
    assert features_by_id(replaced) == {"a": [0], "b": [1], "c": [2], "d": [3]}
    np.savez(tmp_path / "g.npz", edge_index=arrays["edge_index"], num_nodes=9)
    assert read_graph(tmp_path / "g.npz").num_nodes == 9


def test_graphml(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node("b", height=2, weight=0.5, town="Ulm")
    graph.add_node("a", height=3, weight=1.5)
    graph.add_node("c", height=4, weight=2.5)
    graph.add_edge("a", "b", weight=2.0)
    nx.write_graphml_xml(graph, tmp_path / "g.graphml")
    data = read_graph(tmp_path / "g.graphml")
    assert features_by_id(data) == {"b": [2, 0.5], "a": [3, 1.5], "c": [4, 2.5]}
    assert links(data) == {("b", "a"): 2}
    assert data.edge_weight.tolist() == [2, 2]
    graph.nodes["c"].pop("height")
    nx.write_graphml_xml(graph, tmp_path / "g.graphml")
    data = read_graph(tmp_path / "g.graphml")
    assert data.feature_preparation.feature_names == ["height", "weight", "height is missing"]
    assert features_by_id(data) == {"b": [2, 0.5, 0], "a": [3, 1.5, 0], "c": [2.5, 2.5, 1]}
    # Features of one's own replace those of the file, complete or not.
    table = write(tmp_path / "x.csv", "a,1\nb,2\nc,3\n")
    assert features_by_id(read_graph(tmp_path / "g.graphml", table)) == {"b": [2], "a": [1], "c": [3]}
    np.save(tmp_path / "x.npy", np.array([[7.0], [8.0], [9.0]]))
    assert features_by_id(read_graph(tmp_path / "g.graphml", tmp_path / "x.npy")) == {"b": [7], "a": [8], "c": [9]}


def test_graphml_without_numbers_has_the_default_features(tmp_path: Path) -> None:
    nx.write_graphml_xml(nx.path_graph(3), tmp_path / "g.graphml")
    data = read_graph(tmp_path / "g.graphml")
    assert torch.equal(data.x, default_features(3))
    assert data.node_ids == ["0", "1", "2"]
    assert data.edge_weight is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.xls", b"a,b", r"path: given 'g\.xls', allowed: a file \.csv, \.tsv, .*\.npz, .*\.graphml"),
        ("g", b"a,b", "path: given 'g', allowed"),
        ("g.csv", b"", r"g\.csv: given no edges"),
        ("g.csv", b"a,a", "edge_index: given no link between two different nodes"),
        ("g.csv", b"a,b,0\nc,d,1", "edge_weight: given 0.0 for the edge 'a' - 'b'"),
        ("g.csv", b"a,b,nan", r"g\.csv: given 'nan' as weight in line 1, allowed: a number"),
        ("g.npz", b"a,b", r"g\.npz: not a file of NumPy arrays"),
        ("g.graphml", b"<graphml>", r"g\.graphml: not a GraphML file"),
        ("g.graphml", b"<html/>", r"g\.graphml: not a GraphML file"),
        ("g.graphml", b"", r"g\.graphml: not a GraphML file"),
    ],
)
def test_bad_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_graph(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": np.eye(3)},
            r"g\.npz: given arrays x, allowed: edge_index and, optionally, edge_weight, edge_time, x, y",
        ),
        ({"edge_index": np.eye(2), "edge_weights": np.ones(2)}, "given arrays edge_index, edge_weights, allowed"),
        ({"edge_index": np.array([["a"], ["b"]])}, "given edge_index of <U1 and shape .*, allowed: integers"),
        ({"edge_index": np.ones((2, 1))}, "given edge_index of float64"),
        ({"edge_index": np.ones((2, 0), dtype=int)}, "data: given an empty graph"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "g.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_graph(tmp_path / "g.npz")


def test_missing_files_and_bad_features_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"g\.csv is no file"):
        read_graph(tmp_path / "g.csv")
    broken = write(tmp_path / "g.csv", "")
    with pytest.raises(FileNotFoundError, match=r"x\.csv is no file"):
        read_graph(broken, tmp_path / "x.csv")
    with pytest.raises(ValueError, match=r"features: given 'x\.xls', allowed: a file \.csv, \.tsv, .*\.npy, \.npz"):
        read_graph(broken, tmp_path / "x.xls")
