import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Tensor

from spherical_gae.nn.observations import BernoulliObservation, NormalObservation, Observation

EVENTS = pytest.mark.parametrize("event", [(5,), (1, 8, 8), (3, 4), ()], ids=str)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def per_point(values: np.ndarray) -> Tensor:
    """Sums over the event."""
    return torch.from_numpy(np.asarray(values)).flatten(1).sum(1) if values.ndim > 1 else torch.from_numpy(values)


@EVENTS
@DTYPES
def test_bernoulli_is_the_sum_over_pixels(event: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    outputs, x = 3 * torch.randn(7, *event, dtype=dtype), torch.randint(2, (7, *event)).to(dtype)
    law = BernoulliObservation()(outputs)
    assert (law.batch_shape, law.event_shape) == ((7,), event)
    p = special.expit(outputs.double().numpy())
    expected = per_point(stats.bernoulli.logpmf(x.double().numpy(), p)).to(dtype)
    torch.testing.assert_close(law.log_prob(x), expected, rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-6)
    torch.testing.assert_close(law.mean, torch.from_numpy(np.asarray(p)).to(dtype))


def test_bernoulli_with_sure_pixels_stays_finite() -> None:
    """log sigmoid(t) is t + O(exp(t)) for t << 0, where the probability itself is 0 or 1 in floating point."""
    outputs = torch.tensor([[200.0, -200.0], [200.0, -200.0]], requires_grad=True)
    log_prob = BernoulliObservation()(outputs).log_prob(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert log_prob.tolist() == [0.0, -400.0]
    log_prob.sum().backward()
    assert outputs.grad.tolist() == [[0, 0], [-1, 1]]  # x - sigmoid(t)


def test_bernoulli_samples_have_the_probabilities_of_their_pixels() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(3, 1, 2, 2)
    ones = BernoulliObservation()(outputs).sample((20_000,)).sum(0).flatten()
    p = special.expit(outputs.double().flatten().numpy())
    z = (ones.double().numpy() - 20_000 * p) / np.sqrt(20_000 * p * (1 - p))
    assert stats.chi2(12).sf(float((z**2).sum())) > 1e-3


@EVENTS
@DTYPES
@pytest.mark.parametrize("std", [1.0, 0.1, 7.0])
def test_normal_is_the_sum_over_coordinates(event: tuple[int, ...], dtype: torch.dtype, std: float) -> None:
    torch.manual_seed(0)
    outputs, x = torch.randn(7, *event, dtype=dtype), torch.randn(7, *event, dtype=dtype)
    law = NormalObservation(std)(outputs)
    assert (law.batch_shape, law.event_shape) == ((7,), event)
    assert law.log_prob(x).dtype == dtype
    expected = per_point(stats.norm.logpdf(x.double().numpy(), outputs.double().numpy(), std)).to(dtype)
    torch.testing.assert_close(law.log_prob(x), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(law.mean, outputs)


def test_gradient_of_a_learnable_standard_deviation() -> None:
    """d log N(x; mu, s^2) / d log s = ((x - mu) / s)^2 - 1, summed; zero at the root mean square of the errors."""
    torch.manual_seed(0)
    outputs, x = torch.randn(6, 1, 8, 8, dtype=torch.float64), torch.randn(6, 1, 8, 8, dtype=torch.float64)
    observation = NormalObservation(0.7, learnable=True).double()
    observation(outputs).log_prob(x).sum().backward()
    expected = (((x - outputs) / 0.7).square() - 1).sum()
    torch.testing.assert_close(observation.log_std.grad, expected, rtol=1e-6, atol=0)
    best = NormalObservation(float((x - outputs).square().mean().sqrt()), learnable=True).double()
    best(outputs).log_prob(x).mean().backward()
    assert abs(float(best.log_std.grad)) < 1e-5


@pytest.mark.parametrize("learnable", [False, True])
def test_training_moves_a_learnable_standard_deviation_only(learnable: bool) -> None:
    torch.manual_seed(0)
    observation, outputs = NormalObservation(1.0, learnable), torch.zeros(500, 3, requires_grad=True)
    x = 0.2 * torch.randn(500, 3)
    optimizer = torch.optim.Adam(observation.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        (-observation(outputs).log_prob(x).mean()).backward()
        optimizer.step()
    expected = float(x.square().mean().sqrt()) if learnable else 1.0
    assert math.exp(float(observation.log_std.detach())) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("std", [0.0, -1.0, math.inf, math.nan])
def test_standard_deviation_out_of_range_is_refused(std: float) -> None:
    with pytest.raises(ValueError, match=f"std must be positive and finite, got {std}"):
        NormalObservation(std)


def test_base_class_has_no_law() -> None:
    with pytest.raises(NotImplementedError):
        Observation()(torch.zeros(2, 3))
