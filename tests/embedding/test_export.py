from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.embedding import to_networkx, write_gexf, write_graphml, write_word2vec
from tests.helpers.embeddings import fitted


@pytest.fixture(scope="module")
def miserables() -> SphericalGraphEmbedding:
    return fitted(nx.les_miserables_graph(), epochs=2)


def test_graph_has_its_links_weights_and_clusters(miserables: SphericalGraphEmbedding) -> None:
    graph = to_networkx(miserables, np.arange(77) % 3)
    original = nx.les_miserables_graph()
    assert {frozenset(edge) for edge in graph.edges} == {frozenset(edge) for edge in original.edges}
    assert all(weight == original[a][b]["weight"] for a, b, weight in graph.edges(data="weight"))
    assert [label for _, label in graph.nodes(data="cluster")] == [k % 3 for k in range(77)]
    assert graph.nodes["Valjean"]["concentration"] == miserables.concentration_[miserables.node_ids_.index("Valjean")]
    with pytest.raises(ValueError, match="clusters must have one value for each of the 77 nodes"):
        to_networkx(miserables, [0, 1, 2])


def test_places_are_directions_of_the_principal_coordinates(miserables: SphericalGraphEmbedding) -> None:
    rows = miserables.embedding_.astype(float)
    _, _, axes = np.linalg.svd(rows, full_matrices=False)
    expected = rows @ axes[:3].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    places = np.array([[node[axis] for axis in "xyz"] for _, node in to_networkx(miserables).nodes(data=True)])
    # An axis may point either way.
    np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-6)
    np.testing.assert_allclose(np.abs((places * expected).sum(0)), (expected**2).sum(0), rtol=1e-6)


def test_two_coordinates_lie_on_a_circle() -> None:
    graph = to_networkx(fitted(nx.karate_club_graph(), dim=2, epochs=1))
    assert all(
        node["z"] == 0 and node["x"] ** 2 + node["y"] ** 2 == pytest.approx(1) for _, node in graph.nodes(data=True)
    )


def test_gephi_reads_places_and_names(miserables: SphericalGraphEmbedding, tmp_path: Path) -> None:
    write_gexf(miserables, tmp_path / "g.gexf", ["a"] * 77, scale=10)
    graph = nx.read_gexf(tmp_path / "g.gexf")
    places = [[node["viz"]["position"][axis] for axis in "xyz"] for _, node in graph.nodes(data=True)]
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 10, rtol=1e-5)
    assert graph.nodes["Javert"]["cluster"] == "a"
    write_graphml(miserables, tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml")
    assert read.nodes["Javert"] == to_networkx(miserables).nodes["Javert"]


def test_word_vectors_are_the_same_bits(miserables: SphericalGraphEmbedding, tmp_path: Path) -> None:
    write_word2vec(miserables, tmp_path / "vectors.txt")
    header, *lines = (tmp_path / "vectors.txt").read_text().splitlines()
    assert header == "77 6"
    assert [line.split(" ")[0] for line in lines] == miserables.node_ids_
    values = np.array([line.split(" ")[1:] for line in lines]).astype(np.float32)
    assert np.array_equal(values, miserables.embedding_)


@pytest.mark.parametrize("name", ["two words", "", "tab\there"])
def test_names_that_are_no_words_are_refused(name: str, tmp_path: Path) -> None:
    embedding = fitted(nx.relabel_nodes(nx.karate_club_graph(), {0: name}), epochs=1)
    with pytest.raises(ValueError, match="allowed: ids without white space"):
        write_word2vec(embedding, tmp_path / "vectors.txt")
    assert not (tmp_path / "vectors.txt").exists()


@pytest.mark.parametrize("write", [write_gexf, write_graphml])
def test_what_xml_cannot_hold_is_refused(write: Any, tmp_path: Path) -> None:
    odd = fitted(nx.relabel_nodes(nx.karate_club_graph(), {k: f"n{k}" if k else "a\x01" for k in range(34)}))
    with pytest.raises(ValueError, match=r"given 'a\\x01' among the ids or clusters, allowed: characters that XML"):
        write(odd, tmp_path / "graph.xml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("write", "read"), [(write_gexf, nx.read_gexf), (write_graphml, nx.read_graphml)])
def test_clusters_may_be_a_tensor_or_missing(write: Any, read: Any, tmp_path: Path) -> None:
    embedding = fitted(nx.karate_club_graph())
    write(embedding, tmp_path / "graph.xml", torch.arange(34) % 3)
    found = read(tmp_path / "graph.xml")
    assert [found.nodes[str(k)]["cluster"] for k in range(34)] == [k % 3 for k in range(34)]
    write(embedding, tmp_path / "graph.xml", [None, *range(33)])
    found = read(tmp_path / "graph.xml")
    assert "cluster" not in found.nodes["0"]
    assert found.nodes["5"]["cluster"] == 4


def test_clusters_are_in_the_order_of_the_nodes_whatever_their_index(tmp_path: Path) -> None:
    """A pandas Series is asked by its index elsewhere; values of several types are text in files."""
    embedding = fitted(nx.Graph([(3, 1), (1, 2), (2, 0), (0, 3)]))
    expected = {node: f"c{node}" for node in embedding.node_ids_}
    labels = pd.Series(list(expected.values()), index=list(expected))
    assert dict(to_networkx(embedding, labels[[*expected]]).nodes(data="cluster")) == expected
    mixed = [1, 2.5, True, "a"]
    write_gexf(embedding, tmp_path / "g.gexf", mixed)
    found = [label for _, label in nx.read_gexf(tmp_path / "g.gexf").nodes(data="cluster")]
    assert found == ["1", "2.5", "True", "a"]
    with pytest.raises(ValueError, match="among the ids or clusters, allowed: characters that XML can hold"):
        write_graphml(embedding, tmp_path / "g.graphml", ["a", "b\rc", "d", "e"])
