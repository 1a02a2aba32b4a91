"""Embeddings for the tasks on nodes: without labels, the same again for a seed, and of use."""

import pytest
import torch
from torch_geometric.data import Data

from benchmarks.links import node_methods
from benchmarks.links.node_methods import METHODS, TRAINED, node_embeddings, unit_rows
from spherical_gae.cluster import VonMisesFisherMixture
from spherical_gae.evaluation import clustering_scores


@pytest.fixture(scope="module")
def graph() -> Data:
    """Two communities of 30 nodes, linked within by one in five pairs and between by one in fifty."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) // 30
    linked = torch.rand(60, 60, generator=generator) < torch.where(y.view(-1, 1) == y, 0.2, 0.02)
    pairs = linked.triu(1).nonzero().T
    x = (torch.rand(60, 40, generator=generator) < 0.1).float()
    return Data(x=x, y=y, edge_index=torch.cat([pairs, pairs.flip(0)], 1), num_nodes=60, name="communities")


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_again_and_labels_are_not_read(
    method: str, graph: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_methods, "EPOCHS", 3)
    trained = node_methods.ONE_OF_SEVERAL if method == node_methods.SEVERAL else method
    if trained in TRAINED:
        settings = TRAINED[trained]
        monkeypatch.setitem(TRAINED, trained, settings._replace(changes={**settings.changes, "epochs": 3}))
    found = node_embeddings(method, graph, seed=1)
    without = Data(x=graph.x, edge_index=graph.edge_index, num_nodes=60, name=graph.name)
    assert torch.equal(found, node_embeddings(method, without, seed=1))
    assert found.shape[0] == 60
    assert found.isfinite().all()
    assert torch.equal(found, node_embeddings(method, graph, seed=2)) == (method in node_methods.FEATURES)


def test_communities_are_found(graph: Data) -> None:
    z = unit_rows(node_embeddings("frontier, 100 epochs", graph, seed=0))
    found = VonMisesFisherMixture(2, tied=True, n_init=5, random_state=0).fit_predict(z)
    assert clustering_scores(graph.y, found).accuracy > 0.9


def test_a_row_of_zeros_becomes_the_mean_direction() -> None:
    found = unit_rows(torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 3.0]]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0], [0.5**0.5, 0.5**0.5], [0.0, 1.0]]))
