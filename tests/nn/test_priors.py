"""Priors that are learned with a model."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from spherical_gae.core import HypersphericalUniform, VonMisesFisher, sampled_kl
from spherical_gae.models import SphericalVAE, VariationalAutoencoder
from spherical_gae.nn import (
    MLP,
    BernoulliObservation,
    LatentHead,
    MixturePrior,
    MLPEncoder,
    NormalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    VampPrior,
    VonMisesFisherHead,
)

HEADS = pytest.mark.parametrize("head", [ProjectedNormalHead(), VonMisesFisherHead()], ids=["projected normal", "vmf"])


def model_with(prior: MixturePrior | VampPrior, head: LatentHead) -> SphericalVAE:
    return SphericalVAE(2, 16, (8,), head=head, prior=prior).double()


@HEADS
def test_mixture_is_that_of_its_components(head: LatentHead) -> None:
    """log p(z) by hand from weights and components."""
    torch.manual_seed(0)
    prior = MixturePrior(4, 3, head)
    torch.nn.init.normal_(prior.logits)
    model = model_with(prior, head)
    z = HypersphericalUniform(3, torch.float64).sample((50,))
    components = head(*prior.parameters_of_components)
    expected = torch.logsumexp(prior.logits.log_softmax(0) + components.log_prob(z.unsqueeze(1)), 1)
    torch.testing.assert_close(model.prior().log_prob(z), expected)
    assert prior.parameters_of_components[0].std(0).min() > 0.1  # apart


@HEADS
def test_mixture_starts_wide(head: LatentHead) -> None:
    """Points anywhere on S^40 have a density of the order of the uniform one; narrow components left exp(-29) of it."""
    torch.manual_seed(0)
    prior, uniform = MixturePrior(100, 41, head)(lambda x: x), HypersphericalUniform(41)
    z = uniform.sample((2000,))
    assert (prior.log_prob(z) - uniform.log_prob(z)).mean() > -5


@HEADS
def test_components_of_a_vamp_prior_are_posteriors(head: LatentHead) -> None:
    torch.manual_seed(0)
    start = torch.rand(4, 16)
    prior = VampPrior(4, (16,), start)
    # NumPy's images are float64.
    assert VampPrior(4, (16,), start.double()).raw_inputs.equal(prior.raw_inputs)
    model = model_with(prior, head)
    torch.testing.assert_close(torch.sigmoid(prior.raw_inputs).float(), start.clamp(0.01, 0.99))
    z = HypersphericalUniform(3, torch.float64).sample((50,))
    components = model.posterior(torch.sigmoid(prior.raw_inputs))
    expected = torch.logsumexp(components.log_prob(z.unsqueeze(1)), 1) - math.log(4)
    torch.testing.assert_close(model.prior().log_prob(z), expected)


@HEADS
@pytest.mark.parametrize("kind", ["mixture", "vamp"])
def test_every_weight_of_the_prior_is_trained(head: LatentHead, kind: str) -> None:
    torch.manual_seed(0)
    prior = MixturePrior(3, 3, head) if kind == "mixture" else VampPrior(3, (16,))
    model = model_with(prior, head)
    x = torch.rand(20, 16).round().double()
    for num_samples in (1, 3):
        model.zero_grad()
        model.loss(x, num_samples=num_samples).total.backward()
        assert all(p.grad.abs().max() > 0 for p in prior.parameters())


def test_divergence_to_a_mixture_is_unbiased() -> None:
    """Mean of the estimate by draws against the mean log ratio, and for one component the closed form."""
    torch.manual_seed(0)
    head = VonMisesFisherHead()
    prior = model_with(MixturePrior(3, 3, head), head).prior()
    q = VonMisesFisher(torch.eye(3, dtype=torch.float64), 5.0)
    z = q.sample((200_000,))
    estimate, plain = sampled_kl(q, prior, z), q.log_prob(z) - prior.log_prob(z)
    assert ((estimate - plain).mean(0).abs() < 5 * (estimate - plain).std(0) / math.sqrt(len(z))).all()
    single = MixturePrior(1, 3, head).double()
    other = head(*single.parameters_of_components)
    estimate = sampled_kl(q, single(lambda x: x), z)
    exact = kl_divergence(q, VonMisesFisher(other.loc[0], other.concentration[0]))
    assert ((estimate.mean(0) - exact).abs() < 5 * estimate.std(0) / math.sqrt(len(z))).all()


@pytest.mark.parametrize("kind", ["product", "normal"])
def test_any_head_has_a_learned_prior(kind: str) -> None:
    """The loss by draws, against Monte Carlo over log q(z) - log p(z)."""
    torch.manual_seed(0)
    if kind == "product":
        head: LatentHead = ProductOfSpheresHead(2)
        model: VariationalAutoencoder = SphericalVAE(4, 16, (8,), head=head, prior=MixturePrior(3, 6, head))
    else:
        encoder, decoder = MLPEncoder(16, (8,), (4, 4)), MLP((4, 8, 16))
        model = VariationalAutoencoder(
            encoder, NormalHead(), decoder, BernoulliObservation(), latent_features=4, prior=VampPrior(3, (16,))
        )
    model.double()
    x = torch.rand(5, 16).round().double()
    model.loss(x).total.backward()
    assert all(p.grad.abs().max() > 0 for p in model.learned_prior.parameters())
    with torch.no_grad():
        q, p = model.posterior(x), model.prior()
        z = q.sample((50_000,))
        difference = sampled_kl(q, p, z) - (q.log_prob(z) - p.log_prob(z))
    assert (difference.mean(0).abs() < 5 * difference.std(0) / math.sqrt(len(z)) + 1e-12).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MixturePrior(0, 3, VonMisesFisherHead()), "num_components must be at least 1, got 0"),
        (lambda: VampPrior(0, (4,)), "num_components must be at least 1, got 0"),
        (lambda: VampPrior(2, (4,), torch.rand(2, 5)), r"start must have shape \(2, 4\), got \(2, 5\)"),
        (lambda: VampPrior(1, (2,), torch.tensor([[0.0, 255.0]])), r"start must be in \[0, 1\], got 0.0 to 255.0"),
    ],
)
def test_wrong_arguments_are_named(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def images(count: int) -> Tensor:
    return torch.rand(count, 16, dtype=torch.float64).round()


@HEADS
def test_more_samples_raise_the_bound_to_the_likelihood(head: LatentHead) -> None:
    """On average over data: bound of 1 sample < of 5 < of 50 <= log p(x), each unbiased by its formula."""
    torch.manual_seed(0)
    model = SphericalVAE(2, 16, (8,), head=head).double()
    x = images(5).repeat(400, 1)
    with torch.no_grad():
        one, five, fifty = (-model.loss(x, num_samples=k).total for k in (1, 5, 50))
        exact = model.log_likelihood(x[:5], num_samples=20_000).mean()
    assert one < five < fifty < exact + 0.01
    weighted = model.loss(x, num_samples=5)
    assert weighted.total.isclose(weighted.kl - weighted.reconstruction)
    with pytest.raises(ValueError, match=r"^num_samples must be at least 1, got 0"):
        model.loss(x, num_samples=0)
