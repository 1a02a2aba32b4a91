"""Graphs that other libraries ship, in files that they write or have in their own tests."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from spherical_gae.data.readers.graph_files import read_graph

_IGRAPH = pytest.mark.skipif(find_spec("igraph") is None, reason="needs igraph")
_SKNETWORK = pytest.mark.skipif(find_spec("sknetwork") is None, reason="needs scikit-network")


@_IGRAPH
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("g.graphml", "write_graphml"),
        ("g.gml", "write_gml"),
        ("g.net", "write_pajek"),
        ("g.txt", "write_ncol"),
        ("g.edgelist", "write_edgelist"),
    ],
)
@pytest.mark.parametrize(
    ("famous", "num_nodes", "num_links"), [("Zachary", 34, 78), ("Meredith", 70, 140), ("Krackhardt_Kite", 10, 18)]
)
def test_igraph(tmp_path: Path, name: str, method: str, famous: str, num_nodes: int, num_links: int) -> None:
    import igraph

    graph = igraph.Graph.Famous(famous)
    graph.vs["name"] = [str(k) for k in range(num_nodes)]
    options = {"weights": None} if method == "write_ncol" else {}
    getattr(graph, method)(str(tmp_path / name), **options)
    data = read_graph(tmp_path / name)
    assert (data.num_nodes, data.num_edges, data.edge_weight) == (num_nodes, 2 * num_links, None)
    degrees = np.bincount(data.edge_index[0].numpy(), minlength=num_nodes)
    assert sorted(degrees.tolist()) == sorted(graph.degree())
    assert data.has_default_features


@_SKNETWORK
@pytest.mark.parametrize(
    ("name", "shape", "num_links"),
    [
        ("karate_club", (34, 34), 78),
        ("miserables", (77, 77), 254),
        ("star_wars", (4, 3), 8),
        ("movie_actor", (15, 17), 43),
    ],
)
def test_scikit_network(tmp_path: Path, name: str, shape: tuple[int, int], num_links: int) -> None:
    from sknetwork import data as samples

    matrix = getattr(samples, name)()
    sparse.save_npz(tmp_path / "g.npz", sparse.csr_matrix(matrix))
    data = read_graph(tmp_path / "g.npz")
    is_bipartite = shape[0] != shape[1]
    assert matrix.shape == shape
    assert (data.num_nodes, data.num_edges) == (sum(shape) if is_bipartite else shape[0], 2 * num_links)
    if is_bipartite:
        assert np.bincount(data.side.numpy()).tolist() == list(shape)


def _samples(module: str, cls: str) -> Any:
    """The attributes that a test class of networkx sets up."""
    from importlib import import_module

    found = getattr(import_module(f"networkx.readwrite.tests.{module}"), cls)
    (getattr(found, "setup_class", None) or found().setup_method)()
    return found


@pytest.mark.parametrize(
    ("module", "cls", "attribute", "name", "num_nodes", "num_links", "used"),
    [
        ("test_graphml", "TestReadGraphML", "simple_directed_data", "g.graphml", 11, 11, []),
        ("test_graphml", "TestReadGraphML", "simple_undirected_data", "g.graphml", 5, 3, []),
        ("test_graphml", "TestReadGraphML", "attribute_data", "g.graphml", 6, 7, []),
        ("test_gml", "TestGraph", "simple_data", "g.gml", 3, 3, []),
        ("test_gexf", "TestGEXF", "simple_directed_data", "g.gexf", 2, 1, []),
        ("test_gexf", "TestGEXF", "attribute_data", "g.gexf", 4, 4, ["frog"]),
    ],
)
def test_networkx(
    tmp_path: Path,
    module: str,
    cls: str,
    attribute: str,
    name: str,
    num_nodes: int,
    num_links: int,
    used: list[str],
) -> None:
    (tmp_path / name).write_text(getattr(_samples(module, cls), attribute))
    data = read_graph(tmp_path / name)
    assert (data.num_nodes, data.report.num_links) == (num_nodes, num_links)
    assert data.report.attributes_used == used


def test_signs_of_the_sample_of_networkx_are_refused(tmp_path: Path) -> None:
    (tmp_path / "g.net").write_text(_samples("test_pajek", "TestPajek").data)
    with pytest.raises(ValueError, match=r"g\.net: edge_weight: given -1\.0 .*\(2 of 7 .* signed graph"):
        read_graph(tmp_path / "g.net")
