from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import sparse

from spherical_gae.data import default_features, read_graph
from tests.helpers.graph_text import features_by_id, weighted_links, write


def test_edge_list_is_read_and_cleaned(tmp_path: Path) -> None:
    text = "source,target,weight\nb,a,1\na,b,2\nb,a,2.5\nc,c,1\nb,d,4\n"
    data = read_graph(write(tmp_path / "friends.csv", text))
    assert data.node_ids == ["a", "b", "c", "d"]
    assert weighted_links(data) == {("a", "b"): 3.5, ("b", "d"): 4}
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
    assert weighted_links(data) == {(2, 10): 1, (2, 7): 1}
    named = read_graph(edges, write(tmp_path / "x.tsv", "7\t0\nnew\t1\n10\t2\n2\t3\n"))
    assert features_by_id(named) == {"2": [3], "7": [0], "10": [2], "new": [1]}


def test_rows_of_a_matrix_are_numbered_as_the_ids_of_an_edge_list(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(5)[:, None])
    data = read_graph(write(tmp_path / "edges.csv", "4,0\n0,2\n"), tmp_path / "x.npy")
    assert features_by_id(data) == {k: [k] for k in range(5)}
    assert weighted_links(data) == {(0, 2): 1, (0, 4): 1}
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
    assert weighted_links(data) == {(0, 1): 2, (1, 3): 0.5}
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


def test_missing_files_and_bad_features_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"g\.csv is no file"):
        read_graph(tmp_path / "g.csv")
    broken = write(tmp_path / "g.csv", "")
    with pytest.raises(FileNotFoundError, match=r"x\.csv is no file"):
        read_graph(broken, tmp_path / "x.csv")
    with pytest.raises(ValueError, match=r"features: given 'x\.xls', allowed: a file \.csv, \.tsv, .*\.npy, \.npz"):
        read_graph(broken, tmp_path / "x.xls")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("dicts.txt", {"bipartite": True}, "bipartite: given True for dicts.txt, allowed: for tables of cells only"),
        ("array.npy", {"bipartite": True}, "bipartite: given True for array.npy, allowed: for tables of cells only"),
        ("graph.graphml", {"header": True}, "header: given True for graph.graphml, allowed: for tables of cells only"),
        ("graph.graphml", {"comment": "#"}, "comment: given '#' for graph.graphml, allowed: for tables of cells only"),
    ],
)
def test_options_of_tables_are_refused_elsewhere(
    tmp_path: Path, name: str, options: dict[str, Any], message: str
) -> None:
    graph = nx.Graph([(1, 2), (1, 3), (3, 2)])
    nx.write_edgelist(graph, tmp_path / "dicts.txt")
    nx.write_graphml(graph, tmp_path / "graph.graphml")
    np.save(tmp_path / "array.npy", np.array([[1, 2], [1, 0], [0, 2]]))
    with pytest.raises(ValueError, match=message):
        read_graph(tmp_path / name, **options)


def test_a_table_of_features_takes_the_options_of_text(tmp_path: Path) -> None:
    nx.write_graphml(nx.Graph([(1, 2), (1, 3)]), tmp_path / "graph.graphml")
    (tmp_path / "x.csv").write_text("1;.5\n2;.25\n3;.125\n")
    data = read_graph(tmp_path / "graph.graphml", tmp_path / "x.csv", delimiter=";", header=False)
    assert data.x.view(-1).tolist() == [0.5, 0.25, 0.125]


def test_weights_of_later_times_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("source,target,weight,time\n1,2,2,0\n2,3,2,1\n1,2,99,1000\n")
    report = read_graph(tmp_path / "links.csv", time="time").report
    assert any("the weights of a link that occurs at several times are summed" in text for text in report.warnings)
    report = read_graph(tmp_path / "links.csv", time="time", weight="none").report
    assert not any("are summed" in text for text in report.warnings)


UNDIRECTED = {
    "g.gml": 'graph [ directed 0 node [ id 0 label "a" ] node [ id 1 label "b" ] edge [ source 0 target 1 ] ]',
    "g.graphml": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected"><node id="a"/>'
    '<node id="b"/><edge source="a" target="b"/></graph></graphml>',
    "g.gexf": '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"><graph defaultedgetype="undirected"><nodes>'
    '<node id="a" label="a"/><node id="b" label="b"/></nodes><edges><edge id="0" source="a" target="b"/></edges>'
    "</graph></gexf>",
    "g.net": '*Vertices 2\n1 "a"\n2 "b"\n*Edges\n1 2\n',
    "g.json": '{"directed": false, "nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": "a", "target": "b"}]}',
    "snap.txt": "# Undirected graph: friends\n# FromNodeId\tToNodeId\na\tb\n",
    "gephi.csv": "Source,Target,Type\na,b,Undirected\n",
}


@pytest.mark.parametrize("name", UNDIRECTED)
def test_links_without_a_direction_get_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(UNDIRECTED[name])
    assert read_graph(tmp_path / name).node_ids[:2] == ["a", "b"]
    with pytest.raises(ValueError, match=rf"^directed: given True for {name}, which says .* allowed: False"):
        read_graph(tmp_path / name, directed=True)


def test_beside_directed_links_an_undirected_one_counts_in_both_directions(tmp_path: Path) -> None:
    (tmp_path / "mixed.csv").write_text("Source,Target,Type,Weight\na,b,Undirected,2\nb,c,Directed,3\n")
    data = read_graph(tmp_path / "mixed.csv", directed=True)
    assert (data.edge_index.tolist(), data.edge_weight.tolist()) == ([[0, 1, 1], [1, 0, 2]], [2, 2, 3])
    assert "Directed and undirected links: the 1 undirected ones count in both directions." in data.report.notes


def test_a_bipartite_file_of_konect_may_be_directed(tmp_path: Path) -> None:
    (tmp_path / "out.g").write_text("% bip unweighted\nu1 i1\nu2 i1\n")
    assert read_graph(tmp_path / "out.g", directed=True).num_edges == 2
