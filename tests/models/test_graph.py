import copy
import io
import math
import pickle
from pathlib import Path

import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn
from torch.distributions import kl_divergence
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data
from torch_geometric.nn import GAE, VGAE, GCNConv
from torch_geometric.nn import InnerProductDecoder as PyGDecoder
from torch_geometric.transforms import RandomLinkSplit

from spherical_gae import GCNEncoder, InnerProductDecoder, NormalGAE, SphericalGAE, VonMisesFisher, load_graph
from spherical_gae.models import VariationalGAE
from spherical_gae.nn import (
    NormalizedPropagationEncoder,
    SparseMatrix,
)
from tests.helpers.small_graph import DIM, NUM_FEATURES, NUM_NODES


def spherical(decoder: nn.Module | None = None) -> SphericalGAE:
    torch.manual_seed(1)
    return SphericalGAE(GCNEncoder(NUM_FEATURES, 8, (DIM, 1)), decoder)


def normal() -> NormalGAE:
    torch.manual_seed(1)
    return NormalGAE(GCNEncoder(NUM_FEATURES, 8, (DIM, DIM)))


class PyGEncoder(nn.Module):
    """The encoder of PyG's autoencoder example: one shared convolution, one for each parameter."""

    def __init__(self, num_features: int, width: int, second_width: int) -> None:
        super().__init__()
        self.shared = GCNConv(num_features, 2 * width)
        self.first = GCNConv(2 * width, width)
        self.second = GCNConv(2 * width, second_width)

    def forward(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.shared(x, edge_index).relu()
        return self.first(hidden, edge_index), self.second(hidden, edge_index)


def test_encode_samples_in_training(graph: Data) -> None:
    model = spherical()
    first, second = model.encode(graph.x, graph.edge_index), model(graph.x, graph.edge_index)
    assert not torch.equal(first, second)
    torch.testing.assert_close(first.norm(dim=1), torch.ones(NUM_NODES))
    torch.manual_seed(5)
    z = model.encode(graph.x, graph.edge_index)
    torch.manual_seed(5)
    assert torch.equal(z, model.last_posterior.rsample())


def test_encode_gives_the_mean_direction_in_evaluation(graph: Data) -> None:
    model = spherical().eval()
    z = model.encode(graph.x, graph.edge_index)
    assert torch.equal(z, model.encode(graph.x, graph.edge_index))
    direction, _ = model.encoder(graph.x, graph.edge_index)
    torch.testing.assert_close(z, direction / direction.norm(dim=1, keepdim=True))


def test_normal_model_encodes_to_the_mean_in_evaluation(graph: Data) -> None:
    model = normal()
    assert not torch.equal(model.encode(graph.x, graph.edge_index), model.encode(graph.x, graph.edge_index))
    mean, _ = model.encoder(graph.x, graph.edge_index)
    assert torch.equal(model.eval().encode(graph.x, graph.edge_index), mean)


def test_posterior_is_the_last_one_and_carries_the_concentration(graph: Data) -> None:
    model = spherical()
    assert model.last_posterior is None
    law = model.posterior(graph.x, graph.edge_index)
    assert model.last_posterior is None
    assert isinstance(law, VonMisesFisher)
    _, raw = model.encoder(graph.x, graph.edge_index)
    torch.testing.assert_close(law.concentration, F.softplus(raw[:, 0] + math.log(math.expm1(DIM - 1))) + 1)
    model.encode(graph.x, graph.edge_index)
    assert torch.equal(model.last_posterior.loc, law.loc)


@pytest.mark.parametrize("make", [spherical, normal])
def test_copies_and_pickles_after_encode(graph: Data, make: type[VariationalGAE]) -> None:
    """The posterior hangs on the autograd graph, which deepcopy and pickle refuse."""
    model = make()
    model.encode(graph.x, graph.edge_index)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), torch.load(file, weights_only=False)]
    expected = model.eval().encode(graph.x, graph.edge_index)
    for twin in copies:
        assert twin.last_posterior is None
        assert torch.equal(twin.eval().encode(graph.x, graph.edge_index), expected)
    assert model.last_posterior is not None


@pytest.mark.parametrize("make", [spherical, normal])
def test_state_dict_round_trip(graph: Data, make: type[VariationalGAE]) -> None:
    model, other = make(), make()
    other.reset_parameters()
    with torch.no_grad():
        model.decoder.bias.fill_(0.5)
    expected = model.eval().encode(graph.x, graph.edge_index)
    assert not torch.equal(other.eval().encode(graph.x, graph.edge_index), expected)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.encode(graph.x, graph.edge_index), expected)
    assert torch.equal(other.decode(expected, graph.edge_index), model.decode(expected, graph.edge_index))


def test_reset_reaches_encoder_and_decoder(graph: Data) -> None:
    model = SphericalGAE(PyGEncoder(NUM_FEATURES, DIM, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7)
    model.reset_parameters()
    assert not any((parameter == 7).any() for parameter in model.parameters())
    assert float(model.decoder.scale.detach()) == pytest.approx(5)


@pytest.mark.parametrize("make", [spherical, normal])
def test_kl_loss_is_the_mean_divergence_from_the_prior(graph: Data, make: type[VariationalGAE]) -> None:
    model = make()
    model.encode(graph.x, graph.edge_index)
    law = model.last_posterior
    expected = sum(kl_divergence(law, model.head.prior(law)).tolist()) / NUM_NODES
    assert float(model.kl_loss().detach()) == pytest.approx(expected, rel=1e-5)
    other = model.head(*(torch.zeros(3, width) for width in model.head.parameter_widths(DIM)))
    assert model.kl_loss(other) == kl_divergence(other, model.head.prior(other)).mean()


def test_kl_loss_needs_a_posterior() -> None:
    with pytest.raises(RuntimeError, match="kl_loss needs a posterior: call encode first"):
        spherical().kl_loss()


def test_normal_kl_is_that_of_pyg(graph: Data) -> None:
    model = normal()
    model.encode(graph.x, graph.edge_index)
    mean, logstd = model.encoder(graph.x, graph.edge_index)
    torch.testing.assert_close(model.kl_loss(), VGAE(model.encoder).kl_loss(mean, logstd))


def test_recon_loss_is_cross_entropy_on_the_log_odds(graph: Data) -> None:
    model = spherical()
    z = model.encode(graph.x, graph.edge_index)
    positives, negatives = graph.edge_index[:, :15], torch.randint(NUM_NODES, (2, 40))
    expected = sum(
        F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
        for label, logits in enumerate(model.decode(z, pairs, sigmoid=False) for pairs in (negatives, positives))
    )
    torch.testing.assert_close(model.recon_loss(z, positives, negatives), expected)


def test_recon_loss_with_the_plain_inner_product_is_that_of_pyg(graph: Data) -> None:
    model = normal()
    z = 0.1 * model.encode(graph.x, graph.edge_index)
    negatives = torch.randint(NUM_NODES, (2, 40))
    expected = GAE(model.encoder).recon_loss(z, graph.edge_index, negatives)
    torch.testing.assert_close(model.recon_loss(z, graph.edge_index, negatives), expected)


@pytest.mark.parametrize("cosine", [-1.0, 1.0])
def test_recon_loss_never_gets_stuck(cosine: float) -> None:
    """At log-odds of 1000 on the wrong side, PyG's log(sigmoid + 1e-15) is 34.5 with a gradient of zero."""
    model = spherical(InnerProductDecoder(scale=1000.0))
    z = torch.tensor([[1.0, 0.0], [cosine, 0.0]], requires_grad=True)
    pair = torch.tensor([[0], [1]])
    loss = model.recon_loss(z, pair, pair)  # either as a link or as a non-link, the pair is certainly wrong
    assert float(loss.detach()) == pytest.approx(1000, rel=1e-5)
    loss.backward()
    torch.testing.assert_close(z.grad, torch.tensor([[1000.0, 0.0], [1000.0 * cosine, 0.0]]), rtol=1e-5, atol=0)
    assert float(model.decoder.bias.grad) == cosine


class SpyDecoder(nn.Module):
    """Scores all pairs alike and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Tensor] = []

    def forward(self, z: Tensor, edge_index: Tensor, sigmoid: bool = True) -> Tensor:
        assert sigmoid is False
        self.asked.append(edge_index)
        return z[edge_index[0], 0] * 0


def test_default_negatives_are_non_links_and_as_many_as_links() -> None:
    """All but 3 of 45 pairs are linked, so that a careless draw would hit a link."""
    decoder = SpyDecoder()
    model = spherical(decoder)
    links = torch.combinations(torch.arange(10)).t()[:, 3:]
    torch.manual_seed(0)
    drawn: set[tuple[int, ...]] = set()
    for _ in range(20):
        model.recon_loss(torch.randn(10, DIM), links)
        positives, negatives = decoder.asked[-2:]
        assert torch.equal(positives, links)
        assert negatives.shape == links.shape
        drawn |= {tuple(sorted(pair)) for pair in negatives.t().tolist()}
    assert drawn == {(0, 1), (0, 2), (0, 3)}


def test_scores_are_those_of_scikit_learn_on_the_log_odds() -> None:
    """Log-odds of 17 to 20 are all 1 as float32 probabilities: only ranking the log-odds tells them apart."""
    model = spherical(InnerProductDecoder(scale=20.0))
    torch.manual_seed(0)
    z = F.normalize(1 + 0.05 * torch.randn(NUM_NODES, DIM), dim=1)
    positives, negatives = torch.randint(NUM_NODES, (2, 30)), torch.randint(NUM_NODES, (2, 50))
    logits = torch.cat([model.decode(z, pairs, sigmoid=False) for pairs in (positives, negatives)]).detach().numpy()
    labels = [1] * 30 + [0] * 50
    expected = roc_auc_score(labels, logits), average_precision_score(labels, logits)
    assert tuple(model.test(z, positives, negatives)) == pytest.approx(expected, abs=1e-12)


def test_pyg_decoder_can_be_passed(graph: Data) -> None:
    model = spherical(PyGDecoder())
    z = model.encode(graph.x, graph.edge_index)
    cosine = (z[graph.edge_index[0]] * z[graph.edge_index[1]]).sum(1)
    torch.testing.assert_close(model.decode(z, graph.edge_index), cosine.sigmoid())
    (model.recon_loss(z, graph.edge_index) + model.kl_loss() / NUM_NODES).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    assert 0 <= model.test(z, graph.edge_index, torch.randint(NUM_NODES, (2, 30))).auc <= 1


def test_default_decoders() -> None:
    assert float(spherical().decoder.scale.detach()) == pytest.approx(5)
    assert spherical().decoder.bias.requires_grad
    assert float(normal().decoder.scale.detach()) == pytest.approx(1)
    assert not any(parameter.requires_grad for parameter in normal().decoder.parameters())


def test_every_parameter_gets_a_gradient(graph: Data) -> None:
    model = spherical()
    z = model.encode(graph.x, graph.edge_index)
    (model.recon_loss(z, graph.edge_index) + model.kl_loss() / NUM_NODES).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def run_pyg_example(data: Data, epochs: int) -> tuple[float, float]:
    """PyG's autoencoder example with ``SphericalGAE`` for ``VGAE`` and one channel of concentration."""
    torch.manual_seed(0)
    split = RandomLinkSplit(0.05, 0.1, is_undirected=True, split_labels=True, add_negative_train_samples=False)
    train_data, _, test_data = split(data)
    model = SphericalGAE(PyGEncoder(data.num_features, 16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        model.train()
        optimizer.zero_grad()
        z = model.encode(train_data.x, train_data.edge_index)
        loss = model.recon_loss(z, train_data.pos_edge_label_index)
        loss = loss + (1 / train_data.num_nodes) * model.kl_loss()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        z = model.encode(test_data.x, test_data.edge_index)
    return model.test(z, test_data.pos_edge_label_index, test_data.neg_edge_label_index)


def test_pyg_example_on_digits() -> None:
    """AUC .953 for seed 0; chance is .5."""
    auc, ap = run_pyg_example(load_graph("digits"), epochs=40)
    assert auc > 0.94
    assert ap > 0.93


@pytest.mark.slow
@pytest.mark.real_data
def test_pyg_example_on_cora(real_data_root: Path) -> None:
    """AUC .925, .939, .931 and AP .932, .948, .942 for seeds 0 to 2; PyG's VGAE reaches about .89 and .90."""
    auc, ap = run_pyg_example(load_graph("cora", real_data_root), epochs=200)
    assert auc > 0.905
    assert ap > 0.91


@pytest.mark.parametrize("encoder", [GCNEncoder, NormalizedPropagationEncoder], ids=lambda e: e.__name__)
@pytest.mark.parametrize("features", ["dense", "sparse"])
def test_autocast(graph: Data, encoder: type[nn.Module], features: str) -> None:
    """Linear maps in half precision, sparse products and the latent in float32: loss and gradients are close."""
    widths: tuple[object, ...] = (8, (DIM, 1)) if encoder is GCNEncoder else ((DIM, 1),)
    model = SphericalGAE(encoder(NUM_FEATURES, *widths))
    x = graph.x if features == "dense" else SparseMatrix(graph.x)
    results = []
    for enabled in (False, True):
        torch.manual_seed(2)
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            z = model.encode(x, graph.edge_index)
            loss = model.recon_loss(z, graph.edge_index) + model.kl_loss() / NUM_NODES
            assert z.dtype == torch.float32
            loss.backward()
        results.append((loss.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)))
    torch.testing.assert_close(results[1], results[0], rtol=0.02, atol=0.02)


def test_normal_model_is_called_as_pygs_is(graph: Data) -> None:
    """kl_loss(mu, logstd) and reparametrize, with PyG's values; all models are instances of its GAE."""
    ours, theirs = normal(), VGAE(nn.Identity())
    assert isinstance(ours, GAE)
    assert isinstance(spherical(), GAE)
    torch.manual_seed(0)
    mu, logstd = torch.randn(7, 3), torch.randn(7, 3)
    for value in (ours.kl_loss(mu, logstd), ours.kl_loss(mu=mu, logstd=logstd), ours.kl_loss(mu, logstd=logstd)):
        torch.testing.assert_close(value, theirs.kl_loss(mu, logstd))
    ours.encode(graph.x, graph.edge_index)
    expected = kl_divergence(ours.last_posterior, ours.head.prior(ours.last_posterior)).mean()
    torch.testing.assert_close(ours.kl_loss(), expected)
    with pytest.raises(ValueError, match="logstd: given None, allowed: a tensor"):
        ours.kl_loss(mu)
    with pytest.raises(ValueError, match="given mu or logstd twice"):
        ours.kl_loss(mu, logstd, logstd=logstd)
    with pytest.raises(ValueError, match="mu: given beside a posterior"):
        ours.kl_loss(ours.last_posterior, mu=mu, logstd=logstd)
    samples = []
    for model in (ours.train(), theirs.train()):
        torch.manual_seed(1)
        samples.append(model.reparametrize(mu, logstd))
    torch.testing.assert_close(*samples)
    assert torch.equal(ours.eval().reparametrize(mu, logstd), mu)
