import math
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal, kl_divergence

from spherical_gae.core import PowerSpherical, ProductOfSpheres, ProjectedNormal, SphericalCauchy, VonMisesFisher
from spherical_gae.models.importance import importance_weighted_log_likelihood, widened
from spherical_gae.models.vae import SphericalVAE
from spherical_gae.nn.heads import VonMisesFisherHead
from spherical_gae.nn.mlp import MLP
from spherical_gae.nn.observations import BernoulliObservation, NormalObservation, Observation
from tests.helpers.sphere_quadrature import circle, sphere

STD = 0.5


class FactorAnalysis:
    """x = W z + b + STD e: p(x) = N(b, W W^T + STD^2 I), p(z | x) = N(V W^T (x - b) / STD^2, V)."""

    def __init__(self, widen: float = 1.0, shift: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.randn(4, 2, dtype=torch.float64, generator=generator)
        self.bias = torch.randn(4, dtype=torch.float64, generator=generator)
        self.covariance = (torch.eye(2) + self.weight.t() @ self.weight / STD**2).inverse()
        self.widen, self.shift = widen, shift

    def exact_posterior(self, x: Tensor) -> MultivariateNormal:
        return MultivariateNormal((x - self.bias) @ self.weight @ self.covariance / STD**2, self.covariance)

    def posterior(self, x: Tensor) -> MultivariateNormal:
        exact = self.exact_posterior(x)
        return MultivariateNormal(exact.loc + self.shift, self.widen * self.covariance)

    def prior(self) -> MultivariateNormal:
        return MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))

    def likelihood(self, z: Tensor) -> Distribution:
        return Independent(Normal(z @ self.weight.t() + self.bias, STD), 1)

    def exact(self, x: Tensor) -> Tensor:
        covariance = self.weight @ self.weight.t() + STD**2 * torch.eye(4)
        return torch.as_tensor(stats.multivariate_normal(self.bias.numpy(), covariance.numpy()).logpdf(x.numpy()))


def some_data(rows: int) -> Tensor:
    return 1.5 * torch.randn(rows, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("num_samples", [1, 3, 100])
@pytest.mark.parametrize("max_rows", [1, 7, 16384])
def test_exact_posterior_gives_the_exact_value_from_one_sample_on(num_samples: int, max_rows: int) -> None:
    torch.manual_seed(0)
    model, x = FactorAnalysis(), some_data(5)
    estimate = importance_weighted_log_likelihood(model, x, num_samples, max_rows)
    torch.testing.assert_close(estimate, model.exact(x), rtol=1e-10, atol=1e-10)


def check_unbiased(estimates: Tensor, exact: float) -> None:
    """The estimate of p(x), not of log p(x), is unbiased: independent ones have the mean p(x)."""
    ratio = (estimates.double() - exact).exp()
    error = float(ratio.std()) / math.sqrt(len(ratio))
    assert error < 0.01
    assert abs(float(ratio.mean()) - 1) < 4 * error + 1e-5


def test_wrong_posterior_agrees_within_monte_carlo_error() -> None:
    torch.manual_seed(0)
    model, x = FactorAnalysis(widen=1.6, shift=0.1), some_data(3)
    for row in x:
        estimates = importance_weighted_log_likelihood(model, row.expand(100, 4), num_samples=1000)
        check_unbiased(estimates, float(model.exact(row)))


def test_expected_estimate_grows_from_the_bound_to_the_likelihood() -> None:
    """At K = 1 it is the evidence lower bound log p(x) - KL(q || p(z | x))."""
    torch.manual_seed(0)
    model, x = FactorAnalysis(widen=2.0, shift=0.3), some_data(1)
    exact = float(model.exact(x))
    bound = exact - float(kl_divergence(model.posterior(x), model.exact_posterior(x)))
    values, errors = [], []
    for num_samples in (1, 5, 25, 125):
        estimates = importance_weighted_log_likelihood(model, x.expand(4000, 4), num_samples)
        values.append(float(estimates.mean()))
        errors.append(float(estimates.std()) / math.sqrt(4000))
    assert exact - bound > 10 * errors[0]
    assert abs(values[0] - bound) < 4 * errors[0]
    for i in range(3):
        assert values[i + 1] - values[i] > 4 * math.hypot(errors[i], errors[i + 1])
    assert exact - 0.1 < values[3] < exact + 4 * errors[3]


def test_exact_proposal_mends_a_wrong_posterior() -> None:
    torch.manual_seed(0)
    model, x = FactorAnalysis(widen=0.2, shift=1.0), some_data(5)
    estimate = importance_weighted_log_likelihood(model, x, num_samples=1, proposal=model.exact_posterior)
    torch.testing.assert_close(estimate, model.exact(x), rtol=1e-10, atol=1e-10)


class Encoder(nn.Module):
    """The same wide posterior for all data, which is not the exact one."""

    def __init__(self, coordinates: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.linspace(1, -0.5, coordinates))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.direction.expand(len(x), -1), self.direction.new_zeros(len(x))


def spherical(dim: int, observation: Observation) -> SphericalVAE:
    torch.manual_seed(3)
    decoder = MLP((dim + 1, 16, 6))
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(1.5).add_(0.1 * torch.randn_like(parameter))
    head = VonMisesFisherHead(min_concentration=0.0, initial_concentration=0.8)
    return SphericalVAE(dim, encoder=Encoder(dim + 1), decoder=decoder, head=head, observation=observation)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [None, 0.7, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("observation", [BernoulliObservation(), NormalObservation(0.8)], ids=["bernoulli", "normal"])
@pytest.mark.parametrize(("dim", "rule"), [(1, circle(1000)), (2, sphere(100))], ids=["circle", "sphere"])
def test_spherical_model_agrees_with_quadrature(
    dim: int,
    rule: tuple[Tensor, Tensor],
    observation: Observation,
    dtype: torch.dtype,
    factor: float | None,
) -> None:
    points, weights = rule
    # The prior is uniform: its density times the surface measure.
    weights = weights / weights.sum()
    model = spherical(dim, observation).double()
    x = torch.tensor([[1.0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]], dtype=torch.float64)
    with torch.no_grad():
        exact = (model.likelihood(points).log_prob(x[:, None]) + weights.log()).logsumexp(1)
        # The posterior is a wrong one, so that the agreement is no triviality.
        log_weight = model.likelihood(points).log_prob(x[:, None]) - model.posterior(x[:1]).log_prob(points)
        assert log_weight.std(dim=1).min() > 0.3
    model.to(dtype)
    torch.manual_seed(0)
    proposal = None if factor is None else lambda x: widened(model.posterior(x), factor)
    for row, value in zip(x.to(dtype), exact.tolist(), strict=True):
        estimates = model.log_likelihood(row.expand(100, 6), num_samples=1000, proposal=proposal)
        assert estimates.dtype == dtype
        check_unbiased(estimates, value)


def test_widened_laws() -> None:
    loc = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    wide = widened(VonMisesFisher(loc, torch.tensor([3.0, 500.0])), 4.0)
    assert isinstance(wide, VonMisesFisher)
    assert torch.equal(wide.loc, loc)
    assert wide.concentration.tolist() == [0.75, 125.0]

    power = widened(PowerSpherical(loc, torch.tensor([3.0, 500.0])), 4.0)
    assert isinstance(power, PowerSpherical)
    assert power.concentration.tolist() == [0.75, 125.0]

    projected = widened(ProjectedNormal(loc, torch.tensor([0.5, 1.0, 2.0])), 4.0)
    assert isinstance(projected, ProjectedNormal)
    assert torch.equal(projected.loc, loc)
    assert projected.scale[1].tolist() == [1.0, 2.0, 4.0]

    # What a law was made with stays: one scale, whose mode and divergence are exact, and the sampler.
    one_scale = widened(ProjectedNormal(loc, torch.tensor([[0.5], [1.0]])), 4.0)
    assert one_scale.scale.tolist() == [[1.0] * 3, [2.0] * 3]
    assert torch.equal(one_scale.mode, loc)
    assert widened(VonMisesFisher(loc, 3.0, sampler="exact")).sampler == "exact"

    product = widened(ProductOfSpheres(VonMisesFisher(loc, torch.tensor([3.0, 500.0]))))
    assert isinstance(product, ProductOfSpheres)
    assert product.factors.concentration.tolist() == [1.5, 250.0]

    normal = widened(Independent(Normal(loc, torch.tensor(0.5)), 1), 9.0)
    assert isinstance(normal, Independent)
    assert normal.event_shape == (3,)
    assert torch.equal(normal.mean, loc)
    torch.testing.assert_close(normal.variance, torch.full((2, 3), 9 * 0.25))


def test_widened_with_an_estimate_of_few_samples() -> None:
    """Half of the true variance: the posterior falls short, the widened one is exact."""
    torch.manual_seed(0)
    model, x = FactorAnalysis(widen=0.5), some_data(1).expand(1000, 4)
    exact = float(model.exact(x[:1]))

    def twice(data: Tensor) -> MultivariateNormal:
        return MultivariateNormal(model.posterior(data).loc, 2 * model.posterior(data).covariance_matrix)

    narrow = importance_weighted_log_likelihood(model, x, num_samples=2)
    wide = importance_weighted_log_likelihood(model, x, num_samples=2, proposal=twice)
    assert exact - float(narrow.mean()) > 5 * float(narrow.std()) / math.sqrt(1000)
    torch.testing.assert_close(wide, torch.full_like(wide, exact), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("factor", [0.0, -1.0, math.inf, math.nan])
def test_factors_of_widening_are_checked(factor: float) -> None:
    law = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
    with pytest.raises(ValueError, match=f"factor must be positive and finite, got {factor}"):
        widened(law, factor)


def test_other_laws_cannot_be_widened() -> None:
    law = SphericalCauchy(torch.tensor([1.0, 0.0]), torch.tensor(0.5))
    with pytest.raises(TypeError, match=r"posterior must be .*, got SphericalCauchy"):
        widened(law)


class Prescribed:
    """A normal posterior whose samples are the next rows of a table, chunked or not."""

    def __init__(self, law: Any, table: Tensor) -> None:
        self.law, self.rows = law, iter(table)

    def rsample(self, shape: tuple[int, ...]) -> Tensor:
        return torch.stack([next(self.rows) for _ in range(shape[0])])

    def log_prob(self, z: Tensor) -> Tensor:
        return self.law.log_prob(z)


class Spy(FactorAnalysis):
    """Counts the rows that are decoded at once; the first coordinate of x is its column of the table."""

    def __init__(self, table: Tensor) -> None:
        super().__init__(widen=2.0)
        self.table, self.decoded = table, []

    def posterior(self, x: Tensor) -> Any:
        return Prescribed(super().posterior(x), self.table[:, x[:, 0].long()])

    def likelihood(self, z: Tensor) -> Distribution:
        self.decoded.append(len(z))
        return super().likelihood(z)


@pytest.mark.parametrize("max_rows", [1, 3, 10, 11, 29, 30, 69, 70, 1000])
def test_chunks_change_nothing_and_bound_the_rows(max_rows: int) -> None:
    table = torch.randn(10, 7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x = some_data(7)
    x[:, 0] = torch.arange(7)
    spy, whole = Spy(table), Spy(table)
    estimate = importance_weighted_log_likelihood(spy, x, num_samples=10, max_rows=max_rows)
    expected = importance_weighted_log_likelihood(whole, x, num_samples=10, max_rows=70)
    assert whole.decoded == [70]
    torch.testing.assert_close(estimate, expected, rtol=1e-12, atol=1e-12)
    assert max(spy.decoded) <= max_rows
    assert sum(spy.decoded) == 70
    # By hand, sample by sample.
    law, prior = FactorAnalysis(widen=2.0), spy.prior()
    for i in range(7):
        weights = [
            float(law.likelihood(z[None]).log_prob(x[i]) + prior.log_prob(z) - law.posterior(x[i : i + 1]).log_prob(z))
            for z in table[:, i]
        ]
        assert float(estimate[i]) == pytest.approx(math.log(math.fsum(map(math.exp, weights)) / 10), abs=1e-10)


def test_no_data_gives_no_estimates() -> None:
    model = spherical(2, BernoulliObservation())
    for max_rows in (1, 100):
        assert model.log_likelihood(torch.zeros(0, 6), num_samples=5, max_rows=max_rows).shape == (0,)


def test_impossible_data_has_no_likelihood() -> None:
    """Weights of 0 stay 0 over chunks of samples, and become no nan."""
    model = FactorAnalysis()
    model.weight = torch.zeros(4, 2, dtype=torch.float64)
    x = torch.full((1, 4), 1e200, dtype=torch.float64)
    assert importance_weighted_log_likelihood(model, x, 4, 2).tolist() == [-math.inf]


@pytest.mark.parametrize("value", [0, -1])
@pytest.mark.parametrize("name", ["num_samples", "max_rows"])
def test_arguments_below_one_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got {value}"):
        importance_weighted_log_likelihood(FactorAnalysis(), some_data(1), **{name: value})
