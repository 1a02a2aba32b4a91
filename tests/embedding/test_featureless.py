import networkx as nx
import pytest
import torch

from spherical_gae.data import default_features, from_networkx
from spherical_gae.data.spectral_features import spectral_features
from spherical_gae.embedding import featureless
from spherical_gae.embedding.featureless import (
    features_of_later_nodes,
    kind_of,
    kinds_to_try,
    row_length,
    with_default_features,
)
from spherical_gae.embedding.inputs import as_graph


def test_both_are_tried_unless_the_graph_is_large_or_has_features(monkeypatch: pytest.MonkeyPatch) -> None:
    data = from_networkx(nx.karate_club_graph())
    assert kinds_to_try(data, "auto") == ["hash", "spectral"]
    assert kinds_to_try(data, "spectral") == ["spectral"]
    assert kinds_to_try(as_graph(data), "auto") == ["hash", "spectral"]
    assert kinds_to_try(from_networkx(nx.path_graph(5)), "auto") == ["hash"]
    monkeypatch.setattr(featureless, "LARGE", 77)
    assert kinds_to_try(data, "auto") == ["hash"]
    data.x, data.has_default_features = torch.rand(34, 3), False
    assert kinds_to_try(data, "auto") == [None]


def test_features_of_a_part_are_those_of_its_links() -> None:
    data = from_networkx(nx.karate_club_graph())
    part = data.clone()
    part.edge_index = data.edge_index[:, data.edge_index.max(0).values < 30]
    part.edge_weight = None
    made = with_default_features(part, "spectral", data.node_ids, 78)
    assert torch.equal(made.x, spectral_features(part.edge_index, 34).x)
    assert kind_of(made) == "spectral"
    assert torch.equal(part.x, data.x)
    signs = with_default_features(part, "hash", data.node_ids, 78)
    assert torch.equal(signs.x, default_features(34, 256))
    assert kind_of(signs) == "hash"
    large = with_default_features(part, "hash", data.node_ids, 50_001)
    assert torch.equal(large.x, 8 * default_features(34))
    assert row_length(large) == 8
    assert torch.equal(features_of_later_nodes(large, large, ["x"]), 8 * default_features(["x"]))


def test_later_nodes_get_a_hash_of_their_ids() -> None:
    data = from_networkx(nx.path_graph(6))
    assert torch.equal(features_of_later_nodes(data, data, ["x"]), default_features(["x"]))
