import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae import DegreeBiasedDecoder, GCNEncoder, InnerProductDecoder, SphericalGAE, score_links
from spherical_gae.nn import pair_blocks
from spherical_gae.nn.propagation import normalized_adjacency


@pytest.fixture
def data() -> Data:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(20, (2, 30), generator=generator)
    return Data(x=torch.rand(20, 5, generator=generator), edge_index=torch.cat([edges, edges.flip(0)], 1))


@pytest.fixture
def model() -> SphericalGAE:
    torch.manual_seed(0)
    model = SphericalGAE(GCNEncoder(5, 8, (4, 1), dropout=0.5), DegreeBiasedDecoder(InnerProductDecoder()))
    torch.nn.init.normal_(model.decoder.degree_bias.bias)  # type: ignore[union-attr]
    return model


def by_hand(model: SphericalGAE, data: Data, pairs: Tensor) -> Tensor:
    model.eval()
    z = model.encode(data.x, data.edge_index)
    return model.decoder(z, pairs, sigmoid=False, **model.graph_arguments(data.edge_index, data.num_nodes)).detach()


@pytest.mark.parametrize("gathered", [1 << 23, 16])
def test_scores_are_the_decoders_in_blocks_of_any_size(
    data: Data, model: SphericalGAE, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_blocks, "_GATHERED", gathered)
    pairs = torch.randint(20, (2, 33), generator=torch.Generator().manual_seed(1))
    expected = by_hand(model, data, pairs)
    assert torch.equal(score_links(model, data, pairs), expected)
    assert torch.equal(score_links(model, data, pairs.numpy(), sigmoid=True), expected.sigmoid())
    own = pairs.t().reshape(11, 3, 2)
    assert torch.equal(score_links(model, data, own), expected.view(11, 3))
    assert torch.equal(score_links(model, data, np.ascontiguousarray(own.numpy())), expected.view(11, 3))


@pytest.mark.parametrize("training", [True, False])
def test_leaves_the_mode_and_scores_without_dropout(data: Data, model: SphericalGAE, training: bool) -> None:
    model.train(training)
    first = score_links(model, data, [[0], [1]])
    assert torch.equal(score_links(model, data, [[0], [1]]), first)
    assert not first.requires_grad
    assert model.training is training


def test_inputs_are_those_of_encode(data: Data, model: SphericalGAE) -> None:
    weight = torch.rand(60, generator=torch.Generator().manual_seed(2)) + 0.5
    adjacency = normalized_adjacency(data.edge_index, 20, edge_weight=torch.cat([weight[:30], weight[:30]]))
    weighted = score_links(model, data, [[0, 4], [1, 7]], inputs=(data.x, adjacency))
    z = model.eval().encode(data.x, adjacency)
    known = model.graph_arguments(adjacency, 20)
    assert torch.equal(weighted, model.decoder(z, torch.tensor([[0, 4], [1, 7]]), sigmoid=False, **known).detach())
    assert not torch.equal(weighted, score_links(model, data, [[0, 4], [1, 7]]))


def test_pairs_are_checked_first(data: Data, model: SphericalGAE) -> None:
    model.encoder.register_forward_hook(lambda *_: pytest.fail("encoded"))
    with pytest.raises(ValueError, match="pairs: given nodes 0 to 20, allowed: 0 to 19"):
        score_links(model, data, [[0], [20]])
    with pytest.raises(ValueError, match=r"pairs: given float64 of shape \[2, 1\]"):
        score_links(model, data, [[0.5], [1]])


def test_frozen_parts_stay_frozen(data: Data, model: SphericalGAE) -> None:
    model.train()
    model.encoder.eval()
    before = [module.training for module in model.modules()]
    score_links(model, data, [[0], [1]])
    assert [module.training for module in model.modules()] == before
    assert any(before)
    assert not all(before)


def test_a_training_step_that_is_under_way_goes_on(model: SphericalGAE, data: Data) -> None:
    z = model.encode(data.x, data.edge_index)
    before = model.kl_loss()
    score_links(model, data, [[0], [1]])
    assert model.last_sample is z
    assert torch.equal(model.kl_loss(), before)
    assert model.kl_loss().requires_grad


def test_a_graph_without_features_is_refused_by_name(model: SphericalGAE, data: Data) -> None:
    data.x = None
    with pytest.raises(ValueError, match=r"data.x: given None, allowed: features \[N, F\], or inputs"):
        score_links(model, data, [[0], [1]])
