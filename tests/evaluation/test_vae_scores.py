import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import kl_divergence

from spherical_gae.evaluation.vae_scores import score_vae
from spherical_gae.models import NormalVAE, SphericalVAE

KINDS = [NormalVAE, SphericalVAE]


def make_model(kind: Any) -> Any:
    """A tiny model, untrained but with posteriors that are not all the same."""
    torch.manual_seed(0)
    model = kind(2, 6, (5,)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    return model


def make_data(num_points: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(num_points, 6, generator=generator) < 0.3).float()


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """The mean and its standard error."""
    tensor = torch.tensor(values, dtype=torch.float64)
    return tensor.mean().item(), tensor.std().item() / math.sqrt(len(values))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_scores_are_those_of_the_models_parts(kind: Any) -> None:
    model, x = make_model(kind), make_data(50)
    scores = score_vae(model, x, num_samples=20, seed=3)

    torch.manual_seed(3)
    posterior, prior = model.posterior(x), model.prior()
    reconstruction = model.likelihood(posterior.rsample()).log_prob(x).mean().item()
    kl = kl_divergence(posterior, model.head.prior(posterior)).mean().item()
    z = posterior.rsample((20,))
    log_p = torch.stack([model.likelihood(sample).log_prob(x) for sample in z]).double()
    log_weight = log_p + prior.log_prob(z) - posterior.log_prob(z)
    log_likelihood = log_weight.exp().mean(0).log().mean().item()

    assert scores == pytest.approx((log_likelihood, reconstruction - kl, reconstruction, kl), rel=1e-5)
    assert scores.bound == pytest.approx(scores.reconstruction - scores.kl, rel=1e-12)


@torch.no_grad()
def test_kl_of_normal_posteriors_is_the_closed_form() -> None:
    model, x = make_model(NormalVAE), make_data(30)
    posterior = model.posterior(x)
    variance = posterior.variance
    expected = 0.5 * (posterior.mean.square() + variance - 1 - variance.log()).sum(-1).mean().item()
    assert expected > 0.1
    assert score_vae(model, x, num_samples=1).kl == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_parts_of_the_data_count_by_their_size(kind: Any) -> None:
    """4096 points of one sort and 904 of another: a plain mean of the parts' means is far off."""
    model = make_model(kind)
    x = torch.zeros(5000, 6)
    x[4096:] = 1
    scores = score_vae(model, x, num_samples=1, seed=5)
    kls = kl_divergence(model.posterior(x), model.prior()).double()
    assert scores.kl == pytest.approx(kls.mean().item(), rel=1e-5)
    assert abs((kls[0] + kls[-1]).item() / 2 - scores.kl) > 0.05 * scores.kl

    torch.manual_seed(5)
    total = sum(model.loss(part).reconstruction.double() * len(part) for part in (x[:4096], x[4096:]))
    assert scores.reconstruction == pytest.approx(total.item() / 5000, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_splitting_changes_nothing_in_expectation(kind: Any) -> None:
    """100 points 50 times, in two parts, are as good as 50 seeds."""
    model, x = make_model(kind), make_data(100)
    single = [score_vae(model, x, num_samples=5, seed=seed) for seed in range(1, 51)]
    split = score_vae(model, x.repeat(50, 1), num_samples=5)
    for name in ("log_likelihood", "bound", "reconstruction"):
        mean, error = mean_and_error([getattr(scores, name) for scores in single])
        assert 0 < error < 0.05
        # Both are means of 5000 samples.
        assert abs(getattr(split, name) - mean) < 4 * math.sqrt(2) * error
    assert all(scores.kl == pytest.approx(split.kl, rel=1e-5) for scores in single)


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_gives_the_bound_and_many_give_more(kind: Any) -> None:
    model, x = make_model(kind), make_data(500)
    gaps: dict[int, list[float]] = {1: [], 100: []}
    for num_samples, found in gaps.items():
        for seed in range(15):
            scores = score_vae(model, x, num_samples, seed)
            found.append(scores.log_likelihood - scores.bound)
    mean, error = mean_and_error(gaps[1])
    assert abs(mean) < 4 * error
    assert min(gaps[100]) > 0.05


def test_seed_decides_and_callers_generator_is_left_alone() -> None:
    model, x = make_model(SphericalVAE), make_data(20)
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = score_vae(model, x, num_samples=3, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    assert score_vae(model, x, num_samples=3, seed=7) == first
    other = score_vae(model, x, num_samples=3, seed=8)
    assert other.reconstruction != first.reconstruction
    assert other.log_likelihood != first.log_likelihood
    assert score_vae(model, x, num_samples=3) == score_vae(model, x, num_samples=3, seed=0)


def test_accelerators_are_not_reseeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data are on the CPU: other devices' generators have nothing to do with it."""
    monkeypatch.setattr(torch, "manual_seed", lambda _: pytest.fail("reseeded every device"))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda _: pytest.fail("reseeded every GPU"))
    torch.default_generator.manual_seed(0)
    scores = score_vae(NormalVAE(2, 6, (5,)), make_data(5), num_samples=2)
    assert scores.bound < 0


def test_scores_are_plain_numbers() -> None:
    scores = score_vae(make_model(NormalVAE), make_data(5), num_samples=2)
    assert [type(value) for value in scores] == [float] * 4


@pytest.mark.parametrize("training", [True, False])
def test_model_is_scored_in_evaluation_mode_and_left_in_its_own(training: bool) -> None:
    model, x = make_model(NormalVAE), make_data(5)
    expected = score_vae(model.eval(), x, num_samples=2)
    model.encoder = nn.Sequential(nn.Dropout(0.9), model.encoder)
    assert score_vae(model.train(training), x, num_samples=2) == expected
    assert model.training is training
