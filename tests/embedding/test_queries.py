import copy

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.evaluation import auc_ap
from tests.helpers.embeddings import fitted, words_and_links


@pytest.fixture(scope="module")
def karate() -> SphericalGraphEmbedding:
    return fitted(nx.karate_club_graph())


@pytest.fixture(scope="module")
def words() -> SphericalGraphEmbedding:
    return fitted(*words_and_links())


def test_scores_are_the_decoders(karate: SphericalGraphEmbedding) -> None:
    graph = karate._graph
    pairs = [(0, 33), ("4", 7), (12, 12)]
    index = torch.tensor([[0, 4, 12], [33, 7, 12]])
    expected = karate.model_.decode(graph.z, index, **graph.known).detach().numpy()
    assert karate.score_links(pairs).tolist() == expected.tolist()
    assert karate.score_links(np.array([[0, 33]])).tolist() == expected[:1].tolist()
    assert karate.score_links([]).shape == (0,)
    with pytest.raises(ValueError, match="pairs: given the unknown id 'x', allowed: one of the 34 ids, such as 0, 1"):
        karate.score_links([(0, "x")])


def test_suggestions_are_the_likeliest_nodes_without_a_link(karate: SphericalGraphEmbedding) -> None:
    graph = nx.karate_club_graph()
    others = [node for node in graph if node != 5 and not graph.has_edge(5, node)]
    probability = dict(zip(others, karate.score_links([(5, node) for node in others]), strict=True))
    found = karate.suggest(5, k=4)
    assert found["node"].tolist() == sorted(others, key=lambda node: (-probability[node], node))[:4]
    np.testing.assert_allclose(found["probability"], [probability[node] for node in found["node"]], rtol=1e-5)
    assert len(karate.suggest(5, k=1000)) == len(others)
    with pytest.raises(ValueError, match="k: given 0, allowed: 1 or more"):
        karate.suggest(5, k=0)


def test_suggestions_for_the_whole_graph_by_brute_force(karate: SphericalGraphEmbedding) -> None:
    pairs = list(nx.non_edges(nx.karate_club_graph()))
    probability = karate.score_links(pairs)
    order = np.argsort(-probability, kind="stable")[:7]
    found = karate.suggest_all(7)
    assert {frozenset(pair) for pair in found[["source", "target"]].to_numpy().tolist()} == {
        frozenset(pairs[place]) for place in order
    }
    np.testing.assert_allclose(found["probability"], probability[order], rtol=1e-5)
    assert len(karate.suggest_all(10**4)) == len(pairs)


def test_neighbors_say_what_is_linked(karate: SphericalGraphEmbedding) -> None:
    cosine = karate.embedding_ @ karate.embedding_[11]
    cosine[11] = -np.inf
    found = karate.neighbors(11, k=33)
    assert found["node"].tolist() == np.argsort(-cosine, kind="stable")[:33].tolist()
    np.testing.assert_allclose(found["cosine"], np.sort(cosine)[::-1][:33], rtol=1e-5)
    graph = nx.karate_club_graph()
    assert found["linked"].tolist() == [graph.has_edge(11, node) for node in found["node"]]
    assert found["linked"].sum() == 1


def test_table_has_the_ids_as_its_index(karate: SphericalGraphEmbedding) -> None:
    frame = karate.to_frame()
    assert frame.columns.tolist() == [*(f"z{k}" for k in range(6)), "concentration"]
    assert (frame.index.name, frame.index.tolist()) == ("node", karate.node_ids_)
    assert frame.loc[3].tolist() == [*karate.embedding_[3], karate.concentration_[3]]


def test_score_is_the_auc_against_pairs_that_are_no_links(karate: SphericalGraphEmbedding) -> None:
    graph = nx.karate_club_graph()
    links = [(0, 9), (14, 16), ("new", 3)]
    value = karate.score(links)
    assert value == karate.score(pd.DataFrame(links))
    # Three negatives: the AUC is a multiple of 1 / 9.
    assert (9 * value) % 1 == pytest.approx(0, abs=1e-9)
    # By many draws, it is near the AUC against all pairs without a link.
    negative = list(nx.non_edges(graph))
    asked = negative[::9]
    others = sorted(set(negative) - set(asked))
    exact = auc_ap(*(torch.from_numpy(karate.score_links(pairs)) for pairs in (asked, others))).auc
    again = copy.copy(karate)
    values = []
    for again.seed_ in range(30):
        values.append(again.score(asked))
    assert np.mean(values) == pytest.approx(exact, abs=0.03)


def test_score_leaves_out_what_is_no_test(karate: SphericalGraphEmbedding) -> None:
    links = [(0, 9), (14, 16), ("new", 3)]
    trained, again, itself = (1, 0), (16, 14), (5, 5)
    with pytest.warns(UserWarning, match="links: 3 of 6 left out, which were trained on in one direction or the other"):
        assert karate.score([links[0], trained, *links[1:], again, itself]) == karate.score(links)
    values = []
    for training in ([(0, 1), (1, 0), (0, 2)], [(0, 1), (0, 2)]):
        with pytest.warns(UserWarning, match="links: all of them were trained on; the score is one of training"):
            values.append(karate.score(training))
    assert values[0] == values[1]
    with pytest.raises(ValueError, match="links: given only links of nodes with themselves"):
        karate.score([itself])


def test_whole_numbers_are_ids_as_fit_reads_them() -> None:
    """A column of pandas that lacked a value once holds floats."""
    links = np.array(nx.karate_club_graph().edges)
    whole, floats = fitted(links), fitted(links.astype(float))
    assert floats.node_ids_ == whole.node_ids_
    asked = np.array([[0.0, 9.0], [14.0, 16.0]])
    assert floats.score_links(asked).tolist() == whole.score_links(asked.astype(int)).tolist()
    assert floats.suggest(3.0, 2).equals(whole.suggest(3, 2))
    with pytest.raises(ValueError, match=r"^node: given the unknown id '3\.5'"):
        whole.suggest(3.5)
    halves = fitted(links / 2)
    assert halves.node_ids_[:3] == ["0.0", "0.5", "1.0"]
    assert halves.suggest(1.0, 2).equals(halves.suggest("1.0", 2))


def test_links_that_the_graph_cannot_have_are_no_test() -> None:
    davis = fitted(nx.davis_southern_women_graph())
    assert 0 <= davis.score([("Sylvia Avondale", "E1")]) <= 1
    with pytest.raises(
        ValueError, match=r"^links: given 1 that are no pairs across the two sides, such as 'E1' - 'E2'"
    ):
        davis.score([("E1", "E2"), ("Sylvia Avondale", "E1")])


def test_numbers_of_answers_are_integers(karate: SphericalGraphEmbedding) -> None:
    for call in (karate.suggest_all, lambda k: karate.suggest(0, k), lambda k: karate.neighbors(0, k)):
        with pytest.raises(ValueError, match=r"^k: given 2\.5, allowed: an integer"):
            call(2.5)


def test_unknown_ids_of_a_graph_with_features_are_refused_in_score(words: SphericalGraphEmbedding) -> None:
    with pytest.raises(ValueError, match="links: given the unknown id 'zz'"):
        words.score([("n00", "zz")])
    with pytest.raises(ValueError, match="links: given none, allowed: at least one"):
        words.score([])


def test_plain_latents_are_looked_at_by_their_direction() -> None:
    plain = fitted(*words_and_links(), latent="plain")
    z = plain._graph.z.numpy()
    assert np.linalg.norm(z, axis=1).std() > 0.01
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    np.testing.assert_allclose(plain.embedding_, unit, rtol=1e-5, atol=1e-6)
    cosine = unit @ unit[7]
    nearest = [f"n{k:02}" for k in np.argsort(-cosine) if k != 7][:5]
    assert plain.neighbors("n07", 5)["node"].tolist() == nearest
    # Links are still scored by what the decoder learned on.
    index = torch.tensor([[7], [8]])
    expected = plain.model_.decode(plain._graph.z, index, **plain._graph.known).detach().numpy()
    assert plain.score_links([("n07", "n08")]).tolist() == expected.tolist()
