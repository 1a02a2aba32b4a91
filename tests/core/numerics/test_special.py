"""Accuracy of the scalar functions in every cell of (m, kappa), of their derivatives, and at the extremes."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from mpmath import mp, mpf
from torch.autograd import gradcheck, gradgradcheck
from torch.func import hessian, jacrev, vmap

from spherical_gae.core.numerics import special
from tests.helpers.reference import CONCENTRATIONS, DIMS, reference

# Relative in each cell, absolute where the value is 0; the reference is at the concentration rounded to the dtype.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)

EXACT = {
    special.log_hyp0f1: lambda exact, m, kappa: exact.log_hyp0f1,
    special.log_normalizer: lambda exact, m, kappa: exact.log_normalizer,
    special.log_scaled_normalizer: lambda exact, m, kappa: exact.log_normalizer + kappa,
    special.log_peak_ratio: lambda exact, m, kappa: kappa - exact.log_hyp0f1,
    special.mean_resultant_length: lambda exact, m, kappa: exact.mean_resultant_length,
    special.mean_resultant_deficit: lambda exact, m, kappa: 1 - exact.mean_resultant_length,
    special.mean_resultant_slope: lambda exact, m, kappa: exact.slope,
    special.mean_resultant_ratio: lambda exact, m, kappa: exact.mean_resultant_length / kappa if kappa else 1 / mpf(m),
    special.kl_to_uniform: lambda exact, m, kappa: exact.kl,
}
SLOPES = {
    special.log_hyp0f1: lambda exact, m, kappa: exact.mean_resultant_length,
    special.log_normalizer: lambda exact, m, kappa: -exact.mean_resultant_length,
    special.log_scaled_normalizer: lambda exact, m, kappa: 1 - exact.mean_resultant_length,
    special.mean_resultant_length: lambda exact, m, kappa: exact.slope,
    special.mean_resultant_deficit: lambda exact, m, kappa: -exact.slope,
    special.kl_to_uniform: lambda exact, m, kappa: exact.kl_slope,
}
FUNCTIONS = [pytest.param(f, id=f.__name__) for f in EXACT]
DIFFERENTIABLE = [pytest.param(f, id=f.__name__) for f in SLOPES]


def assert_every_cell(values, dim, kappa, exact, name=""):
    for got, k in zip(values.tolist(), kappa.tolist(), strict=True):
        expected = exact(reference(dim, k), dim, mpf(k))
        assert abs(got - expected) <= TOLERANCE[kappa.dtype] * (abs(expected) or 1), (name, dim, k)


def derivative(function, dim, kappa):
    leaf = kappa.clone().requires_grad_()
    return torch.autograd.grad(function(leaf, dim).sum(), leaf)[0]


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_values(dim, dtype):
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
    for function, exact in EXACT.items():
        assert_every_cell(function(kappa, dim), dim, kappa, exact, function.__name__)


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_derivatives(dim, dtype):
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
    for function, exact in SLOPES.items():
        assert_every_cell(derivative(function, dim, kappa), dim, kappa, exact, function.__name__)


def second_slope(exact, m, kappa):
    """A'', by differentiating Riccati's equation A' = 1 - A^2 - (m - 1) A / kappa."""
    if not kappa:
        return mpf(0)
    length, slope = exact.mean_resultant_length, exact.slope
    return -2 * length * slope - (m - 1) * (slope - length / kappa) / kappa


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 16, 64, 1000])
def test_second_derivatives(dim, dtype):
    """A'' relative to itself; the KL's A' + kappa A'', which changes sign, relative to its two terms."""
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
    assert_every_cell(derivative(special.mean_resultant_slope, dim, kappa), dim, kappa, second_slope)
    leaf = kappa.clone().requires_grad_()
    (first,) = torch.autograd.grad(special.kl_to_uniform(leaf, dim).sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    for got, k in zip(second.tolist(), kappa.tolist(), strict=True):
        terms = reference(dim, k).slope, k * second_slope(reference(dim, k), dim, mpf(k))
        assert abs(got - sum(terms)) <= TOLERANCE[dtype] * sum(map(abs, terms))


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3, 5, 16, 64, 257])
@pytest.mark.parametrize("function", DIFFERENTIABLE)
def test_gradcheck(function, dim):
    kappa = torch.tensor([0.3, 2.0, 31.0, 33.0, 150.0], dtype=torch.float64, requires_grad=True)
    check = partial(function, dim=dim)
    assert gradcheck(lambda k: check(k), kappa, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(lambda k: check(k), kappa)


@pytest.mark.parametrize("function", DIFFERENTIABLE)
def test_function_transforms(function):
    """vmap of jacrev and hessian (forward over reverse mode) agree with autograd taken once and twice."""
    kappa = torch.tensor([0.0, 0.3, 12.0, 40.0], dtype=torch.float64)
    leaf = kappa.clone().requires_grad_()
    (first,) = torch.autograd.grad(function(leaf, 5).sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    torch.testing.assert_close(vmap(jacrev(lambda k: function(k, 5)))(kappa), first)
    torch.testing.assert_close(vmap(hessian(lambda k: function(k, 5)))(kappa), second)


@pytest.mark.parametrize(("dim", "area"), [(1, 2), (2, 2 * math.pi), (3, 4 * math.pi), (4, 2 * math.pi**2)])
def test_sphere_area(dim, area):
    assert math.exp(special.log_sphere_area(dim)) == pytest.approx(area, rel=1e-15)


@pytest.mark.parametrize("dim", [2, 3, 10, 100])
@pytest.mark.parametrize("concentration", [1e12, 1e30, 3e38])
def test_float32_at_huge_concentrations(dim, concentration):
    """To leading order 1 - A = (m - 1) / (2 kappa) and log(C e^kappa) = (m - 1) / 2 log(kappa / 2 pi)."""
    kappa = torch.tensor([concentration])
    half, rounded = (dim - 1) / 2, kappa.item()
    peak = half * (math.log(rounded) - math.log(2 * math.pi))
    close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-44)  # 1 - A is subnormal at 3e38
    close(special.log_scaled_normalizer(kappa, dim), torch.tensor([peak]))
    close(special.kl_to_uniform(kappa, dim), torch.tensor([peak + special.log_sphere_area(dim) - half]))
    close(special.mean_resultant_deficit(kappa, dim), torch.tensor([half / rounded]))
    close(special.mean_resultant_length(kappa, dim), torch.ones(1))
    close(special.log_hyp0f1(kappa, dim), kappa)
    close(derivative(special.log_scaled_normalizer, dim, kappa), torch.tensor([half / rounded]))
    assert derivative(special.kl_to_uniform, dim, kappa).item() <= half / rounded * (1 + 1e-5)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 27, 100])
def test_at_the_smallest_concentrations(dim, dtype):
    """A = kappa / m and KL = L = kappa^2 / (2 m), down to the subnormal numbers."""
    tiny, grain = torch.finfo(dtype).tiny, torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    kappa = torch.tensor([grain, tiny, math.sqrt(tiny) * 1e3], dtype=dtype)
    close = partial(torch.testing.assert_close, rtol=1e-5, atol=grain)
    close(special.mean_resultant_length(kappa, dim), kappa / dim)
    close(special.kl_to_uniform(kappa, dim), kappa * kappa / (2 * dim))
    close(special.log_hyp0f1(kappa, dim), kappa * kappa / (2 * dim))
    close(derivative(special.kl_to_uniform, dim, kappa), kappa / dim)
    close(special.mean_resultant_ratio(kappa, dim), torch.full_like(kappa, 1 / dim))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dim", [3, 100])
def test_nan_stays_nan(function, dim):
    result = function(torch.tensor([1.0, math.nan]), dim)
    assert result.isnan().tolist() == [False, True]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_arguments(function):
    with pytest.raises(TypeError, match=r"concentration must be float32 or float64, got torch\.int64"):
        function(torch.tensor([1]), 3)
    with pytest.raises(TypeError, match=r"concentration must be float32 or float64, got torch\.float16"):
        function(torch.tensor([1.0], dtype=torch.float16), 3)
    for dim in (1, 2.5, True, mp.mpf(3)):
        with pytest.raises(ValueError, match="dim must be an integer of at least 2"):
            function(torch.tensor([1.0]), dim)
