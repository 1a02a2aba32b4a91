import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from spherical_gae.core import HypersphericalUniform, PowerSpherical, VonMisesFisher, sampled_kl
from spherical_gae.models import NormalVAE, SphericalVAE, refined_posterior, widened
from spherical_gae.models.vae import VariationalAutoencoder
from spherical_gae.nn import MLP, MLPEncoder, ProductOfSpheresHead, ProjectedNormalHead
from spherical_gae.nn.observations import BernoulliObservation


class Given:
    """A model with a given posterior, prior and likelihood."""

    def __init__(self, posterior: Any, prior: Any, likelihood: Any) -> None:
        self._posterior, self._prior, self.likelihood = posterior, prior, likelihood

    def posterior(self, x: Tensor) -> Any:
        return self._posterior

    def prior(self) -> Any:
        return self._prior


class OnSphere(Distribution):
    """p(x | z) = exp(x . z) c(x): with a uniform prior, p(z | x) = vMF(x / |x|, |x|)."""

    def __init__(self, z: Tensor) -> None:
        super().__init__(z.shape[:-1], z.shape[-1:], validate_args=False)
        self.z = z

    def log_prob(self, x: Tensor) -> Tensor:
        return (self.z * x).sum(-1)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("length", "start"), [(30.0, 300.0), (300.0, 30.0), (2.0, 5.0)])
@pytest.mark.parametrize("dim", [2, 3, 21])
def test_finds_the_true_posterior_on_the_sphere(dim: int, length: float, start: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = length * nn.functional.normalize(torch.randn(50, dim, dtype=dtype), dim=-1)
    wrong = nn.functional.normalize(x / length + 0.3 * torch.randn_like(x) / math.sqrt(dim), dim=-1)
    law = VonMisesFisher(wrong, torch.full((50,), start, dtype=dtype))
    true = VonMisesFisher(x / length, torch.full((50,), length, dtype=dtype))
    model = Given(law, HypersphericalUniform(dim, dtype), OnSphere)
    refined = refined_posterior(model, x, num_steps=200, num_samples=32)
    before, after = kl_divergence(law, true).mean(), kl_divergence(refined, true).mean()
    assert refined.mode.dtype == dtype
    assert before > 0.15
    assert 0 <= after < 0.03


def test_finds_the_true_posterior_of_a_linear_model() -> None:
    """One latent coordinate per observed one: x = z + e / 2, p(z | x) = N(0.8 x, 0.2)."""
    torch.manual_seed(0)
    x = 2 * torch.randn(50, 3)
    wrong = Independent(Normal(0.8 * x + 0.5, torch.tensor([0.1, 0.5, 2.0]).expand(50, 3)), 1)
    prior = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
    model = Given(wrong, prior, lambda z: Independent(Normal(z, 0.5), 1))
    refined = refined_posterior(model, x, num_steps=400, num_samples=32)
    true = Independent(Normal(0.8 * x, math.sqrt(0.2)), 1)
    assert isinstance(refined, Independent)
    assert kl_divergence(wrong, true).mean() > 10
    assert 0 <= kl_divergence(refined, true).mean() < 0.03


def products(dim: int, in_features: int) -> VariationalAutoencoder:
    head = ProductOfSpheresHead(dim // 2)
    width = head.coordinates(dim)
    encoder = MLPEncoder(in_features, (16,), head.parameter_widths(width))
    return VariationalAutoencoder(encoder, head, MLP((width, 16, in_features)), BernoulliObservation(), width)


def some_model(kind: str) -> tuple[VariationalAutoencoder, Tensor]:
    """An untrained model, whose encoder knows nothing of the data."""
    torch.manual_seed(0)
    if kind == "product":
        model = products(4, 64)
    elif kind == "projected":
        model = SphericalVAE(4, in_features=64, hidden_features=(16,), head=ProjectedNormalHead())
    else:
        model = (SphericalVAE if kind == "sphere" else NormalVAE)(4, in_features=64, hidden_features=(16,))
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(3)
    return model.eval(), torch.rand(40, 64).round()


def bound(model: VariationalAutoencoder, law: Any, x: Tensor) -> Tensor:
    z = law.rsample((2000,))
    reconstruction = model.likelihood(z.flatten(0, 1)).log_prob(x.expand(2000, *x.shape).flatten(0, 1))
    return reconstruction.view(2000, -1).mean(0) - sampled_kl(law, model.prior(), z).mean(0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sphere", "product", "normal", "projected"])
def test_bound_and_likelihood_estimate_rise(kind: str) -> None:
    """Few samples of a law that fits estimate more of the likelihood, and never more than there is."""
    model, x = some_model(kind)
    with torch.no_grad():
        start, refined = model.posterior(x), refined_posterior(model, x)
        assert type(refined) is type(start)
        assert (bound(model, refined, x) > bound(model, start, x)).all()
        torch.manual_seed(1)
        exact = model.log_likelihood(x, 200_000, proposal=lambda x: model.prior().expand(x.shape[:1])).mean()
        plain = model.log_likelihood(x, 5).mean()
        better = model.log_likelihood(x, 5, proposal=lambda x: widened(refined_posterior(model, x), 1.2)).mean()
    assert plain + 0.1 < better < exact + 0.05


def test_no_step_is_the_encoders_law() -> None:
    model, x = some_model("sphere")
    refined, law = refined_posterior(model, x, num_steps=0), model.posterior(x)
    torch.testing.assert_close(refined.loc, law.loc)
    torch.testing.assert_close(refined.concentration, law.concentration)
    assert not refined.loc.requires_grad


@pytest.mark.parametrize("kind", ["sphere", "product", "normal", "projected"])
def test_model_is_left_as_it_is(kind: str) -> None:
    model, x = some_model(kind)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    model.loss(x).total.backward()
    grads = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    refined_posterior(model, x, num_steps=2)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    kept = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(grads, kept, strict=True))


def test_other_laws_cannot_be_refined() -> None:
    law = PowerSpherical(torch.tensor([[1.0, 0.0]]), torch.tensor([3.0]))
    model = Given(law, HypersphericalUniform(2), OnSphere)
    with pytest.raises(TypeError, match=r"posterior must be .*, got PowerSpherical"):
        refined_posterior(model, torch.ones(1, 2))


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_steps", -1), ("num_samples", 0), ("learning_rate", 0.0), ("learning_rate", math.inf)],
)
def test_settings_are_checked(name: str, value: float) -> None:
    model, x = some_model("sphere")
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        refined_posterior(model, x, **{name: value})  # type: ignore[arg-type]


def test_zero_concentration_moves() -> None:
    """From the uniform law, where nothing tells one direction from another."""
    x = torch.full((1, 3), 4.0)
    law = VonMisesFisher(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([1e-3]))
    torch.manual_seed(0)
    refined = refined_posterior(Given(law, HypersphericalUniform(3), OnSphere), x, 20)
    assert torch.isfinite(refined.loc).all()
    assert isinstance(refined, VonMisesFisher)
    assert refined.concentration > 2e-3
