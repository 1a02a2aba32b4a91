import copy
import io
import math
import pickle

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae import VonMisesFisher
from spherical_gae.models import NormalVAE, SphericalVAE, VAELoss, VariationalAutoencoder
from spherical_gae.nn import (
    MLP,
    MLPEncoder,
    NormalHead,
    NormalObservation,
    ProductOfSpheresHead,
    VonMisesFisherHead,
    log_prob_of_data,
)
from tests.helpers.reference import reference

PIXELS = 12
KINDS = pytest.mark.parametrize("kind", [SphericalVAE, NormalVAE])


def make(kind: type, dim: int = 3, **settings: object) -> VariationalAutoencoder:
    torch.manual_seed(1)
    return kind(dim, PIXELS, (10, 7), **settings)


def data(rows: int = 6) -> Tensor:
    return torch.randint(2, (rows, PIXELS), generator=torch.Generator().manual_seed(0)).float()


class ConvolutionalEncoder(nn.Module):
    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.outputs = nn.ModuleList(nn.Linear(64, width) for width in widths)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        hidden = self.convolution(x).relu().flatten(1)
        return tuple(output(hidden) for output in self.outputs)


def convolutional(kind: type, dim: int = 2) -> VariationalAutoencoder:
    torch.manual_seed(1)
    widths = (dim + 1, 1) if kind is SphericalVAE else (dim, dim)
    layers = (nn.Linear(widths[0], 64), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 1, 2, stride=2))
    return kind(dim, encoder=ConvolutionalEncoder(*widths), decoder=nn.Sequential(*layers))


def test_parts_of_the_spherical_loss_in_closed_form() -> None:
    model, x = make(SphericalVAE), data()
    torch.manual_seed(5)
    loss = model.loss(x)
    posterior = model.posterior(x)
    torch.manual_seed(5)
    logits = model.decoder(posterior.rsample())
    expected = -F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 6
    torch.testing.assert_close(loss.reconstruction, expected)
    kl = sum(float(reference(4, kappa).kl) for kappa in posterior.concentration.tolist()) / 6
    assert loss.kl.item() == pytest.approx(kl, rel=1e-5)
    assert isinstance(loss, VAELoss)
    torch.testing.assert_close(loss.total, loss.kl - loss.reconstruction)


def test_parts_of_the_normal_loss_in_closed_form() -> None:
    model, x = make(NormalVAE, observation=NormalObservation(0.5)), data()
    torch.manual_seed(5)
    loss = model.loss(x)
    mean, logstd = model.encoder(x)
    torch.manual_seed(5)
    outputs = model.decoder(mean + logstd.exp() * torch.randn(6, 3))
    squares = (((x - outputs) / 0.5).square() / 2 + math.log(0.5 * math.sqrt(2 * math.pi))).sum(1)
    torch.testing.assert_close(loss.reconstruction, -squares.mean())
    kl = 0.5 * (mean**2 + logstd.exp() ** 2 - 1 - 2 * logstd).sum(1)  # Kingma & Welling 2014, appendix B
    torch.testing.assert_close(loss.kl, kl.mean())


@KINDS
@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_weight_of_the_divergence(kind: type, weight: float) -> None:
    model, x = make(kind), data()
    losses = []
    for kl_weight in (1.0, weight):
        torch.manual_seed(5)
        losses.append(model.loss(x, kl_weight))
    plain, weighted = losses
    assert torch.equal(plain.kl, weighted.kl)
    assert torch.equal(plain.reconstruction, weighted.reconstruction)
    torch.testing.assert_close(weighted.total, weight * plain.kl - plain.reconstruction)
    assert plain.kl > 1e-3


def check_bound(model: VariationalAutoencoder, x: Tensor, points: Tensor, weights: Tensor) -> None:
    """Loss over 40,000 copies of a point, against a quadrature of the expectations over the posterior."""
    model.double()
    x = x.double()
    with torch.no_grad():
        posterior = model.posterior(x)
        log_q, log_p = posterior.log_prob(points), model.prior().log_prob(points)
        q = weights * log_q.exp()
        assert float(q.sum()) == pytest.approx(1, abs=1e-9)
        log_x = model.likelihood(points).log_prob(x.expand(len(points), -1))
        reconstruction, kl = float((q * log_x).sum()), float((q * (log_q - log_p)).sum())
        error = math.sqrt(float((q * (log_x - reconstruction) ** 2).sum()) / 40_000)
        assert error > 1e-4  # the decoder uses the latent
        loss = model.loss(x.expand(40_000, -1))
    assert float(loss.kl) == pytest.approx(kl, abs=1e-9)
    assert kl > 0.01
    assert abs(float(loss.reconstruction) - reconstruction) < 4 * error
    assert abs(float(loss.total) - (kl - reconstruction)) < 4 * error
    log_evidence = float((weights.log() + log_p + log_x).logsumexp(0))
    assert reconstruction - kl < log_evidence
    ratio = (log_p + log_x - log_q - log_evidence).exp()  # importance weights, of mean 1
    error = math.sqrt(float((q * (ratio - 1) ** 2).sum()) / 200_000)
    assert error < 0.02
    assert abs(float(model.log_likelihood(x, 200_000)) - log_evidence) < 4 * error


def test_spherical_loss_is_the_bound_on_the_circle() -> None:
    angle = torch.arange(2000, dtype=torch.float64) * math.pi / 1000
    points = torch.stack([angle.cos(), angle.sin()], dim=1)
    check_bound(make(SphericalVAE, 1), data(1), points, torch.full((2000,), math.pi / 1000, dtype=torch.float64))


def test_normal_loss_is_the_bound_on_the_line() -> None:
    points = torch.linspace(-12, 12, 4001, dtype=torch.float64)[:, None]
    check_bound(make(NormalVAE, 1), data(1), points, torch.full((4001,), 24 / 4000, dtype=torch.float64))


def test_dimension_is_that_of_the_manifold() -> None:
    x = data()
    for dim in (1, 2, 40):
        model = make(SphericalVAE, dim)
        assert (model.latent_features, model.prior().event_shape) == (dim + 1, (dim + 1,))
        assert model.encode(x).shape == (6, dim + 1)
        assert [layer.in_features for layer in model.decoder if isinstance(layer, nn.Linear)] == [dim + 1, 7, 10]
        assert make(NormalVAE, dim).encode(x).shape == (6, dim)
    product = make(SphericalVAE, 4, head=ProductOfSpheresHead(2))
    assert product.encode(x).shape == (6, 6)
    torch.testing.assert_close(product.encode(x).unflatten(1, (2, 3)).norm(dim=2), torch.ones(6, 2))


@pytest.mark.parametrize("dim", [2, 40])
def test_start_of_the_concentration(dim: int) -> None:
    """An encoder that returns zeros: m by default, softplus(0) + 1 with the paper's head."""
    for head, expected in ((None, dim + 1.0), (VonMisesFisherHead(initial_concentration="paper"), 1 + math.log(2))):
        model = make(SphericalVAE, dim, head=head)
        for parameter in model.encoder.parameters():
            nn.init.zeros_(parameter)
        torch.testing.assert_close(model.posterior(data()).concentration, torch.full((6,), expected))


@KINDS
def test_encode_samples_in_training_and_gives_the_mode_in_evaluation(kind: type) -> None:
    model, x = make(kind), data(1).expand(4000, -1)
    law = model.posterior(x[:1])
    sample = model(x)
    if isinstance(law, VonMisesFisher):  # the mean of the cosine is A_4(kappa)
        expected = float(reference(4, law.concentration.item()).mean_resultant_length)
        assert (sample @ law.loc[0]).mean().item() == pytest.approx(expected, abs=0.03)
    else:
        standard = ((sample - law.mean) / law.stddev).flatten().detach().numpy()
        assert stats.kstest(standard, "norm").pvalue > 1e-3
    model.eval()
    mode = model.encoder(x[:1])[0] if kind is NormalVAE else F.normalize(model.encoder(x[:1])[0], dim=1)
    torch.testing.assert_close(model.encode(x), mode.expand(4000, -1))


def test_priors_and_samples() -> None:
    torch.manual_seed(0)
    spherical, normal = make(SphericalVAE, 2), make(NormalVAE, 2)
    height = spherical.prior().sample((2000,))[:, 0]  # uniform on [-1, 1], Archimedes
    assert stats.kstest(height.numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert stats.kstest(normal.prior().sample((1000,)).flatten().numpy(), "norm").pvalue > 1e-3
    for model in (spherical, normal):
        z = model.prior().sample((4000,))
        torch.testing.assert_close(model.decode(z), model.decoder(z).sigmoid())
        sample = model.sample(4000)
        assert not sample.requires_grad
        assert sample.shape == (4000, PIXELS)
        error = model.decode(z).std(0) / math.sqrt(4000)
        assert ((sample.mean(0) - model.decode(z).mean(0)).abs() < 6 * error).all()
    # With a normal observation, decoded points are its means and no probabilities.
    squares = make(NormalVAE, 2, observation=NormalObservation())
    assert torch.equal(squares.decode(z), squares.decoder(z))


@KINDS
def test_images_with_convolutions(kind: type) -> None:
    model, x = convolutional(kind), torch.rand(5, 1, 8, 8).round()
    torch.manual_seed(5)
    loss = model.loss(x)
    torch.manual_seed(5)
    logits = model.decoder(model.posterior(x).rsample())
    expected = -F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 5
    torch.testing.assert_close(loss.reconstruction, expected)
    loss.total.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
    assert model.sample(3).shape == (3, 1, 8, 8)
    # Against the same decoder on flat data.
    flat = VariationalAutoencoder(
        nn.Sequential(nn.Unflatten(1, (1, 8, 8)), model.encoder),
        model.head,
        nn.Sequential(model.decoder, nn.Flatten()),
        model.observation,
        model.latent_features,
    )
    values = []
    for some, points in ((model, x), (flat, x.flatten(1))):
        torch.manual_seed(6)
        values.append(some.log_likelihood(points, 20, max_rows=30))
    torch.testing.assert_close(*values)


@KINDS
def test_copies_after_a_loss(kind: type) -> None:
    model, x = make(kind), data()
    model.loss(x).total.backward()
    saved = io.BytesIO()
    torch.save(model, saved)
    saved.seek(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), torch.load(saved, weights_only=False)]
    expected = model.eval().encode(x)
    for other in copies:
        assert torch.equal(other.eval().encode(x), expected)
        with torch.no_grad():
            next(other.parameters()).add_(1)
    assert torch.equal(model.encode(x), expected)  # nothing is shared


@pytest.mark.parametrize("dim", [0, -1])
@KINDS
def test_dimension_below_one_is_refused(kind: type, dim: int) -> None:
    with pytest.raises(ValueError, match=f"dim must be at least 1, got {dim}"):
        kind(dim)


def test_paper_architecture_by_default() -> None:
    """784-256-128 and its mirror image."""
    for model, m in ((SphericalVAE(5), 6), (NormalVAE(5), 5)):
        second = 1 if isinstance(model, SphericalVAE) else 5
        widths = [(784, 256), (256, 128), (128, m), (128, second), (m, 128), (128, 256), (256, 784)]
        layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
        assert [(layer.in_features, layer.out_features) for layer in layers] == widths
    assert isinstance(model.head, NormalHead)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "dim"), [(SphericalVAE, 1), (NormalVAE, 2)])
def test_two_patterns_are_learned(kind: type, dim: int) -> None:
    """No model can give two patterns more than log(1/2) each, on average; without a latent it is 12 log(1/2)."""
    torch.manual_seed(1)
    model = kind(dim, PIXELS, (32,))
    patterns = torch.stack([torch.ones(PIXELS), torch.zeros(PIXELS)])
    patterns[:, ::2] = 1 - patterns[:, ::2]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(400):
        optimizer.zero_grad()
        model.loss(patterns.repeat(16, 1), kl_weight=min(1.0, step / 100)).total.backward()
        optimizer.step()
    many = patterns.repeat(2000, 1)
    with torch.no_grad():
        bound = -float(model.loss(many).total)
        likelihood = float(model.log_likelihood(many, 100).mean())
    # On average over K = 100 samples the estimate lies below log p(x).
    assert math.log(0.5) - 0.3 < likelihood < math.log(0.5)
    assert math.log(0.5) - 0.9 < bound < likelihood
    model.eval()
    assert torch.equal(model.decode(model.encode(patterns)).round(), patterns)


def test_encoder_of_another_width_is_refused() -> None:
    """A prior on another sphere than the posterior's would shift the likelihood by the ratio of their areas."""
    model = SphericalVAE(5, encoder=MLPEncoder(20, (16,), (5, 1)), decoder=MLP((5, 16, 20)))
    for method in (model.loss, model.encode, model.log_likelihood):
        with pytest.raises(ValueError, match=r"parameters of 6 latent coordinates, got those of \(5,\)"):
            method(torch.rand(3, 20).round())


@pytest.mark.parametrize("shape", [(6, 1, 20), (6, 19), (1, 20)])
def test_data_that_would_broadcast_against_the_decoder_are_refused(shape: tuple[int, ...]) -> None:
    law = NormalVAE(2, 20, (16,)).likelihood(torch.zeros(6, 2))
    with pytest.raises(ValueError, match="the decoder must return the shape of the data"):
        log_prob_of_data(law, torch.zeros(shape))


def test_data_without_a_batch_axis_are_refused() -> None:
    with pytest.raises(ValueError, match=r"x must have shape \[B, \*event\], got \(20,\)"):
        NormalVAE(2, 20, (16,)).loss(torch.zeros(20))


def test_scaled_latent_is_what_the_decoder_sees() -> None:
    """sqrt(m) z, with weights drawn as without it."""
    torch.manual_seed(0)
    plain = SphericalVAE(3, 16, (8,))
    torch.manual_seed(0)
    scaled = SphericalVAE(3, 16, (8,), scaled_latent=True)
    z = plain.prior().sample((5,))
    torch.testing.assert_close(scaled.decode(z), plain.decode(2 * z))


def test_scaled_latent_of_several_spheres_is_scaled_on_each() -> None:
    """Coordinates of the size of a normal latent's: second moment 1."""
    seen = []
    model = SphericalVAE(8, 16, (8,), head=ProductOfSpheresHead(4), scaled_latent=True)
    model.decoder[0].register_forward_hook(lambda module, given, result: seen.append(result))  # type: ignore[index]
    model.loss(torch.zeros(50, 16))
    torch.testing.assert_close(seen[0].square().mean(), torch.tensor(1.0), rtol=1e-6, atol=0)


def test_no_data_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"x must hold at least one data point, got shape \(0, 16\)"):
        SphericalVAE(2, 16, (8,)).loss(torch.zeros(0, 16))
