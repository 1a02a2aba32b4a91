"""The acceptance-rejection sample: its law, its gradient with and without the correction."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from scipy.stats import kstest

from spherical_gae.core import VonMisesFisher
from spherical_gae.core.numerics.special import mean_resultant_slope
from spherical_gae.core.rejection import _ProposedAngle, _weight_slope, rejection_sample
from tests.helpers.angle_law import AngleLaw
from tests.helpers.reference import reference

SIZE = 50_000
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
DIMS = pytest.mark.parametrize("dim", [2, 3, 5, 10, 50])
CONCENTRATIONS = pytest.mark.parametrize("concentration", [0.5, 10.0, 50.0])
FUNCTIONS = {"identity": lambda w: w, "square": lambda w: w * w, "exp": torch.exp}


def draw(dim, concentration, size=SIZE, dtype=torch.float64):
    """Samples of vMF(e1, kappa), their weights and the concentration of each, which requires a gradient."""
    kappa = torch.full((size,), concentration, dtype=dtype, requires_grad=True)
    loc = torch.eye(dim, dtype=dtype)[0].expand(size, dim)
    return *rejection_sample(loc, kappa, torch.Generator().manual_seed(0)), kappa


def deviation(gradient, expected):
    """Difference of the mean from its expectation, in standard errors."""
    return abs(gradient.mean().item() - expected) / (gradient.std().item() / math.sqrt(len(gradient)))


def exact_slope(dim, concentration, f):
    return AngleLaw(dim, concentration).mean_slope(lambda w: f(torch.from_numpy(w)).numpy())


@DIMS
@CONCENTRATIONS
def test_law(dim, concentration):
    value, _, _ = draw(dim, concentration)
    value = value.detach()
    torch.testing.assert_close(value.norm(dim=-1), torch.ones(SIZE, dtype=value.dtype))
    mean_direction = torch.eye(dim, dtype=value.dtype)[0]
    u = torch.log((value - mean_direction).norm(dim=-1) / (value + mean_direction).norm(dim=-1))
    assert kstest(u.numpy(), AngleLaw(dim, concentration).cdf).pvalue > 1e-3


@pytest.mark.slow
@DIMS
@CONCENTRATIONS
def test_corrected_gradient_is_unbiased(dim, concentration):
    value, log_weight, kappa = draw(dim, concentration)
    for name, f in FUNCTIONS.items():
        loss, expected = f(value[:, 0]), exact_slope(dim, concentration, f)
        for corrected in (
            loss + loss.detach() * log_weight,
            loss + (loss.detach() - 3) * log_weight,
            loss * log_weight.exp(),
        ):
            assert torch.equal(corrected, loss)
            (gradient,) = torch.autograd.grad(corrected.sum(), kappa, retain_graph=True)
            assert deviation(gradient, expected) < 5, name


@pytest.mark.parametrize("name", ["identity", "square"])
def test_pathwise_gradient_alone_is_biased(name):
    for dim in (3, 10):
        value, _, kappa = draw(dim, 10.0, 200_000)
        (gradient,) = torch.autograd.grad(FUNCTIONS[name](value[:, 0]).sum(), kappa)
        biased = deviation(gradient, exact_slope(dim, 10.0, FUNCTIONS[name])) > 5
        assert biased == (dim == 10)


@DIMS
@CONCENTRATIONS
def test_weight(dim, concentration):
    """Its value is exactly 0, its gradient 0 on average, or everywhere where nothing is rejected."""
    _, log_weight, kappa = draw(dim, concentration)
    assert not log_weight.detach().any()
    (gradient,) = torch.autograd.grad(log_weight.sum(), kappa)
    if dim == 3:
        assert not gradient.any()
    else:
        assert deviation(gradient, 0.0) < 5


@pytest.mark.parametrize("dim", [2, 3, 4, 10, 100])
@pytest.mark.parametrize("concentration", [0.05, 0.5, 10.0, 300.0])
def test_weight_is_the_log_density_ratio(dim, concentration):
    """Against differences of log(g / r) at fixed eps, from the densities themselves in the paper's variables."""
    eps, a = np.linspace(0.02, 0.98, 25), (dim - 1) / 2

    def log_ratio(kappa):
        b = (dim - 1) / (2 * kappa + math.sqrt(4 * kappa**2 + (dim - 1) ** 2))
        w = (1 - (1 + b) * eps) / (1 - (1 - b) * eps)
        # r(w) = beta density of eps times |d eps / dw|, g(w) up to constants.
        log_r = (a - 1) * np.log(eps * (1 - eps)) - np.log(2 * b) + 2 * np.log(1 - (1 - b) * eps)
        log_g = kappa * w + (a - 1) * np.log(1 - w * w) - float(reference(dim, kappa).log_hyp0f1)
        return log_g - log_r, w

    h = 3e-3 * concentration
    near = log_ratio(concentration + h)[0] - log_ratio(concentration - h)[0]
    far = log_ratio(concentration + 2 * h)[0] - log_ratio(concentration - 2 * h)[0]
    expected = torch.from_numpy((8 * near - far) / (12 * h))
    versine = torch.from_numpy(1 - log_ratio(concentration)[1])
    got = _weight_slope(torch.full_like(versine, concentration), versine, dim)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


@DTYPES
@pytest.mark.parametrize("dim", [2, 5, 100])
def test_closed_forms_from_zero_to_large_concentrations(dim, dtype):
    """The angle's velocity, and the weight's slope, whose mean is 0 by quadrature, relative to its absolute mean."""
    tolerance = 1e-5 if dtype == torch.float32 else 1e-10
    for concentration in (0.0, 1e-3, 1.0, 30.0, 1e3, 1e6):
        law = AngleLaw(dim, concentration)
        t = torch.from_numpy(np.exp(law.grid.clip(-40, 40))).to(dtype)
        kappa = torch.full_like(t, concentration).requires_grad_()
        versine, sine = _ProposedAngle.apply(kappa, t, dim)
        (slope,) = torch.autograd.grad(versine.sum(), kappa)
        expected = -sine.detach().square() / math.hypot(2 * concentration, dim - 1)
        torch.testing.assert_close(slope, expected, rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-30)
        weight = _weight_slope(kappa, versine, dim).detach().double().numpy()
        assert abs(law.weights @ weight) <= tolerance * (law.weights @ np.abs(weight)), concentration


@DTYPES
@pytest.mark.parametrize("dim", [2, 5, 100, 1000])
def test_accuracy_of_the_weight(dim, dtype):
    """Relative to the two terms x - A and x (w - x)^2 / (1 + x^2), which are >= 0, in 50 digits."""
    for concentration in (1e-3, 1.0, 30.0, 1e3, 1e6):
        t = torch.from_numpy(np.exp(AngleLaw(dim, concentration).grid[::500].clip(-40, 40))).to(dtype)
        kappa, versine = torch.full_like(t, concentration), 2 * t * t / (1 + t * t)
        exact = mpf(kappa[0].item())
        x = 2 * exact / (dim - 1 + mp.sqrt(4 * exact**2 + (dim - 1) ** 2))
        lead = x - reference(dim, kappa[0].item()).mean_resultant_length
        for got, v in zip(_weight_slope(kappa, versine, dim).tolist(), versine.tolist(), strict=True):
            square = x * (1 - mpf(v) - x) ** 2 / (1 + x * x)
            assert abs(got - (lead - square)) < (1e-5 if dtype == torch.float32 else 1e-11) * (lead + square)


def test_second_derivative_of_the_weighted_loss():
    """d2 E[w] / dkappa2 = A''."""
    value, log_weight, kappa = draw(5, 3.0, 200_000)
    (first,) = torch.autograd.grad((value[:, 0] * log_weight.exp()).sum(), kappa, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), kappa)
    point = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(mean_resultant_slope(point, 5), point)
    assert deviation(second, expected.item()) < 5


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_gradient_in_loc(dim):
    """E[a.z] = A a.mu, whose gradient along the sphere is A times the tangential part of a."""
    generator = torch.Generator().manual_seed(1)
    mu, a = torch.nn.functional.normalize(torch.randn(2, dim, generator=generator, dtype=torch.float64), dim=-1)
    loc = mu.expand(SIZE, dim).clone().requires_grad_()
    value, log_weight = rejection_sample(loc, 4.0, generator)
    (gradient,) = torch.autograd.grad((value @ a + (value @ a).detach() * log_weight).sum(), loc)
    tangent = a - (a @ mu) * mu
    expected = VonMisesFisher(mu, 4.0).mean.norm() * tangent @ tangent
    assert deviation(gradient @ tangent, expected.item()) < 5


@DTYPES
def test_broadcast_dtype_and_generator(dtype):
    loc = torch.eye(4, dtype=dtype)[:3]
    kappa = torch.tensor([[1.0], [20.0]], dtype=dtype)
    first, again = (rejection_sample(loc, kappa, torch.Generator().manual_seed(7)) for _ in range(2))
    assert first.value.shape == (2, 3, 4)
    assert first.log_weight.shape == (2, 3)
    assert first.value.dtype == first.log_weight.dtype == dtype
    assert torch.equal(first.value, again.value)


@pytest.mark.parametrize(
    ("loc", "concentration", "error", "message"),
    [
        (torch.eye(3, dtype=torch.float16), 1.0, TypeError, "loc must be float32 or float64, got torch.float16"),
        (torch.eye(3), torch.ones(3, dtype=torch.float64), TypeError, "concentration must have the dtype"),
        (torch.ones(4, 1), 1.0, ValueError, r"loc must have shape \[..., m\] with m >= 2, got \(4, 1\)"),
        (torch.eye(3), torch.ones(2), ValueError, r"concentration must have a shape that broadcasts .* got \(2,\)"),
        (torch.eye(3), torch.ones(3, 1), ValueError, "squeeze its last axis"),
        (torch.eye(3), -1.0, ValueError, "concentration must be finite and at least 0, got -1.0"),
        (2 * torch.eye(3), 1.0, ValueError, "loc must hold unit vectors"),
    ],
)
def test_bad_input(loc, concentration, error, message):
    # Explicitly: torch.compile, in another test, turns the default off.
    with pytest.raises(error, match=message):
        rejection_sample(loc, concentration, validate_args=True)
