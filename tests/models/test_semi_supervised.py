import math
from itertools import product
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae import VonMisesFisher
from spherical_gae.models import M1M2, M1M2Loss
from spherical_gae.nn import LatentHead, NormalHead, NormalObservation, ProjectedNormalHead, VonMisesFisherHead
from tests.helpers.reference import reference

PIXELS, CLASSES = 5, 3
COMBINATIONS = pytest.mark.parametrize("laws", ["NN", "SS", "SN"])


def head(letter: str) -> LatentHead:
    heads = {"N": NormalHead(), "P": ProjectedNormalHead()}
    return heads.get(letter, VonMisesFisherHead(initial_concentration="dimension"))


def make(laws: str, dim1: int = 3, dim2: int = 2, gain: float = 1.0, **settings: Any) -> M1M2:
    torch.manual_seed(1)
    model = M1M2(dim1, dim2, head(laws[0]), head(laws[1]), PIXELS, CLASSES, 16, **settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(gain).add_(0.1 * torch.randn_like(parameter))
    return model


def data(rows: int, seed: int = 0) -> Tensor:
    return torch.randint(2, (rows, PIXELS), generator=torch.Generator().manual_seed(seed)).double()


def log_density(law: Any, z: Tensor) -> float:
    """Of a single point under a single law, by the formulas."""
    if isinstance(law, VonMisesFisher):
        kappa = float(law.concentration)
        return float(reference(law.dim, kappa).log_normalizer) + kappa * float(law.loc.flatten() @ z)
    return sum(map(float, stats.norm.logpdf(z.numpy(), law.mean.flatten().numpy(), law.stddev.flatten().numpy())))


def entropy(law: Any) -> float:
    if isinstance(law, VonMisesFisher):
        exact = reference(law.dim, float(law.concentration))
        return -float(exact.log_normalizer) - float(law.concentration) * float(exact.mean_resultant_length)
    return float((law.stddev.log() + 0.5 * math.log(2 * math.pi * math.e)).sum())


def divergence(law: Any) -> float:
    """From the prior: uniform, or standard normal."""
    if isinstance(law, VonMisesFisher):
        return float(reference(law.dim, float(law.concentration)).kl)
    return float(0.5 * (law.mean**2 + law.stddev**2 - 1 - 2 * law.stddev.log()).sum())


def joint(model: M1M2, z1: Tensor, z2: Tensor, y: int) -> float:
    """log p(z_1 | y, z_2) + log p(y) - KL(q(z_2 | z_1, y) || p(z_2))."""
    style = model.style_posterior(z1[None], torch.tensor([y]))
    prior = model.conditional_prior(z2[None], torch.tensor([y]))
    return log_density(prior, z1) - math.log(CLASSES) - divergence(style)


@COMBINATIONS
@pytest.mark.parametrize("kl_weight", [1.0, 0.3])
@torch.no_grad()
def test_bounds_by_sums_over_classes(laws: str, kl_weight: float) -> None:
    model = make(laws).double()
    x, labelled_x, y = data(4), data(3, seed=1), torch.tensor([2, 0, 2])
    torch.manual_seed(7)
    loss = model.loss(x, labelled_x, y, cross_entropy_weight=2.5, labelled_weight=0.7, kl_weight=kl_weight)
    # The same random numbers: z_1 of all points, z_2 of all classes, z_2 of the labels.
    torch.manual_seed(7)
    batch = torch.cat([x, labelled_x])
    z1 = model.posterior(batch).rsample()
    free = model.style_posterior(z1[:4].unsqueeze(1), torch.arange(CLASSES)).rsample()
    known = model.style_posterior(z1[4:], y).rsample()

    bounds, weighted, cross_entropy = [], [], 0.0
    for i in range(7):
        logits = model.decoder1(z1[i])
        reconstruction = -float(F.binary_cross_entropy_with_logits(logits, batch[i], reduction="sum"))
        q = model.classifier(z1[i]).softmax(0).tolist()
        if i < 4:
            inner = sum(q[k] * (joint(model, z1[i], free[i, k], k) - math.log(q[k])) for k in range(CLASSES))
        else:
            label = int(y[i - 4])
            inner = joint(model, z1[i], known[i - 4], label)
            cross_entropy -= math.log(q[label]) / 3
        regular = inner + entropy(model.posterior(batch[i : i + 1]))
        bounds.append(reconstruction + regular)
        weighted.append(reconstruction + kl_weight * regular)
    unlabelled, labelled = sum(bounds[:4]) / 4, sum(bounds[4:]) / 3
    assert isinstance(loss, M1M2Loss)
    assert float(loss.unlabelled_bound) == pytest.approx(unlabelled, rel=1e-9)
    assert float(loss.labelled_bound) == pytest.approx(labelled, rel=1e-9)
    assert float(loss.cross_entropy) == pytest.approx(cross_entropy, rel=1e-9)
    total = 2.5 * cross_entropy - sum(weighted[:4]) / 4 - 0.7 * sum(weighted[4:]) / 3
    assert float(loss.total) == pytest.approx(total, rel=1e-9)


@COMBINATIONS
@torch.no_grad()
def test_more_styles_are_a_mean_over_them(laws: str) -> None:
    """Three samples of z_2 with a z_1 each, against the terms of one after the other."""
    model = make(laws).double()
    x, y = data(4), torch.tensor([2, 0, 2, 1])
    torch.manual_seed(7)
    loss = model.loss(x, x, y, style_samples=3)
    torch.manual_seed(7)
    z1 = model.posterior(torch.cat([x, x])).rsample()
    model.style_posterior(z1[:4].unsqueeze(1), torch.arange(CLASSES)).rsample((3,))
    known = model.style_posterior(z1[4:], y).rsample((3,))
    bounds = [
        float(model.likelihood(z1[4 + i, None]).log_prob(x[i]))
        + sum(joint(model, z1[4 + i], known[k, i], int(y[i])) for k in range(3)) / 3
        + entropy(model.posterior(x[i : i + 1]))
        for i in range(4)
    ]
    assert float(loss.labelled_bound) == pytest.approx(sum(bounds) / 4, rel=1e-9)


def test_more_styles_have_the_same_gradient_with_less_noise() -> None:
    model, x, y = make("SN"), data(30).float(), torch.arange(30) % CLASSES
    weight = next(model.encoder2.parameters())
    torch.manual_seed(0)
    few, many = (
        torch.stack(
            [torch.autograd.grad(model.loss(x, x, y, style_samples=n).total, weight)[0].flatten() for _ in range(80)]
        )
        for n in (1, 16)
    )
    error = ((few.var(0) + many.var(0)) / 80).sqrt()
    assert ((few.mean(0) - many.mean(0)).abs() < 5 * error + 1e-6).all()
    assert many.var(0).sum() < 0.7 * few.var(0).sum()


def test_no_styles_are_refused() -> None:
    with pytest.raises(ValueError, match="style_samples must be at least 1, got 0"):
        make("SN").loss(data(2).float(), data(2).float(), torch.tensor([0, 1]), style_samples=0)


@COMBINATIONS
@torch.no_grad()
def test_first_stage_is_the_autoencoder_of_z1_with_the_same_weights(laws: str) -> None:
    model, x = make(laws), data(6).float()
    stage = model.first_stage()
    torch.manual_seed(3)
    loss = stage.loss(x)
    torch.manual_seed(3)
    law = model.posterior(x)
    reconstruction = model.likelihood(law.rsample()).log_prob(x).mean()
    torch.testing.assert_close(loss.reconstruction, reconstruction)
    assert loss.kl.item() == pytest.approx(sum(divergence(model.posterior(row[None])) for row in x) / 6, rel=1e-5)
    own = {id(parameter) for part in (model.encoder1, model.decoder1) for parameter in part.parameters()}
    assert {id(parameter) for parameter in stage.parameters()} == own


@pytest.mark.parametrize("laws", ["SS", pytest.param("PP", marks=pytest.mark.slow)])
@torch.no_grad()
def test_bounds_on_two_circles_by_quadrature(laws: str) -> None:
    """Expected bounds with their gaps below log p(x) and log p(x, y), by the trapezoid rule over both angles."""
    model, n, y = make(laws, 1, 1, gain=1.5).double(), 120, 1
    x = data(1)
    angle = torch.arange(n, dtype=torch.float64) * 2 * math.pi / n
    circle, step = torch.stack([angle.cos(), angle.sin()], dim=1), 2 * math.pi / n
    log_x = model.likelihood(circle).log_prob(x)  # [z1]
    log_q1 = model.posterior(x).log_prob(circle)
    log_q_y = model.class_logits(circle).log_softmax(-1)  # [z1, y]
    log_q2, log_p1 = torch.empty(2, CLASSES, n, n, dtype=torch.float64)  # [y, z1, z2]
    for k in range(CLASSES):
        log_q2[k] = model.style_posterior(circle, torch.tensor(k)).log_prob(circle[:, None]).t()
        log_p1[k] = model.conditional_prior(circle, torch.tensor(k)).log_prob(circle[:, None])
    log_joint = log_p1 + log_x[:, None] - math.log(CLASSES) - math.log(2 * math.pi)  # of x, y, z1, z2
    log_xy = (log_joint + 2 * math.log(step)).flatten(1).logsumexp(1)

    inner = (log_q2.exp() * (log_joint - log_q2)).sum(-1).t() * step - log_q1[:, None]  # [z1, y]
    weight = log_q1.exp() * step
    assert float(weight.sum()) == pytest.approx(1, abs=1e-9)
    labelled = float((weight * inner[:, y]).sum())
    unlabelled = float((weight[:, None] * log_q_y.exp() * (inner - log_q_y)).sum())
    assert unlabelled < float(log_xy.logsumexp(0)) - 0.01
    assert labelled < float(log_xy[y]) - 0.01

    torch.manual_seed(0)
    # The divergence of a projected normal is an estimate, with noise of its own.
    size, repeats = (500 if laws == "SS" else 2000), 100
    rows = x.expand(size, PIXELS)
    losses = [model.loss(rows, rows, torch.full((size,), y), cross_entropy_weight=1.0) for _ in range(repeats)]
    cross_entropy = -float((weight * log_q_y[:, y]).sum())
    for part, expected in (
        ("unlabelled_bound", unlabelled),
        ("labelled_bound", labelled),
        ("cross_entropy", cross_entropy),
    ):
        values = torch.stack([getattr(loss, part) for loss in losses])
        error = float(values.std()) / math.sqrt(repeats)
        assert error < 0.01
        assert abs(float(values.mean()) - expected) < 4 * error


@pytest.mark.parametrize("laws", ["NN", "SS", "SN", "PP", "PN"])
def test_gradients_reach_all_parameters(laws: str) -> None:
    model, x = make(laws, observation=NormalObservation(0.5, learnable=True)), data(40).float()
    y = torch.arange(40) % CLASSES
    model.loss(x, x, y, cross_entropy_weight=1.0).total.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@COMBINATIONS
def test_gradient_of_the_classifier_without_cross_entropy_comes_from_unlabelled_data(laws: str) -> None:
    """The labelled bound does not hold q(y | z_1)."""
    model, x, y = make(laws), data(8).float(), torch.arange(8) % CLASSES
    loss = model.loss(x, x, y, cross_entropy_weight=0.0)
    loss.labelled_bound.backward(retain_graph=True)
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in model.classifier.parameters())
    loss.unlabelled_bound.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.classifier.parameters())


@pytest.mark.parametrize("laws", ["NN", "SS", "SN", "PP", "PN"])
def test_prediction_is_that_of_the_mode(laws: str) -> None:
    model, x = make(laws, gain=3.0), data(50).float()
    raw = model.encoder1(x)[0]
    mode = raw if laws[0] == "N" else F.normalize(raw, dim=1)
    expected = model.classifier(mode).softmax(-1)
    probabilities = model.class_probabilities(x)
    torch.testing.assert_close(probabilities, expected)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(50))
    assert torch.equal(model.predict(x), expected.argmax(1))
    assert len(set(model.predict(x).tolist())) > 1
    y = torch.arange(50) % CLASSES
    raw = model.encoder2(mode, y)[0]
    torch.testing.assert_close(model.style(x, y), raw if laws[1] == "N" else F.normalize(raw, dim=1))
    assert not model.style(x, y).requires_grad


@pytest.mark.parametrize("laws", ["NN", "SS", "SN", "PP", "PN"])
def test_generated_data_are_means_at_modes(laws: str) -> None:
    model = make(laws)
    z2 = model.sample_styles(6)
    assert z2.shape == (6, 2 if laws[1] == "N" else 3)
    images = {}
    for k in range(CLASSES):
        y = torch.full((6,), k)
        raw = model.decoder2(z2, y)[0]
        z1 = raw if laws[0] == "N" else F.normalize(raw, dim=1)
        images[k] = model.generate(z2, y)
        torch.testing.assert_close(images[k], model.decoder1(z1).sigmoid())
    for a, b in product(range(CLASSES), repeat=2):
        assert a == b or (images[a] - images[b]).abs().max() > 1e-3


def test_styles_follow_their_prior() -> None:
    torch.manual_seed(0)
    assert stats.kstest(make("SN").sample_styles(1000).flatten().numpy(), "norm").pvalue > 1e-3
    sphere = make("SS").sample_styles(2000)
    torch.testing.assert_close(sphere.norm(dim=1), torch.ones(2000))
    assert stats.kstest(sphere[:, 2].numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3  # Archimedes


@pytest.mark.slow
def test_few_labels_are_enough_for_two_clusters() -> None:
    """Two noisy patterns, one label each: what is not labelled settles the rest."""
    torch.manual_seed(0)
    y = torch.arange(200) % 2
    x = torch.where(torch.rand(200, 10) < 0.05, 1.0, 0.0)
    x = (x - (y[:, None] == (torch.arange(10) < 5)).float()).abs()
    model = M1M2(2, 1, head("S"), head("N"), in_features=10, num_classes=2, hidden_features=32)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(300):
        optimizer.zero_grad()
        model.loss(x, x[:2], y[:2], cross_entropy_weight=5.0, labelled_weight=0.1).total.backward()
        optimizer.step()
    assert (model.predict(x) == y).float().mean() > 0.97


@pytest.mark.parametrize("name", ["dim1", "dim2"])
@pytest.mark.parametrize("value", [0, -1])
def test_dimension_below_one_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"dim must be at least 1, got {value}"):
        M1M2(**{"dim1": 2, "dim2": 2, name: value}, head1=NormalHead(), head2=NormalHead())


def test_encoder_and_decoder_of_images_as_arguments() -> None:
    """A convolution that is told to be the linear layer of a model on vectors gives the same parts of the loss."""
    flat = make("SN").float()
    encoder = nn.Sequential(nn.Flatten(), flat.encoder1)
    decoder = nn.Sequential(flat.decoder1, nn.Unflatten(1, (1, 1, PIXELS)))
    torch.manual_seed(1)
    model = M1M2(3, 2, head("S"), head("N"), 1, CLASSES, 16, encoder1=encoder, decoder1=decoder)
    for name in ("classifier", "encoder2", "decoder2"):
        getattr(model, name).load_state_dict(getattr(flat, name).state_dict())
    x, y = data(6).float(), torch.tensor([0, 1])
    losses = []
    for each, rows in ((flat, x), (model, x.view(6, 1, 1, PIXELS))):
        torch.manual_seed(2)
        losses.append(torch.stack(each.loss(rows[:4], rows[4:], y)))
    torch.testing.assert_close(losses[0], losses[1])
    assert model.generate(model.sample_styles(2), y).shape == (2, 1, 1, PIXELS)
