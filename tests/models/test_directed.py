from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data

from spherical_gae import (
    DegreeBiasedDecoder,
    DirectedGAE,
    GCNEncoder,
    InnerProductDecoder,
    NormalGAE,
    SphericalGAE,
    score_links,
)
from spherical_gae.data import clean_graph, double_cover
from spherical_gae.experiments.links import model_inputs
from spherical_gae.nn import sparse_features


@pytest.fixture
def data() -> Data:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(20, (2, 60), generator=generator)
    return clean_graph(Data(edge_index=edges, x=torch.rand(20, 5, generator=generator)), directed=True)


@pytest.fixture
def model() -> DirectedGAE:
    torch.manual_seed(0)
    decoder = DegreeBiasedDecoder(InnerProductDecoder(bias=-0.5))
    torch.nn.init.normal_(decoder.degree_bias.bias)
    return DirectedGAE(SphericalGAE(GCNEncoder(10, 8, (4, 1)), decoder)).eval()


ALL = torch.cartesian_prod(torch.arange(20), torch.arange(20)).t()


def by_hand(model: Any, data: Data) -> tuple[Tensor, Tensor, Tensor]:
    """Sources, targets and log-odds of all ordered pairs, by dense matrices of out- and in-neighbours."""
    adjacency = torch.zeros(20, 20)
    adjacency[tuple(data.edge_index)] = 1
    out_degree, in_degree = adjacency.sum(1), adjacency.sum(0)
    normal = adjacency / ((out_degree + 1).sqrt()[:, None] * (in_degree + 1).sqrt())

    def propagate(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return (
            source / (out_degree + 1)[:, None] + normal @ target,
            target / (in_degree + 1)[:, None] + normal.t() @ source,
        )

    encoder = model.model.encoder
    weight, bias = encoder.hidden.weight, encoder.hidden.bias
    hidden = propagate(data.x @ weight[:, :5].t() + bias, data.x @ weight[:, 5:].t() + bias)
    source, target = propagate(*(encoder.outputs[0](h.relu()) for h in hidden))
    source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
    biased = model.model.decoder
    of_source, of_target = (biased.degree_bias(degree) for degree in (out_degree, in_degree))
    logits = biased.decoder.scale * source @ target.t() + biased.decoder.bias
    return source, target, logits + of_source[:, None] + of_target


def test_log_odds_are_a_scaled_inner_product_of_source_and_target(data: Data, model: DirectedGAE) -> None:
    source, target, logits = by_hand(model, data)
    z = model.encode(data.x, data.edge_index)
    torch.testing.assert_close(z.source, source)
    torch.testing.assert_close(z.target, target)
    known = model.graph_arguments(data.edge_index, 20)
    torch.testing.assert_close(model.decode(z, ALL, sigmoid=False, **known).view(20, 20), logits)
    torch.testing.assert_close(model.decode(z, ALL, **known).view(20, 20), logits.sigmoid())
    assert (logits - logits.t()).abs().max() > 0.1


def test_a_link_turned_round_turns_its_ends_only(data: Data, model: DirectedGAE) -> None:
    """Of a graph with all links turned round, the sources' messages are those that the targets had."""
    encoder = model.model.encoder
    with torch.no_grad():
        encoder.hidden.weight[:, 5:] = encoder.hidden.weight[:, :5]  # type: ignore[index,union-attr]
    one, other = (model.encode(data.x, edges) for edges in (data.edge_index, data.edge_index.flip(0)))
    torch.testing.assert_close(one.source, other.target)
    torch.testing.assert_close(one.target, other.source)


def test_loss_and_scores_are_of_ordered_pairs(data: Data, model: DirectedGAE) -> None:
    z = model.encode(data.x, data.edge_index)
    known = model.graph_arguments(data.edge_index, 20)
    none = torch.tensor([[3, 7, 9], [7, 3, 1]])
    positive, negative = (model.decode(z, pairs, sigmoid=False, **known) for pairs in (data.edge_index, none))
    expected = F.softplus(-positive).mean() + F.softplus(negative).mean()
    torch.testing.assert_close(model.recon_loss(z, data.edge_index, none, **known), expected)
    better = (positive[:, None] > negative).double().mean()
    assert model.test(z, data.edge_index, none, **known).auc == pytest.approx(float(better))


def test_default_negatives_are_ordered_pairs_that_may_be_links_turned_round(
    model: DirectedGAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = torch.tensor([[0, 1, 2, 0, 2, 0], [1, 0, 1, 2, 0, 1]])  # of three nodes all but 1 -> 2
    drawn = []
    monkeypatch.setattr(
        model.model, "recon_loss", lambda z, positive, negative, **_: drawn.append((positive, negative))
    )
    model.recon_loss(model.encode(torch.rand(3, 5), links), links)
    ((positive, negative),) = drawn
    assert torch.equal(positive, links + torch.tensor([[0], [3]]))
    assert negative.t().unique(dim=0).tolist() == [[1, 5]]
    assert negative.size(1) == links.size(1)


def test_samples_and_divergence_are_those_of_all_sources_and_targets(data: Data, model: DirectedGAE) -> None:
    model.train()
    first, second = (model(data.x, data.edge_index) for _ in range(2))
    assert not torch.equal(first.source, second.source)
    posterior = model.posterior(data.x, data.edge_index)
    assert posterior.batch_shape == (40,)
    torch.testing.assert_close(model.kl_loss(), model.kl_loss(posterior))
    before = model.model.encoder.hidden.weight.clone()  # type: ignore[union-attr]
    model.reset_parameters()
    assert not torch.equal(before, model.model.encoder.hidden.weight)  # type: ignore[union-attr]


@pytest.mark.parametrize("normal", [False, True])
def test_score_links_reads_pairs_as_source_and_target(data: Data, model: DirectedGAE, normal: bool) -> None:
    if normal:
        model = DirectedGAE(NormalGAE(GCNEncoder(10, 8, (4, 4)))).eval()
    z = model.encode(data.x, data.edge_index)
    expected = model.decode(z, ALL, sigmoid=False, **model.graph_arguments(data.edge_index, 20)).detach()
    assert torch.equal(score_links(model, data, ALL), expected)
    assert torch.equal(score_links(model, data, ALL.t().reshape(20, 20, 2)), expected.view(20, 20))
    inputs = model_inputs(double_cover(data))
    torch.testing.assert_close(score_links(model, data, ALL, inputs=inputs), expected)


def test_an_undirected_model_refuses_a_directed_graph_and_the_other_way_round(data: Data, model: DirectedGAE) -> None:
    with pytest.raises(ValueError, match=r"^data must be undirected for SphericalGAE, got a directed one: take"):
        score_links(model.model, data, [[0], [1]])
    undirected = clean_graph(data, directed=False)
    with pytest.raises(ValueError, match=r"^data: given an undirected graph, allowed: one whose directed is True"):
        score_links(model, undirected, [[0], [1]])


@pytest.mark.parametrize("max_scores", [1 << 20, 64])
def test_top_targets_are_the_best_by_all_scores(data: Data, model: DirectedGAE, max_scores: int) -> None:
    logits = by_hand(model, data)[2].detach()
    z, known = model.encode(data.x, data.edge_index), model.graph_arguments(data.edge_index, 20)
    logits.fill_diagonal_(-torch.inf)
    found = model.top_targets(z, 5, sigmoid=False, max_scores=max_scores, **known)
    assert torch.equal(found.indices, logits.topk(5).indices)
    logits[tuple(data.edge_index)] = -torch.inf
    some = torch.tensor([11, 3])
    found = model.top_targets(z, 5, some, data.edge_index, max_scores=max_scores, **known)
    expected = logits[some].topk(5)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.scores, expected.values.sigmoid())


def test_sources_that_are_no_nodes_are_refused() -> None:
    """N to 2N - 1 are the nodes as targets."""
    model = DirectedGAE(SphericalGAE(GCNEncoder(10, 8, (3, 1)))).eval()
    z = model.encode(torch.rand(5, 5), torch.tensor([[0, 1, 2], [1, 2, 3]]))
    for number in (-1, 5, 9, 10):
        with pytest.raises(ValueError, match=f"source_index: given 0 to {number}|source_index: given {number} to 0"):
            model.top_targets(z, 2, torch.tensor([0, number]))


@pytest.mark.parametrize("pair", [[20, 0], [0, 20], [0, -1], [-1, 0]])
def test_nodes_that_are_not_there_are_refused(model: DirectedGAE, data: Data, pair: list[int]) -> None:
    """On the cover they are other nodes."""
    bad, good = torch.tensor(pair).view(2, 1), torch.tensor([[0], [1]])
    message = f"{{}}: given nodes {min(pair)} to {max(pair)}, allowed: 0 to 19"
    with pytest.raises(ValueError, match=message.format("edge_index")):
        model.encode(data.x, bad)
    z = model.encode(data.x, data.edge_index)
    with pytest.raises(ValueError, match=message.format("edge_index")):
        model.decode(z, bad)
    with pytest.raises(ValueError, match=message.format("neg_edge_index")):
        model.recon_loss(z, good, bad)
    with pytest.raises(ValueError, match=message.format("pos_edge_index")):
        model.test(z, bad, good)
    with pytest.raises(ValueError, match=message.format("known_edge_index")):
        model.top_targets(z, 2, known_edge_index=bad)


def test_arguments_that_are_no_tensors_are_refused_by_name(model: DirectedGAE, data: Data) -> None:
    with pytest.raises(TypeError, match="encode: given a NumPy array"):
        model.encode(data.x.numpy(), data.edge_index)
    with pytest.raises(TypeError, match="x: given SparseMatrix, allowed: a tensor"):
        model.encode(sparse_features(torch.eye(20)), data.edge_index)
