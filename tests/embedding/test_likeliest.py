import math

import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from spherical_gae.embedding import likeliest
from spherical_gae.embedding.likeliest import likeliest_pairs, likeliest_partners
from spherical_gae.embedding.state import EmbeddedGraph
from spherical_gae.models import SphericalGAE


class Nothing(nn.Module):
    def reset_parameters(self) -> None: ...


@pytest.mark.parametrize("at_once", [1, 30, 10**6])
def test_likeliest_pairs_by_brute_force(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeliest, "_MAX_CANDIDATES", at_once)
    z = nn.functional.normalize(torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    edge_index = torch.tensor([[0, 1, 2, 7], [1, 0, 7, 2]])
    model = SphericalGAE(Nothing())
    graph = EmbeddedGraph(Data(edge_index=edge_index, num_nodes=20), z, None, {})
    found = likeliest_pairs(model, graph, 12)
    pairs = torch.combinations(torch.arange(20)).t()
    pairs = pairs[:, ~((pairs == torch.tensor([[0], [1]])).all(0) | (pairs == torch.tensor([[2], [7]])).all(0))]
    best = model.decode(z, pairs, sigmoid=False).topk(12)
    torch.testing.assert_close(found.log_odds, best.values)
    assert torch.equal(found.pairs, pairs[:, best.indices])


@pytest.mark.parametrize("batched", [False, True])
def test_partners_of_a_bipartite_graph_are_on_the_other_side(batched: bool) -> None:
    z = nn.functional.normalize(torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    side = torch.arange(20) % 2
    edge_index = torch.tensor([[0, 1, 2, 7], [1, 0, 7, 2]])
    model = SphericalGAE(Nothing())
    graph = EmbeddedGraph(Data(edge_index=edge_index, num_nodes=20, side=side), z, None, {})
    nodes = torch.tensor([2, 5]) if batched else torch.arange(20)
    found = likeliest_partners(model, graph, 20, nodes)
    scores = model.decoder.forward_all(z, sigmoid=False).detach()
    linked = torch.zeros(20, 20, dtype=torch.bool)
    linked[edge_index[0], edge_index[1]] = True
    scores[linked | (side[:, None] == side)] = -math.inf
    expected = scores[nodes].sort(dim=1, descending=True, stable=True)
    there = expected.values > -math.inf
    assert torch.equal(found.indices[there], expected.indices[there])
    assert bool((found.indices[~there] == -1).all())
    pairs = likeliest_pairs(model, graph, 5).pairs
    assert bool((side[pairs[0]] != side[pairs[1]]).all())
