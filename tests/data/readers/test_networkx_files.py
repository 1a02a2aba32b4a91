"""GraphML and its like."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

from spherical_gae.data import default_features
from spherical_gae.data.readers.graph_files import read_graph
from tests.helpers.graph_text import features_by_id, graph_of, graphml, of_values, weighted_links, weights, write


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ('<key id="w" for="edge" attr.name="weight" attr.type="double"><default>2.5</default></key>', [1, 2.5, 2.5]),
        ('<key id="w" for="all" attr.name="weight" attr.type="double"><default>2.5</default></key>', [1, 2.5, 2.5]),
        ('<key id="w" for="edge" attr.name="weight" attr.type="double"/>', [1, 1, 1]),
        ('<key id="w" for="edge" attr.name="value" attr.type="int"><default>3</default></key>', [1, 3, 3]),
    ],
)
def test_defaults_of_weights(tmp_path: Path, key: str, expected: list[float]) -> None:
    edges = '<edge source="a" target="b"><data key="w">1</data></edge><edge source="b" target="c"/>'
    data = graph_of(tmp_path, graphml(key, {}, edges + '<edge source="c" target="d"/>'), "g.graphml")
    assert (weights(data) or [1, 1, 1]) == expected
    assert data.has_default_features


def test_club_of_karate(tmp_path: Path) -> None:
    graph = nx.karate_club_graph()
    nx.write_graphml(graph, tmp_path / "g.graphml")
    data = read_graph(tmp_path / "g.graphml", labels="club")
    assert data.label_names == ["Mr. Hi", "Officer"]
    assert data.y.tolist() == [int(club == "Officer") for _, club in graph.nodes(data="club")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (of_values("3 inf 5 7"), "given inf as 'v' of node 'b'"),
        (of_values("3 1e39 5 7"), r"given 1e\+39 as 'v' of node 'b', allowed: finite float32"),
        (of_values("3 x 5 7"), "not a GraphML file: could not convert string to float: 'x'"),
        (graphml("", {}, '<edge source="a" target="a"/>'), "no link between two different nodes"),
        ("<graphml>", "not a GraphML file"),
    ],
)
def test_graphml_that_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        graph_of(tmp_path, content, "g.graphml")
    assert "g.graphml" in str(caught.value)


def test_graphml(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node("b", height=2, weight=0.5, town="Ulm")
    graph.add_node("a", height=3, weight=1.5)
    graph.add_node("c", height=4, weight=2.5)
    graph.add_edge("a", "b", weight=2.0)
    nx.write_graphml_xml(graph, tmp_path / "g.graphml")
    data = read_graph(tmp_path / "g.graphml")
    assert features_by_id(data) == {"b": [2, 0.5], "a": [3, 1.5], "c": [4, 2.5]}
    assert weighted_links(data) == {("b", "a"): 2}
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


@pytest.mark.parametrize("links", [[("a", "b"), ("a", "b")], [("a", "b"), ("b", "a")]])
def test_gml_may_list_an_edge_twice(tmp_path: Path, links: list[tuple[str, str]]) -> None:
    nodes = "".join(f'  node [ id {k} label "{name}" ]\n' for k, name in enumerate("abc"))
    number = {name: k for k, name in enumerate("abc")}
    edges = "".join(f"  edge [ source {number[i]} target {number[j]} ]\n" for i, j in [*links, ("b", "c")])
    (tmp_path / "twice.gml").write_text(f"graph [\n{nodes}{edges}]\n")
    data = read_graph(tmp_path / "twice.gml")
    assert data.node_ids == ["a", "b", "c"]
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert data.report.num_repeats + data.report.num_reciprocal == 1


def test_modes_of_a_pajek_file_go_by_the_numbers_of_its_vertices(tmp_path: Path) -> None:
    (tmp_path / "two.net").write_text('*Vertices 4 2\n3 "c"\n1 "a"\n4 "d"\n2 "b"\n*Edges\n1 3\n2 4\n')
    data = read_graph(tmp_path / "two.net")
    assert dict(zip(data.node_ids, data.side.tolist(), strict=True)) == {"a": 0, "b": 0, "c": 1, "d": 1}


def test_sides_that_links_do_not_keep_to_are_left_out(tmp_path: Path) -> None:
    graph = nx.complete_bipartite_graph(3, 4)
    nx.write_graphml(graph, tmp_path / "two.graphml")
    assert read_graph(tmp_path / "two.graphml").side.sum() == 4
    assert read_graph(tmp_path / "two.graphml", bipartite=False).get("side") is None
    nx.write_graphml(nx.bipartite.projected_graph(graph, [0, 1, 2]), tmp_path / "one.graphml")
    graph.add_edge(0, 1)
    nx.write_graphml(graph, tmp_path / "mixed.graphml")
    data = read_graph(tmp_path / "mixed.graphml")
    assert data.get("side") is None
    assert "Some links are within the sides that the attribute bipartite names: it is left out." in data.report.notes
    assert read_graph(tmp_path / "one.graphml").get("side") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "g.gexf",
            '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"><graph><nodes><node id="a" label="x"/>'
            '<node label="y" id="a"/></nodes><edges/></graph></gexf>',
        ),
        (
            "g.graphml",
            '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
            '<node id="a"/><node id="a"/></graph></graphml>',
        ),
        ("g.net", '*Vertices 2\n1 "x"\n1 "y"\n*Edges\n1 2\n'),
    ],
)
def test_two_nodes_of_one_id_are_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(
        ValueError, match=r"given two (nodes with the id 'a'|vertices with the number 1), allowed: diff"
    ):
        read_graph(tmp_path / name)


def test_a_node_in_a_comment_is_none(tmp_path: Path) -> None:
    text = (
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected"><!-- <node id="a"/> -->'
    )
    (tmp_path / "g.graphml").write_text(
        f'{text}<node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>'
    )
    assert read_graph(tmp_path / "g.graphml").node_ids == ["a", "b"]
