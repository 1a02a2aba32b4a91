from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import default_features, from_networkx
from spherical_gae.experiments.links import model_inputs
from tests.helpers.embeddings import fitted, words_and_links

LINKS = [("new", 0), ("new", 33), ("newer", "new"), (3, 9)]


@pytest.fixture(scope="module")
def karate() -> SphericalGraphEmbedding:
    return fitted(nx.karate_club_graph())


@pytest.fixture(scope="module")
def words() -> SphericalGraphEmbedding:
    return fitted(*words_and_links())


def test_new_nodes_are_what_the_model_says_of_the_graph_with_them(karate: SphericalGraphEmbedding) -> None:
    graph = nx.karate_club_graph()
    graph.add_edges_from([("new", 0), ("new", 33), ("newer", "new")], weight=1)
    data = from_networkx(graph)
    data.x = default_features(data.node_ids, 256)
    expected = karate.model_.encode(*model_inputs(data))
    frame = karate.transform([(a, b) for a, b in graph.edges if str(a) > "a" or str(b) > "a"])
    np.testing.assert_allclose(frame.loc[["new", "newer"]], expected[34:].detach(), rtol=1e-5, atol=1e-6)


def test_what_is_known_of_the_others_stays_bit_for_bit(karate: SphericalGraphEmbedding) -> None:
    before = karate.embedding_.copy(), karate.suggest_all(5)
    whole = karate.extended(LINKS)
    assert np.array_equal(whole.embedding_[:34], before[0])
    assert np.array_equal(whole.concentration_[:34], karate.concentration_)
    pairs = [(a, b) for a in range(34) for b in range(a)]
    assert np.array_equal(whole.score_links(pairs), karate.score_links(pairs))
    assert whole.node_ids_[34:] == ["new", "newer"]
    # The first object knows nothing of them.
    assert karate.suggest_all(5).equals(before[1])
    assert len(karate.node_ids_) == 34


def test_links_of_new_nodes_are_known_and_those_between_old_ones_are_not_used(karate: SphericalGraphEmbedding) -> None:
    whole = karate.extended(LINKS)
    assert not whole.suggest("new", 100)["node"].isin(["0", "33", "newer", "new"]).any()
    assert "9" in whole.suggest(3, 100)["node"].tolist()


def test_transform_keeps_the_order_and_the_rows_of_known_nodes(karate: SphericalGraphEmbedding) -> None:
    graph = nx.Graph([(5, "late"), ("late", 2)])
    frame = karate.transform(graph)
    assert frame.index.tolist() == ["5", "late", "2"]
    assert frame.loc["5"].tolist() == karate.embedding_[5].tolist()
    assert karate.transform(nx.karate_club_graph()).to_numpy().tolist() == karate.embedding_.tolist()


def test_new_nodes_with_features_alone(words: SphericalGraphEmbedding) -> None:
    _, features = words_and_links()
    late = pd.DataFrame(features.to_numpy()[[3, 20]] + 0.01, index=["late1", "late2"])
    frame = words.transform(None, late)
    assert frame.index.tolist() == ["late1", "late2"]
    alone = words.model_.encode(
        *model_inputs(Data(x=torch.tensor(late.to_numpy()).float(), edge_index=torch.empty(2, 0, dtype=torch.long)))
    )
    np.testing.assert_allclose(frame, alone.detach(), rtol=1e-5, atol=1e-6)


def test_features_that_do_not_fit_are_refused(words: SphericalGraphEmbedding, karate: SphericalGraphEmbedding) -> None:
    with pytest.raises(ValueError, match="features: given none for the new nodes 'late', allowed: 6 numbers for each"):
        words.transform([("late", "n00")])
    with pytest.raises(ValueError, match="features: given 2 for each new node, allowed: 6"):
        words.transform(None, pd.DataFrame([[1, 2]], index=["late"]))
    with pytest.raises(ValueError, match="features: given some for new nodes, allowed: none"):
        karate.transform(None, pd.DataFrame([[1, 2]], index=["late"]))


def test_rows_without_ids_are_those_of_the_graph_or_of_its_new_nodes(words: SphericalGraphEmbedding) -> None:
    """Twelve nodes of which two are known, in the order of their ids, as those of a list are sorted."""
    links = [(f"m{k:02}", f"n{k % 2:02}") for k in range(10)]
    rows = pd.DataFrame(np.random.default_rng(1).random((10, 6)), index=[a for a, _ in links])
    expected = words.transform(links, rows)
    for of_known in (np.empty((0, 6)), np.zeros((2, 6))):
        assert words.transform(links, np.concatenate([rows, of_known])).equals(expected)
    with pytest.raises(
        ValueError, match=r"^features: given 52 rows, allowed: 12, for the nodes of the graph .*, or 10, for"
    ):
        words.transform(links, np.zeros((52, 6)))
    with pytest.raises(
        ValueError, match=r"^features: given rows without ids, and no links, allowed: a table indexed by"
    ):
        words.transform(None, rows.to_numpy())
    with pytest.raises(ValueError, match=r"^features: given shape \[10\], allowed: \[N, F\]"):
        words.transform(links, torch.zeros(10))


def test_columns_must_be_those_of_the_table_that_was_fitted(tmp_path: Path) -> None:
    edges, features = words_and_links()
    named = features.set_axis(list("abcdef"), axis=1)
    embedding = fitted(edges, named)
    embedding.save(tmp_path)
    late = named.iloc[[3]].set_axis(["late"])
    for fit in (embedding, embedding.extended([("early", "n00")], late.set_axis(["early"]))):
        np.testing.assert_allclose(fit.transform(None, late), embedding.transform(None, late), atol=1e-6)
        with pytest.raises(
            ValueError, match=r"^features: given 'c' as column 1, allowed: 'b', the columns of the embedded"
        ):
            fit.transform(None, late[list("acbdef")])
    with pytest.raises(ValueError, match=r"^features: given 'x' as column 5, allowed: 'f'"):
        SphericalGraphEmbedding.load(tmp_path).transform(None, late.rename(columns={"f": "x"}))


def test_later_graph_is_checked_as_the_first_one(karate: SphericalGraphEmbedding) -> None:
    for twice in (nx.Graph([(1000, 0), ("1000", 5)]), Data(edge_index=torch.tensor([[0], [1]]), node_ids=["x", "x"])):
        with pytest.raises(ValueError, match=r"^node_ids: given '(1000|x)' more than once, allowed: different ids"):
            karate.extended(twice)
    edges = torch.tensor([[0, 1], [1, 2]])
    with pytest.raises(ValueError, match=r"^node_ids: given 2, allowed: one for each of the 3 nodes"):
        karate.extended(Data(edge_index=edges, node_ids=[0, 99], num_nodes=3))
    with pytest.raises(
        ValueError, match=r"^edge_weight: given .* of shape \[1\], allowed: a real number for each edge"
    ):
        karate.extended(Data(edge_index=edges, node_ids=[0, 98, 99], edge_weight=torch.ones(1)))


def test_weights_of_new_links(karate: SphericalGraphEmbedding) -> None:
    weighted = fitted(pd.DataFrame({"source": [0, 1, 2, 0, 3], "target": [1, 2, 3, 2, 4], "weight": [1, 2, 3, 4, 5]}))
    late = pd.DataFrame({"source": [99, 99], "target": [0, 1]})
    one, two = (weighted.transform(late.assign(weight=weight)).loc[99] for weight in (1.0, 2.5))
    assert one.tolist() == weighted.transform(late).loc[99].tolist() != two.tolist()
    unweighted = fitted(nx.Graph(nx.karate_club_graph().edges))
    with pytest.raises(ValueError, match="graph: given links with weights, allowed: none"):
        unweighted.transform(late.assign(weight=2.5))


def test_features_of_a_table_are_made_as_those_of_the_file_were(tmp_path: Path) -> None:
    edges, features = words_and_links()
    people = features.assign(town=["Ulm", "Bonn"] * 20, income=np.linspace(1e3, 9e4, 40))
    edges.to_csv(tmp_path / "links.csv", index=False)
    people.to_csv(tmp_path / "people.csv", index_label="node")
    embedding = fitted(tmp_path / "links.csv", tmp_path / "people.csv")
    late = people.loc[["n05", "n20"]].set_axis(["a", "b"])
    late.to_csv(tmp_path / "late.csv", index_label="node")
    expected = embedding._graph.data.x[[5, 20]]
    for given in (tmp_path / "late.csv", late):
        assert torch.equal(embedding.extended([("a", "n00")], given)._graph.data.x[-2:], expected)
    embedding.save(tmp_path / "saved")
    loaded = SphericalGraphEmbedding.load(tmp_path / "saved")
    assert loaded.transform(None, late).equals(embedding.transform(None, late))


def test_classes_of_later_nodes_are_unknown() -> None:
    links, _ = words_and_links()
    data = from_networkx(nx.from_pandas_edgelist(links))
    data.y = torch.arange(data.num_nodes) % 3
    whole = fitted(data).extended([("late", "n00")])
    assert whole._graph.data.y.tolist() == [*data.y.tolist(), -1]


def test_spectral_features_of_later_nodes_follow_from_their_links(tmp_path: Path) -> None:
    graph = nx.watts_strogatz_graph(80, 4, 0.02, seed=0)
    embedding = fitted(graph, default_features="spectral")
    before = embedding.embedding_.copy()
    whole = embedding.extended([("twin", node) for node in graph[7]])
    assert np.array_equal(whole.embedding_[:80], before)
    assert np.array_equal(whole._graph.data.x[:80], embedding._graph.data.x)
    # A node with the links of another one is near it.
    assert whole.neighbors("twin", 1)["node"].tolist() == ["7"]
    whole.save(tmp_path)
    loaded = SphericalGraphEmbedding.load(tmp_path)
    assert loaded.default_features_ == "spectral"
    assert loaded.to_frame().equals(whole.to_frame())
    assert loaded.transform([("next", "twin")]).equals(whole.transform([("next", "twin")]))


def test_later_links_that_repeat_count_once() -> None:
    """Of a weighted graph, where they have no weights."""
    edges = [("a", "b", 2.0), ("b", "c", 0.5), ("c", "d", 1.0), ("d", "a", 3.0)]
    embedding = fitted(pd.DataFrame(edges, columns=["source", "target", "weight"]), val_share=0)
    whole = embedding.extended([("new", "a"), ("new", "a"), ("a", "new"), ("new", "c")])
    data = whole._graph.data
    assert data.edge_weight[(data.edge_index >= 4).any(0)].tolist() == [1.0] * 4


def test_ids_are_integers_while_all_are() -> None:
    embedding = fitted([(k, (k + 1) % 12) for k in range(12)], val_share=0)
    assert embedding.extended([(12, 0)]).node_ids_ == list(range(13))
    assert embedding.extended([("new", 0)]).node_ids_ == [*map(str, range(12)), "new"]
