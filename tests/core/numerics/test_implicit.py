"""The derivative of the angle in the concentration, pointwise and in expectation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from spherical_gae.core.numerics.implicit import angle_velocity, reparameterized_angle
from spherical_gae.core.numerics.marginal import sample_half_tangent
from tests.helpers.angle_law import AngleLaw
from tests.helpers.reference import DIMS, reference

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
PROBABILITIES = np.array([1e-4, 1e-2, 0.1, 0.4, 0.5, 0.6, 0.9, 0.99, 1 - 1e-4])
CONCENTRATIONS = (0.0, 1e-8, 1e-3, 0.3, 1.0, 3.0, 10.0, 20.0, 50.0, 300.0, 1e4, 1e6)


def tolerance(dim, dtype):
    if dtype == torch.float64:
        return 1e-12
    return 1e-5 if dim <= 1000 else 1e-4


@pytest.mark.slow
@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_velocity_pointwise(dim, dtype):
    """From quantile 1e-4 to 1 - 1e-4, and out to where the density has fallen by 40 e-folds and more."""
    for concentration in CONCENTRATIONS:
        kappa = torch.tensor(concentration, dtype=dtype)
        law = AngleLaw(dim, kappa.item())
        points = np.concatenate([law.quantile(PROBABILITIES), law.grid[[400, 800, -800, -400]]]).clip(-40, 40)
        t = torch.tensor(np.exp(points), dtype=dtype)
        expected = law.velocity(np.log(t.double().numpy()))
        got = angle_velocity(kappa.expand(t.shape), t, dim).double().numpy()
        assert np.abs(got / expected - 1).max() < tolerance(dim, dtype), concentration


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 5, 64])
@pytest.mark.parametrize("concentration", [0.0, 1.0, 30.0])
def test_velocity_at_both_poles(dim, dtype, concentration):
    """The tail is a cap there: -(1 - A) theta / (m - 1) near the mean, -(1 + A) (pi - theta) / (m - 1) opposite."""
    length = float(reference(dim, concentration).mean_resultant_length)
    kappa = torch.full((4,), concentration, dtype=dtype)
    t = torch.tensor([1e-18, 1e-8, 1e8, 1e18], dtype=dtype)
    near, far = 2 * (1 - length) / (dim - 1), 2 * (1 + length) / (dim - 1)
    expected = -torch.tensor([near * 1e-18, near * 1e-8, far * 1e-8, far * 1e-18], dtype=dtype)
    torch.testing.assert_close(angle_velocity(kappa, t, dim), expected, rtol=1e-5, atol=0)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 5, 64])
@pytest.mark.parametrize("concentration", [1e12, 1e16, 1e20, 1e30])
def test_velocity_at_huge_concentrations(dim, dtype, concentration):
    """kappa theta^2 / 2 has a fixed law there, so theta moves by -theta / (2 kappa)."""
    kappa = torch.full((100,), concentration, dtype=dtype)
    t = sample_half_tangent(kappa, dim, torch.Generator().manual_seed(0))
    got = angle_velocity(kappa, t, dim)
    torch.testing.assert_close(got, -t / kappa, rtol=2e-5, atol=3e-45)  # subnormal at 1e30 in float32


FUNCTIONS = {
    "identity": lambda w: w,
    "square": lambda w: w * w,
    "exp": torch.exp,
    "sigmoid": lambda w: torch.sigmoid(10 * w),
}


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3, 4, 5, 8, 16, 50, 128])
@pytest.mark.parametrize("concentration", [0.0, 0.5, 5.0, 30.0, 200.0, 1e4])
def test_gradient_of_an_expectation(dim, concentration):
    """The mean gradient of f(mu.z) is dE[f(mu.z)] / dkappa within 5 standard errors."""
    size = 20_000
    kappa = torch.full((size,), concentration, dtype=torch.float64, requires_grad=True)
    t = sample_half_tangent(kappa, dim, torch.Generator().manual_seed(0))
    cosine = 1 - reparameterized_angle(kappa, t, dim)[0]
    law = AngleLaw(dim, concentration)
    for name, f in FUNCTIONS.items():
        (gradient,) = torch.autograd.grad(f(cosine).sum(), kappa, retain_graph=True)
        expected = law.mean_slope(lambda w, f=f: f(torch.from_numpy(w)).numpy())
        error = gradient.std().item() / math.sqrt(size)
        assert abs(gradient.mean().item() - expected) < 5 * error, name


@DTYPES
def test_versine_and_sine_of_the_half_tangent(dtype):
    """1 - cos theta and sin theta keep their relative accuracy from one pole to the other."""
    t = torch.logspace(-18, 18, 37, dtype=torch.float64).to(dtype)
    theta = 2 * torch.atan(t.double())
    versine, sine = reparameterized_angle(torch.ones_like(t), t, 5)
    torch.testing.assert_close(versine.double(), 2 * torch.sin(theta / 2) ** 2, rtol=1e-6, atol=0)
    torch.testing.assert_close(sine.double(), 2 / (t.double() + 1 / t.double()), rtol=1e-6, atol=0)


def test_gradient_reaches_both_outputs():
    """d(1 - cos theta) = sin theta dtheta and d(sin theta) = cos theta dtheta; the sample has no gradient."""
    kappa = torch.tensor([0.5, 3.0, 40.0], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([0.7, 2.0, 0.1], dtype=torch.float64, requires_grad=True)
    versine, sine = reparameterized_angle(kappa, t, 5)
    velocity = angle_velocity(kappa, t, 5)
    (of_versine,) = torch.autograd.grad(versine.sum(), kappa, retain_graph=True)
    torch.testing.assert_close(of_versine, sine * velocity)
    of_sine, of_t = torch.autograd.grad(sine.sum(), (kappa, t), allow_unused=True)
    torch.testing.assert_close(of_sine, (1 - versine) * velocity)
    assert of_t is None


@pytest.mark.parametrize("dim", [2, 3, 5, 16, 128, 1000])
@pytest.mark.parametrize("concentration", [0.5, 10.0, 300.0])
def test_second_derivative(dim, concentration):
    """Against a difference of velocities along the path, which a Runge-Kutta step follows to h^5."""
    t = torch.tensor(np.exp(AngleLaw(dim, concentration).quantile(PROBABILITIES)))

    def velocity(kappa, theta):
        return angle_velocity(torch.full_like(theta, kappa), torch.tan(theta / 2), dim)

    def velocity_after(h):
        start, k = 2 * torch.atan(t), concentration
        first = velocity(k, start)
        second = velocity(k + h / 2, start + h / 2 * first)
        third = velocity(k + h / 2, start + h / 2 * second)
        fourth = velocity(k + h, start + h * third)
        return velocity(k + h, start + h / 6 * (first + 2 * second + 2 * third + fourth))

    kappa = torch.full_like(t, concentration).requires_grad_()
    versine, sine = reparameterized_angle(kappa, t, dim)
    (first,) = torch.autograd.grad(2 * torch.atan2(versine, sine).sum(), kappa, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), kappa)
    h = 2e-3 * concentration
    expected = (8 * (velocity_after(h) - velocity_after(-h)) - velocity_after(2 * h) + velocity_after(-2 * h)) / (
        12 * h
    )
    assert ((second - expected).abs() < 1e-8 * (expected.abs() + first.abs() / concentration)).all()


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 64])
def test_finite_at_the_bounds_of_a_sample(dim, dtype):
    """Twice differentiable without NaN at the smallest and the largest half tangent the sampler returns."""
    bound = torch.finfo(dtype).max ** 0.5 / 4
    t = torch.tensor([1 / bound, bound], dtype=dtype)
    for concentration in (0.0, 1e-8, 1.0, 1e30):
        kappa = torch.full_like(t, concentration).requires_grad_()
        outputs = reparameterized_angle(kappa, t, dim)
        (first,) = torch.autograd.grad(sum(outputs).sum(), kappa, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), kappa)
        assert first.isfinite().all()
        assert second.isfinite().all()
