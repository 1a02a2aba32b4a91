"""Which attributes of nodes become features: their own, and nothing that was computed from the links."""

from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import torch

from spherical_gae.data.readers.graph_files import read_graph
from tests.helpers.graph_text import graph_of, of_values


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["x", "y", "z", "r", "g", "b", "a", "size", "color", "viz_x", "Position", "vx"], "a drawing"),
        (["degree", "In-Degree", "Weighted Degree", "pagerank", "betweenness centrality", "Modularity Class",
          "clustering", "Eccentricity", "kcore", "HITS", "Authority", "component_id", "louvain", "strength",
          "eigencentrality", "Triangles", "walktrap", "membership"], "a statistic of the graph"),
        (["id", "Label", "name"], "it names the nodes"),
    ],
)  # fmt: skip
def test_what_was_computed_from_the_links_is_no_feature(tmp_path: Path, names: list[str], why: str) -> None:
    for name in names:
        data = graph_of(tmp_path, of_values("1 2 3 4", name), "g.graphml")
        assert data.has_default_features, name
        assert why in data.report.attributes_left_out[repr(name)], name


@pytest.mark.parametrize("name", ["age", "height", "hometown size", "lat", "year_of_birth", "score"])
def test_what_is_their_own_is_a_feature(tmp_path: Path, name: str) -> None:
    data = graph_of(tmp_path, of_values("1 2 3 4", name), "g.graphml")
    assert data.x.tolist() == [[1], [2], [3], [4]]
    assert data.report.attributes_used == [name]


@pytest.mark.parametrize(
    "writer", [nx.write_graphml, nx.write_gexf, nx.write_gml], ids=["g.graphml", "g.gexf", "g.gml"]
)
def test_a_layout_leaks_in_no_format(tmp_path: Path, writer: Any, request: pytest.FixtureRequest) -> None:
    """Auto takes the age alone; the names that are asked for are taken, with a warning."""
    graph = nx.karate_club_graph()
    for node, (x, y) in nx.spring_layout(graph, seed=0).items():
        graph.nodes[node].update(x=float(x), y=float(y), age=node / 10, pagerank=0.1 + node)
    path = tmp_path / request.node.callspec.id
    writer(graph, path)
    data = read_graph(path)
    assert data.report.attributes_used == ["age"]
    torch.testing.assert_close(data.x[:, 0], torch.arange(34) / 10)
    assert {"'x'", "'y'", "'pagerank'", "'club'"} <= data.report.attributes_left_out.keys()
    assert data.report.warnings == []
    named = read_graph(path, node_attributes=["x", "pagerank"])
    assert named.num_features == 2
    (warning,) = named.report.warnings
    assert "'x', 'pagerank' may have been computed from all links" in warning
    assert read_graph(path, node_attributes="none").has_default_features


def test_attributes_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="node_attributes: given 'heigth', allowed here: v"):
        graph_of(tmp_path, of_values("1 2 3 4"), "g.graphml", node_attributes=["heigth"])
    with pytest.raises(ValueError, match="labels: given 'class', allowed here: v"):
        graph_of(tmp_path, of_values("1 2 3 4"), "g.graphml", labels="class")
    with pytest.raises(ValueError, match="'auto', 'none' or a list"):
        graph_of(tmp_path, of_values("1 2 3 4"), "g.graphml", node_attributes="all")


def test_classes_are_called_as_they_were_written(tmp_path: Path) -> None:
    path = nx.path_graph(3)
    nx.set_node_attributes(path, {0: 10, 1: 2, 2: 10}, "kind")
    nx.set_node_attributes(path, {0: 0.5, 1: 2.0, 2: 0.5}, "half")
    nx.write_graphml(path, tmp_path / "path.graphml")
    data = read_graph(tmp_path / "path.graphml", labels="kind")
    assert (data.y.tolist(), data.label_names) == ([1, 0, 1], ["2", "10"])
    data = read_graph(tmp_path / "path.graphml", labels="half")
    assert (data.y.tolist(), data.label_names) == ([0, 1, 0], ["0.5", "2"])
