"""The tabulated quantile: its certificate, and its values and both derivatives between the knots.

The concentrations are no knots of any table; the reference is the tests' own quadrature, ``angle_law.py``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch._subclasses.fake_tensor import FakeTensorMode

from spherical_gae.core import VonMisesFisher
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.angle_table import angle_table, tabulated_angle
from spherical_gae.core.numerics.implicit import angle_velocity, reparameterized_angle
from spherical_gae.core.numerics.special import kl_to_uniform
from tests.helpers.angle_law import AngleLaw
from tests.helpers.places import DTYPES, seeded

CPU = torch.device("cpu")
DIMS = (3, 4, 5, 8, 11, 16, 31, 32, 64, 257, 1000, 65536)
LAWS = [(VonMisesFisherAngle, dim) for dim in DIMS] + [(PowerSphericalAngle, dim) for dim in (2, *DIMS)]
CONCENTRATIONS = (0.0, 1e-3, 0.37, 7.7, 60.0, 1e4, 1e6)


def at(concentration, dim, dtype, scores=None, family=VonMisesFisherAngle):
    """kappa, the normal scores, and the angle there."""
    score = torch.linspace(-4.5, 4.5, 31, dtype=dtype) if scores is None else torch.tensor(scores, dtype=dtype)
    kappa = torch.full_like(score, concentration).requires_grad_()
    return kappa, score, tabulated_angle(kappa, score, family, dim)


@pytest.mark.slow
@DTYPES
@pytest.mark.parametrize(("family", "dim"), LAWS)
def test_certificate(family, dim, dtype):
    """What the build measured: at most 7e-9 and 2.1e-6 in float32, 3e-11 and 2.6e-8 in float64."""
    table = angle_table(family, dim, dtype, CPU)
    single = dtype == torch.float32
    assert table.cdf_error < (1e-8 if single else 1e-10)
    assert table.slope_error < (2e-5 if single else 1e-7)
    assert table.cells.dtype == dtype
    assert table.cells.shape[0] == table.rows * table.columns


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_distribution_function(dim, dtype):
    """Off by at most 1e-10 in float64 and by 1e-7 (1 + sqrt(m)) in float32, the rounding of y."""
    for concentration in CONCENTRATIONS:
        kappa, score, angle = at(concentration, dim, dtype)
        log_half_tangent = np.log(angle.half_tangent.detach().double().numpy())
        reached = AngleLaw(dim, kappa[0].item()).cdf(log_half_tangent)
        tolerance = 1e-10 if dtype == torch.float64 else 1e-7 * (1 + math.sqrt(dim))
        assert np.abs(reached - special.ndtr(score.double().numpy())).max() < tolerance, concentration


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 4, 8, 11, 64, 1000])
def test_distribution_function_of_the_power_spherical_law(dim, dtype):
    """x / 2 follows Beta(a, a + kappa)."""
    a = (dim - 1) / 2
    for concentration in CONCENTRATIONS:
        kappa, score, angle = at(concentration, dim, dtype, family=PowerSphericalAngle)
        share = special.expit(2 * angle.half_tangent.detach().double().log().numpy())
        reached = special.betainc(a, a + kappa[0].item(), share)
        tolerance = 1e-10 if dtype == torch.float64 else 1e-7 * (1 + math.sqrt(dim))
        assert np.abs(reached - special.ndtr(score.double().numpy())).max() < tolerance, concentration


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_velocity(dim, dtype):
    """dtheta / dkappa, relative; measured: 1.2e-5 in float32 and 1.5e-7 in float64, largest for m = 3, 4 and 11."""
    for concentration in CONCENTRATIONS:
        kappa, _, angle = at(concentration, dim, dtype)
        expected = AngleLaw(dim, kappa[0].item()).velocity(np.log(angle.half_tangent.detach().double().numpy()))
        error = np.abs(angle.velocity.detach().double().numpy() / expected - 1)
        assert error.max() < (2e-5 if dtype == torch.float32 else 3e-7), concentration


@pytest.mark.parametrize(("family", "dim"), LAWS)
def test_velocity_is_the_derivative_of_the_angle(family, dim):
    """By autograd through the spline: dt / dkappa = (1 + t^2) / 2 dtheta / dkappa, to rounding."""
    for concentration in CONCENTRATIONS:
        kappa, _, angle = at(concentration, dim, torch.float64, family=family)
        (slope,) = torch.autograd.grad(angle.half_tangent.sum(), kappa)
        t = angle.half_tangent.detach()
        torch.testing.assert_close(slope, 0.5 * (1 + t * t) * angle.velocity.detach(), rtol=1e-10, atol=0)


@DTYPES
@pytest.mark.parametrize("dim", [3, 4, 5, 8, 11, 16, 64, 257, 1000])
def test_second_derivative(dim, dtype):
    """By autograd through the velocity, against the exact velocity along the path; the median's relative error.

    Measured: 2.4e-4 in float32 and 1.1e-6 in float64, at large m and small kappa; the largest 9e-3 and 3e-5.
    """
    for concentration in (0.37, 7.7, 60.0, 1e4):
        kappa, _, angle = at(concentration, dim, dtype)
        (second,) = torch.autograd.grad(angle.velocity.sum(), kappa)
        exact_kappa = kappa.detach().double().requires_grad_()
        versine, sine = reparameterized_angle(exact_kappa, angle.half_tangent.detach().double(), dim)
        velocity = angle_velocity(exact_kappa, versine / sine, dim)
        (expected,) = torch.autograd.grad(velocity.sum(), exact_kappa)
        error = (second - expected).abs() / expected.abs()
        assert error.median() < (5e-4 if dtype == torch.float32 else 2e-6), concentration


@DTYPES
@pytest.mark.parametrize(
    ("family", "dim"), [(VonMisesFisherAngle, 3), (VonMisesFisherAngle, 64), (PowerSphericalAngle, 3)]
)
def test_outputs_are_of_one_angle(family, dim, dtype):
    """cos and sin of the half tangent, at every score the normal generator can return."""
    for concentration in (0.0, 7.7, 1e4):
        _, _, angle = at(concentration, dim, dtype, scores=[-6.6, -3.0, -0.5, 0.0, 1.0, 3.0, 6.6], family=family)
        t = angle.half_tangent.double()
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(angle.cosine.double(), (1 - t * t) / (1 + t * t), rtol=0, atol=4 * eps)
        torch.testing.assert_close(angle.sine.double(), 2 / (t + 1 / t), rtol=4 * eps, atol=0)
        assert (angle.half_tangent.diff() > 0).all()
        assert (angle.velocity < 0).all()


@DTYPES
@pytest.mark.parametrize(
    ("family", "dim"), [(VonMisesFisherAngle, 3), (VonMisesFisherAngle, 64), (PowerSphericalAngle, 2)]
)
def test_extremes(family, dim, dtype):
    """Finite from kappa = 0 to 1e30 and at the largest scores, with derivatives."""
    for concentration in (0.0, 1e-30, 1e10, 1e30):
        reach = 6.66 if dtype == torch.float32 else 8.57
        kappa, _, angle = at(concentration, dim, dtype, scores=[-reach, 0.0, reach], family=family)
        assert all(part.isfinite().all() for part in angle)
        (slope,) = torch.autograd.grad(sum(part.sum() for part in angle), kappa)
        # On the circle, the angle itself underflows in float32.
        assert slope[angle.half_tangent > 0].isfinite().all()
        if concentration == 1e30:  # x kappa has a fixed law, so theta moves by -theta / (2 kappa)
            expected = -angle.half_tangent / kappa
            torch.testing.assert_close(angle.velocity, expected, rtol=1e-5, atol=1e-44)


@DTYPES
@pytest.mark.parametrize("concentration", [0.0, 2.0, 1e30])
def test_nan_stays_where_it_is(concentration, dtype):
    kappa = torch.tensor([concentration, math.nan, 3.0], dtype=dtype)
    score = torch.tensor([0.5, 0.5, math.nan], dtype=dtype)
    for part in tabulated_angle(kappa, score, VonMisesFisherAngle, 5):
        assert part.isnan().tolist() == [False, True, True]


@DTYPES
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)], ids=str)
def test_shape(shape, dtype):
    """And an element's value does not depend on the shape, nor on strides."""
    kappa = (
        torch.linspace(0, 5, math.prod(shape), dtype=dtype)
        .reshape(shape[::-1])
        .permute(tuple(reversed(range(len(shape)))))
    )
    score = torch.randn(shape, dtype=dtype, generator=seeded())
    angle = tabulated_angle(kappa, score, VonMisesFisherAngle, 5)
    flat = tabulated_angle(kappa.reshape(-1), score.reshape(-1), VonMisesFisherAngle, 5)
    for part, expected in zip(angle, flat, strict=True):
        assert (part.shape, part.dtype) == (shape, dtype)
        assert torch.equal(part.reshape(-1), expected)


def test_built_once():
    first = angle_table(VonMisesFisherAngle, 5, torch.float32, CPU)
    assert angle_table(VonMisesFisherAngle, 5, torch.float32, CPU) is first
    assert angle_table(PowerSphericalAngle, 5, torch.float32, CPU) is not first
    assert angle_table(VonMisesFisherAngle, 5, torch.float64, CPU).cells.dtype == torch.float64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dim", "concentration", "millions"),
    [
        *[(4, 0.37, 1), (4, 7.7, 10), (4, 61.0, 1), (5, 3.3, 1), (8, 0.0, 1), (8, 23.0, 10)],
        *[(11, 1.7, 1), (16, 9.1, 10), (64, 33.0, 1), (64, 1.3e4, 10), (257, 140.0, 1), (1000, 777.0, 10)],
    ],
)
def test_millions_of_samples(dim, concentration, millions):
    """Even ten million do not tell the law from the exact one, in float32."""
    kappa = torch.full((1_000_000,), concentration)
    law, generator, reached = AngleLaw(dim, kappa[0].item()), seeded(dim), []
    for _ in range(millions):
        score = torch.randn(1_000_000, generator=generator)
        half_tangent = tabulated_angle(kappa, score, VonMisesFisherAngle, dim).half_tangent
        reached.append(law.cdf(half_tangent.double().log().numpy()))
    p = stats.ks_1samp(np.concatenate(reached), stats.uniform.cdf).pvalue
    assert p > 1e-4


OPERANDS = {
    "contiguous": lambda: torch.rand(3, 4),
    "transposed": lambda: torch.rand(3, 4).T,
    "expanded": lambda: torch.rand(3, 1).expand(3, 4),
    "empty": lambda: torch.rand(0, 2),
    "scalar": lambda: torch.rand(()),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operand", OPERANDS)
def test_operator_for_compiled_graphs(operand):
    """Its schema, its fake results and their strides, by torch's own check; and its values."""
    kappa = OPERANDS[operand]()
    score = torch.randn(kappa.shape, generator=seeded())
    operator = torch.ops.spherical_gae.value.default
    torch.library.opcheck(operator, ([kappa, score], "tabulated_angle", "VonMisesFisherAngle", 10))
    torch.testing.assert_close(
        operator([kappa, score], "tabulated_angle", "VonMisesFisherAngle", 10),
        list(tabulated_angle(kappa, score, VonMisesFisherAngle, 10)),
    )
    torch.library.opcheck(operator, ([kappa], "divergence_to_uniform", "VonMisesFisherAngle", 10))


def test_scores_beyond_the_reach_are_clamped():
    kappa = torch.full((4,), 10.0)
    angle = tabulated_angle(kappa, torch.tensor([6.99, 7.01, 7.5, 100.0]), VonMisesFisherAngle, 16)
    assert (angle.half_tangent.diff() >= 0).all()
    torch.testing.assert_close(angle.half_tangent[1:], angle.half_tangent[1].expand(3))


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, FakeTensorMode], ids=lambda m: m.__name__)
def test_a_table_may_be_built_in_any_mode(mode):
    """And then serves samples, divergences and their second derivatives."""
    dim = {torch.inference_mode: 37, torch.no_grad: 38, FakeTensorMode: 39}[mode]
    with mode():
        VonMisesFisher(torch.ones(3, dim) / dim**0.5, torch.ones(3), validate_args=False).rsample()
        kl_to_uniform(torch.ones(3), dim)
    kappa = torch.ones(3, requires_grad=True)
    sample = VonMisesFisher(torch.ones(3, dim) / dim**0.5, kappa).rsample()
    loss = sample[:, 0].sum() + kl_to_uniform(kappa, dim).sum()
    (first,) = torch.autograd.grad(loss, kappa, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), kappa)
    assert second.isfinite().all()
