"""The cosine to the mean direction: its density, quantiles and their derivatives, against SciPy and closed forms."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest
from torch.autograd import gradcheck
from torch.func import hessian

from spherical_gae.core import CosineToMean, HypersphericalUniform, PowerSpherical, SphericalCauchy, VonMisesFisher
from tests.helpers.places import direction, tensor

LAWS = {
    "VonMisesFisher": lambda dim: VonMisesFisher(direction("random", dim), 5.0),
    "PowerSpherical": lambda dim: PowerSpherical(direction("random", dim), 5.0),
    "SphericalCauchy": lambda dim: SphericalCauchy(direction("random", dim), 0.5),
}
NAMES = pytest.mark.parametrize("name", LAWS)
PROBABILITIES = tensor([0.001, 0.5, 0.9])


@NAMES
@pytest.mark.parametrize("dim", [3, 8])
def test_density_and_quantiles_fit_each_other(name: str, dim: int) -> None:
    w = CosineToMean(LAWS[name](dim))
    assert (w.batch_shape, w.event_shape) == ((), ())
    quantiles = w.icdf(PROBABILITIES)
    # Gauss-Legendre in the angle, in which the density is smooth.
    nodes, weights = (torch.from_numpy(x) for x in np.polynomial.legendre.leggauss(200))
    for p, value in zip(PROBABILITIES.tolist(), quantiles, strict=True):
        half = 0.5 * (math.pi - value.acos())
        angle = math.pi - half * (1 + nodes)
        mass = (w.log_prob(angle.cos()).exp() * angle.sin() * weights).sum() * half
        assert mass.item() == pytest.approx(p, abs=1e-8)
    torch.testing.assert_close(w.cdf(quantiles), PROBABILITIES, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(w.cdf(tensor([-1.0, 1.0])), tensor([0.0, 1.0]), rtol=0, atol=1e-8)


def test_closed_forms() -> None:
    """(1 + w) / 2 of a Power Spherical distribution is a beta variate; vMF on S^2 is a truncated exponential."""
    values = torch.linspace(-0.99, 0.99, 9, dtype=torch.float64)
    power = CosineToMean(PowerSpherical(direction("e1", 2), 4.0))
    expected = beta(4.5, 0.5).cdf((1 + values.numpy()) / 2)
    np.testing.assert_allclose(power.cdf(values).numpy(), expected, atol=1e-9)
    vmf = CosineToMean(VonMisesFisher(direction("e1", 3), 4.0))
    torch.testing.assert_close(vmf.cdf(values), torch.expm1(4 * (values + 1)) / math.expm1(8), rtol=0, atol=1e-9)


@NAMES
def test_samples_follow_the_distribution_function(name: str) -> None:
    torch.manual_seed(0)
    w = CosineToMean(LAWS[name](4))
    samples = w.sample((5000,))
    assert kstest(samples.numpy(), lambda x: w.cdf(torch.from_numpy(x)).numpy()).pvalue > 0.01
    assert samples.var().item() == pytest.approx(w.variance.item(), rel=0.05)


@NAMES
@pytest.mark.parametrize("dim", [2, 3, 8])
def test_gradients_of_samples_are_those_of_the_mean_and_of_the_concentration_alone(name: str, dim: int) -> None:
    """Within 5 standard errors; the cosine does not depend on the mean direction."""
    torch.manual_seed(0)
    loc = direction("random", dim).requires_grad_()
    raw = tensor(0.5).requires_grad_()
    law = SphericalCauchy(loc, raw) if name == "SphericalCauchy" else type(LAWS[name](dim))(loc, 10 * raw)
    w = CosineToMean(law)
    (expected,) = torch.autograd.grad(w.mean, raw, retain_graph=True)
    samples = CosineToMean(law.expand((20_000,))).rsample()
    of_loc, _ = torch.autograd.grad(samples.sum(), (loc, raw), retain_graph=True, allow_unused=True)
    assert of_loc is None or not of_loc.any()
    parts = torch.stack([torch.autograd.grad(part.mean(), raw, retain_graph=True)[0] for part in samples.split(200)])
    assert abs(parts.mean() - expected) < 5 * parts.std() / math.sqrt(len(parts))


@pytest.mark.parametrize("concentration", [1e7, 1e8])
def test_gradients_of_sharp_float32_samples_are_kept(concentration: float) -> None:
    """Where most cosines round to 1."""
    torch.manual_seed(0)
    kappa = torch.tensor(concentration, requires_grad=True)
    samples = CosineToMean(VonMisesFisher(torch.eye(3)[0], kappa)).rsample((50_000,))
    assert (samples.abs() <= 1).all()
    (slope,) = torch.autograd.grad(samples.double().mean(), kappa)
    # w = 1 - E / kappa, E exponential: five standard errors.
    assert slope.item() * concentration**2 == pytest.approx(1, abs=5 / math.sqrt(50_000))


def test_uniform_distribution_function_has_its_slope_at_the_lower_end() -> None:
    kappa, value = torch.tensor(0.0, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
    cdf = CosineToMean(PowerSpherical(torch.eye(3)[0], kappa)).cdf(value)
    slopes = torch.autograd.grad(cdf, (kappa, value))
    assert slopes[1].item() == pytest.approx(0.5, rel=1e-6)
    assert slopes[0].item() == pytest.approx(0, abs=1e-6)


def test_derivatives() -> None:
    kappa = tensor([2.0, 9.0]).requires_grad_()
    value = tensor([0.3, 0.6]).requires_grad_()

    def both(kappa: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        w = CosineToMean(VonMisesFisher(direction("e1", 5), kappa))
        return w.cdf(value), w.icdf(value)

    assert gradcheck(both, (kappa, value), atol=1e-6)


def test_second_derivatives_of_the_distribution_function() -> None:
    """On S^2 a vMF is a truncated exponential: F(w) = (exp(kappa (w + 1)) - 1) / (exp(2 kappa) - 1)."""

    north = direction("e1", 3)

    def exact(kappa: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return torch.expm1(kappa * (value + 1)) / torch.expm1(2 * kappa)

    def ours(kappa: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return CosineToMean(VonMisesFisher(north, kappa, validate_args=False)).cdf(value)

    for place in ((3.0, 0.3), (0.5, -0.8), (20.0, 0.95)):
        found, expected = (hessian(law, (0, 1))(*map(tensor, place)) for law in (ours, exact))
        for row, other in zip(found, expected, strict=True):
            torch.testing.assert_close(torch.stack(row), torch.stack(other), rtol=1e-4, atol=1e-6)


def test_derivatives_are_those_of_the_density_near_the_ends() -> None:
    """On S^2 a vMF is a truncated exponential, and (1 + w) / 2 of a Power Spherical is beta."""
    value = tensor(1 - 1e-8).requires_grad_()
    w = CosineToMean(VonMisesFisher(direction("e1", 3), 1e8))
    (slope,) = torch.autograd.grad(w.cdf(value), value)
    assert slope.item() == pytest.approx(1e8 * math.exp(-1), rel=1e-5)
    end = tensor(1.0).requires_grad_()
    power = CosineToMean(PowerSpherical(direction("e1", 3), 10.0))
    (slope,) = torch.autograd.grad(power.cdf(end), end, create_graph=True)
    (bend,) = torch.autograd.grad(slope, end)
    # F' = 11 / 2 ((1 + w) / 2)^10, F'' = 55 / 2 ((1 + w) / 2)^9.
    assert (slope.item(), bend.item()) == (pytest.approx(5.5, rel=1e-6), pytest.approx(27.5, rel=1e-6))


def in_dtype(law: Any, dtype: torch.dtype) -> Any:
    width = law.rho if isinstance(law, SphericalCauchy) else law.concentration
    return type(law)(law.loc.to(dtype), width.to(dtype))


@NAMES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_density_at_the_ends_is_its_limit(name: str, dtype: torch.dtype) -> None:
    """On S^2 it is 2 pi times that of x; below 0 to the power of (m - 3) / 2."""
    ends = torch.tensor([-1.0, 1.0], dtype=dtype).requires_grad_()
    law = in_dtype(LAWS[name](3), dtype)
    value = CosineToMean(law).log_prob(ends)
    at_ends = law.log_prob(torch.stack([-law.loc, law.loc])) + math.log(2 * math.pi)
    torch.testing.assert_close(value, at_ends, rtol=1e-5, atol=1e-5)
    (slope,) = torch.autograd.grad(value[1], ends)
    assert slope[1] > 0
    for dim, limit in ((2, math.inf), (5, -math.inf)):
        value = CosineToMean(in_dtype(LAWS[name](dim), dtype)).log_prob(ends)
        (slope,) = torch.autograd.grad(value[1], ends)
        assert (value[1].item(), slope[1].item()) == (limit, limit)


def test_density_of_its_own_samples_is_finite() -> None:
    torch.manual_seed(0)
    for concentration in (1e3, 1e8):
        w = CosineToMean(VonMisesFisher(torch.eye(3)[0], concentration))
        assert w.log_prob(w.sample((100_000,))).isfinite().all()


def test_batches_expand_and_the_mean_direction_plays_no_part() -> None:
    loc = torch.stack([direction("e1", 3), direction("random", 3)])
    w = CosineToMean(VonMisesFisher(loc, 3.0))
    values = w.cdf(tensor(0.2))
    assert values.shape == (2,)
    assert values[0] == values[1]
    assert w.expand((4, 2)).icdf(tensor(0.2)).shape == (4, 2)
    assert w.expand((4, 2)).rsample((3,)).shape == (3, 4, 2)
    assert "CosineToMean(VonMisesFisher(" in repr(w)


def test_what_has_no_angle_is_refused() -> None:
    with pytest.raises(TypeError, match=r"law must be VonMisesFisher, .* got HypersphericalUniform"):
        CosineToMean(HypersphericalUniform(3))  # type: ignore[arg-type]
    circle = CosineToMean(VonMisesFisher(direction("e1", 2), 3.0))
    with pytest.raises(NotImplementedError, match="VonMisesFisher has no table of its angle for m = 2"):
        circle.cdf(tensor(0.5))
    # By default it is not checked once torch has compiled something, which switches that off everywhere.
    circle = CosineToMean(VonMisesFisher(direction("e1", 2), 3.0), validate_args=True)
    with pytest.raises(ValueError, match="within the support"):
        circle.log_prob(tensor(1.5))
