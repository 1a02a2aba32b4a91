"""Pyro takes the distributions as its own: inference against closed forms."""

from collections.abc import Callable, Iterator

import pyro
import pytest
import torch
from pyro import distributions as dist
from pyro import poutine
from pyro.infer import MCMC, NUTS, SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate
from pyro.infer.autoguide import AutoDelta
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, constraints
from torch.nn.functional import normalize

from spherical_gae import VonMisesFisher
from spherical_gae.core import unit_sphere
from tests.helpers.places import direction, directions, seeded

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
KAPPA = 5.0


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    yield
    pyro.clear_param_store()


class OfPyro(VonMisesFisher, dist.TorchDistribution):
    """The distribution with what Pyro's distributions can besides: all that a user has to write."""


@pytest.fixture(scope="module")
def data() -> Tensor:
    return VonMisesFisher(direction("random", 3), KAPPA).sample((20,), seeded(1))


def model(data: Tensor) -> None:
    """A mean direction with a von Mises-Fisher prior, which is conjugate."""
    loc = pyro.sample("loc", OfPyro(direction("e1", 3), 2.0))
    with pyro.plate("data", len(data)):
        pyro.sample("x", OfPyro(loc.expand(len(data), 3), KAPPA, validate_args=False), obs=data)


def guide(data: Tensor) -> None:
    loc = pyro.param("mean_direction", direction("e1", 3), constraint=unit_sphere)
    kappa = pyro.param("kappa", torch.tensor(20.0, dtype=torch.float64), constraint=constraints.positive)
    pyro.sample("loc", OfPyro(loc, kappa))


def posterior(data: Tensor, prior: float = 2.0) -> tuple[Tensor, Tensor]:
    """Mean direction and concentration."""
    resultant = prior * direction("e1", 3) + KAPPA * data.sum(0)
    return normalize(resultant, dim=0), resultant.norm()


@pytest.mark.slow
@pytest.mark.parametrize("elbo", [Trace_ELBO, TraceMeanField_ELBO])
def test_variational_inference_finds_the_conjugate_posterior(elbo: Callable[..., Trace_ELBO], data: Tensor) -> None:
    """By draws, and by the registered divergence; ``pyro.param`` stays on the sphere."""
    svi = SVI(
        model,
        guide,
        pyro.optim.ClippedAdam({"lr": 0.05, "lrd": 0.98}),
        elbo(num_particles=2),
    )
    for _ in range(150):
        svi.step(data)
    loc, kappa = (pyro.param(name).detach() for name in ("mean_direction", "kappa"))
    expected_loc, expected_kappa = posterior(data)
    torch.testing.assert_close(loc.norm(), torch.ones((), dtype=torch.float64))
    assert loc @ expected_loc > 0.995
    assert kappa.item() == pytest.approx(expected_kappa.item(), rel=0.4)


def test_exact_divergence_is_used(data: Tensor) -> None:
    """With the posterior as its guide, the mean-field bound is the evidence: its estimate hardly varies."""
    loc, kappa = posterior(data)

    def exact(data: Tensor) -> None:
        pyro.sample("loc", OfPyro(loc, kappa))

    log_c = OfPyro(direction("e1", 3), torch.stack([torch.tensor(2.0, dtype=torch.float64), kappa])).log_prob(
        direction("e1", 3)
    )
    peak = log_c - torch.stack([torch.tensor(2.0, dtype=torch.float64), kappa])
    of_data = VonMisesFisher(direction("e1", 3), KAPPA).log_prob(direction("e1", 3)) - KAPPA
    evidence = len(data) * of_data + peak[0] - peak[1]
    plain = [-Trace_ELBO().loss(model, exact, data) for _ in range(5)]
    assert plain == pytest.approx([evidence.item()] * 5, rel=1e-9)
    field = torch.tensor([-TraceMeanField_ELBO().loss(model, exact, data) for _ in range(100)])
    assert (field.mean() - evidence).abs() < 4 * field.std() / 10


def test_enumerated_mixture_is_the_sum_over_components() -> None:
    locs, weights = directions(3, 4, seed=2), torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    data = directions(6, 4, seed=3)

    @config_enumerate
    def mixture(data: Tensor) -> None:
        with pyro.plate("data", len(data)):
            k = pyro.sample("k", dist.Categorical(weights))
            pyro.sample("x", OfPyro(locs[k], KAPPA, validate_args=False), obs=data)

    loss = TraceEnum_ELBO(max_plate_nesting=1).loss(mixture, lambda data: None, data)
    expected = MixtureSameFamily(Categorical(weights), VonMisesFisher(locs, KAPPA)).log_prob(data).sum()
    assert -loss == pytest.approx(expected.item(), rel=1e-10)


@pytest.mark.slow
def test_nuts_samples_the_mean_direction(data: Tensor) -> None:
    """Within three standard errors of the closed mean: with a uniform prior the posterior is von Mises-Fisher."""

    def from_normal(data: Tensor) -> None:
        zero = torch.zeros(3, dtype=torch.float64)
        v = pyro.sample("v", dist.Normal(zero, 1.0).to_event(1))
        with pyro.plate("data", len(data)):
            loc = normalize(v, dim=-1).expand(len(data), 3)
            pyro.sample("x", OfPyro(loc, KAPPA, validate_args=False), obs=data)

    mcmc = MCMC(NUTS(from_normal, max_tree_depth=4), num_samples=150, warmup_steps=50, disable_progbar=True)
    mcmc.run(data)
    points = normalize(mcmc.get_samples()["v"], dim=-1)
    loc, kappa = posterior(data, prior=0.0)
    size = pyro.ops.stats.effective_sample_size(points.unsqueeze(0)).clamp(max=150)
    error = (points.mean(0) - VonMisesFisher(loc, kappa).mean).abs()
    assert (error < 3 * points.std(0) / size.sqrt()).all()


def test_param_on_the_sphere_is_fitted(data: Tensor) -> None:
    """Maximum likelihood by Pyro's optimiser is the direction of the sum."""

    def likelihood(data: Tensor) -> None:
        loc = pyro.param("mean_direction", direction("e1", 3), constraint=unit_sphere)
        with pyro.plate("data", len(data)):
            pyro.sample("x", OfPyro(loc.expand(len(data), 3), KAPPA, validate_args=False), obs=data)

    svi = SVI(likelihood, lambda data: None, pyro.optim.Adam({"lr": 0.1}), Trace_ELBO())
    for _ in range(100):
        svi.step(data)
    expected = normalize(data.sum(0), dim=0)
    torch.testing.assert_close(pyro.param("mean_direction").detach(), expected, rtol=0, atol=1e-3)


def test_autodelta_finds_the_mode_of_the_posterior(data: Tensor) -> None:
    """The guide starts at the point of the sphere that a zero vector is mapped to."""
    mode = AutoDelta(model)
    svi = SVI(model, mode, pyro.optim.Adam({"lr": 0.1}), Trace_ELBO())
    for _ in range(100):
        svi.step(data)
    torch.testing.assert_close(mode.median(data)["loc"], posterior(data)[0], rtol=0, atol=1e-3)


def test_traces_have_the_log_density(data: Tensor) -> None:
    trace = poutine.trace(poutine.condition(model, {"loc": direction("random", 3)})).get_trace(data)
    expected = VonMisesFisher(direction("e1", 3), 2.0).log_prob(direction("random", 3))
    expected = expected + VonMisesFisher(direction("random", 3), KAPPA).log_prob(data).sum()
    torch.testing.assert_close(trace.log_prob_sum(), expected)
