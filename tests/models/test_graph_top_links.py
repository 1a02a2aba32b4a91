import math
import re
from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch_geometric.nn import InnerProductDecoder as PyGDecoder

from spherical_gae import DegreeBiasedDecoder, InnerProductDecoder, SphericalGAE
from spherical_gae.nn import FactorInnerProductDecoder, HadamardDecoder

NUM_NODES, DIM = 120, 6
NODES = torch.tensor([5, 119, 0, 5, 77])
DECODERS: dict[str, Any] = {
    "inner product": lambda: InnerProductDecoder(2.5, -0.75),
    "factors": lambda: FactorInnerProductDecoder(3),
    "hadamard": lambda: HadamardDecoder(DIM, 5),
    "pyg": PyGDecoder,
    "biased": lambda: DegreeBiasedDecoder(InnerProductDecoder()),
    "biased factors": lambda: DegreeBiasedDecoder(FactorInnerProductDecoder(2)),
}


@pytest.fixture(scope="module")
def edge_index() -> Tensor:
    return torch.tensor(list(nx.barabasi_albert_graph(NUM_NODES, 4, seed=0).edges)).t().contiguous()


@pytest.fixture(scope="module")
def z() -> Tensor:
    return F.normalize(torch.randn(NUM_NODES, DIM, generator=torch.Generator().manual_seed(0)), dim=1)


def trained(name: str) -> SphericalGAE:
    """A model whose decoder differs from the initial one; it has no encoder, as embeddings are given."""
    torch.manual_seed(0)
    model = SphericalGAE(nn.Identity(), DECODERS[name]())
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return model


def all_log_odds(model: SphericalGAE, z: Tensor, arguments: dict[str, Tensor]) -> Tensor:
    """By ``forward_all`` where there is one, else by all pairs one by one."""
    if hasattr(model.decoder, "forward_all") and not isinstance(model.decoder, PyGDecoder):
        return model.decoder.forward_all(z, sigmoid=False, **arguments).detach()
    every = torch.arange(z.size(0))
    return model.decode(z, torch.cartesian_prod(every, every).t(), sigmoid=False).detach().view(2 * [z.size(0)])


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("max_scores", [100, 3_000, 1 << 22])
@pytest.mark.parametrize("some", [True, False])
def test_brute_force(name: str, max_scores: int, some: bool, z: Tensor, edge_index: Tensor) -> None:
    model = trained(name)
    arguments = model.graph_arguments(torch.cat([edge_index, edge_index.flip(0)], dim=1), NUM_NODES)
    logits = all_log_odds(model, z, arguments)
    logits.fill_diagonal_(-math.inf)
    logits[edge_index[0], edge_index[1]] = logits[edge_index[1], edge_index[0]] = -math.inf
    expected = logits.sort(dim=1, descending=True, stable=True)
    nodes = NODES if some else torch.arange(NUM_NODES)
    scores, indices = model.top_links(
        z, 7, NODES if some else None, edge_index, sigmoid=False, max_scores=max_scores, **arguments
    )
    assert torch.equal(indices, expected.indices[nodes, :7])
    torch.testing.assert_close(scores, expected.values[nodes, :7])
    assert not scores.requires_grad
    assert logits.isfinite().any(1).all()
    # Links known in the other direction are left out as well; probabilities are those of the log-odds.
    found = model.top_links(z, 7, NODES, edge_index.flip(0), **arguments)
    assert torch.equal(found.indices, expected.indices[NODES, :7])
    torch.testing.assert_close(found.scores, expected.values[NODES, :7].sigmoid())


def test_without_known_links_only_the_node_itself_is_left_out(z: Tensor) -> None:
    cosine = (z @ z.t()).fill_diagonal_(-math.inf)
    found = trained("inner product").top_links(z, 4)
    assert torch.equal(found.indices, cosine.topk(4).indices)


def test_saturated_probabilities_are_ranked_by_their_log_odds() -> None:
    """Log-odds above 17 are all 1 as float32 probabilities."""
    angle = torch.tensor([0.0, 0.3, 0.1, 0.2])
    z = torch.stack([angle.cos(), angle.sin()], dim=1)
    found = SphericalGAE(nn.Identity(), InnerProductDecoder(scale=1_000.0)).top_links(z, 3, torch.tensor([0]))
    assert found.scores.tolist() == [[1, 1, 1]]
    assert found.indices.tolist() == [[2, 3, 1]]


def test_node_with_too_few_new_partners(z: Tensor) -> None:
    star = torch.stack([torch.zeros(NUM_NODES - 3, dtype=torch.long), torch.arange(3, NUM_NODES)])
    model = trained("inner product")
    found = model.top_links(z, 4, torch.tensor([0]), star)
    assert sorted(found.indices[0].tolist()) == [-1, -1, 1, 2]
    assert found.indices[0, 2:].tolist() == [-1, -1]
    assert found.scores[0, 2:].tolist() == [0, 0]
    assert model.top_links(z, 4, torch.tensor([0]), star, sigmoid=False).scores[0, 2:].tolist() == [-math.inf] * 2


@pytest.mark.parametrize(
    ("k", "nodes", "links", "message"),
    [
        (0, NODES, None, "k: given 0, allowed: 1 to the number of items to choose from, 120"),
        (121, NODES, None, "k: given 121, allowed: 1 to the number of items to choose from, 120"),
        (3, torch.tensor([120]), None, "node_index: given node ids 120 to 120, allowed: 0 to 119"),
        (3, NODES, torch.tensor([[0], [-2]]), "known_edge_index: given node ids -2 to 0, allowed: 0 to 119"),
    ],
)
def test_out_of_range_is_refused(z: Tensor, k: int, nodes: Tensor, links: Tensor | None, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        trained("inner product").top_links(z, k, nodes, links)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_agrees(z: Tensor, edge_index: Tensor) -> None:
    for name in ("inner product", "hadamard"):
        model = trained(name)
        expected = model.top_links(z, 5, NODES, edge_index)
        found = model.cuda().top_links(z.cuda(), 5, NODES, edge_index)
        assert torch.equal(found.indices.cpu(), expected.indices)
