"""The divergence as a function of autograd: both orders and modes, against mpmath and against each other."""

from __future__ import annotations

import pytest
import torch
from mpmath import mp, mpf
from torch.autograd import gradcheck, gradgradcheck
from torch.func import hessian, jacfwd, jacrev, jvp, vmap

from spherical_gae.core.numerics.angle_family import PowerSphericalAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.kl_table import tabulated_kl
from spherical_gae.core.numerics.kl_to_uniform import _Divergence, divergence_to_uniform
from tests.helpers.places import DTYPES
from tests.helpers.reference import reference

FAMILIES = pytest.mark.parametrize("family", [VonMisesFisherAngle, PowerSphericalAngle])
CONCENTRATIONS = (0.0, 1e-6, 1e-3, 0.1, 0.7, 2.0, 9.0, 40.0, 300.0, 1e4, 1e6)


def exact(family, dim, kappa):
    """The divergence and its first two derivatives."""
    m, s = mpf(dim), mpf(kappa)
    if family is VonMisesFisherAngle:
        value = reference(dim, kappa)
        length, slope = value.mean_resultant_length, value.slope
        bend = -2 * length * slope - (m - 1) * (slope - length / s) / s if kappa else mpf(0)
        return value.kl, value.kl_slope, slope + s * bend
    a = (m - 1) / 2
    with mp.workdps(100):
        gap = [mp.psi(n, a + s) - mp.psi(n, 2 * a + s) for n in range(3)]
        log_ratio = mp.loggamma(2 * a + s) - mp.loggamma(a + s) + mp.loggamma(a) - mp.loggamma(2 * a)
        return s * gap[0] + log_ratio, s * gap[1], gap[1] + s * gap[2]


def derivatives(kappa, family, dim):
    leaf = kappa.clone().requires_grad_()
    value = divergence_to_uniform(leaf, family, dim)
    (first,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    return value.detach(), first.detach(), second


def worst(family, dim, dtype):
    """Largest relative errors; the second derivative crosses 0, so its is over the larger of it and slope / kappa."""
    kappa, errors = torch.tensor(CONCENTRATIONS, dtype=dtype), [0.0] * 3
    for k, *got in zip(kappa.tolist(), *(part.tolist() for part in derivatives(kappa, family, dim)), strict=True):
        expected = exact(family, dim, k)
        scales = (*expected[:2], max(abs(expected[2]), expected[1] / k if k else 0))
        for i, (value, want, scale) in enumerate(zip(got, expected, scales, strict=True)):
            errors[i] = max(errors[i], float(abs(value - want) / (scale or 1)))
    return errors


@DTYPES
@FAMILIES
@pytest.mark.parametrize("dim", [2, 3, 5, 16, 257, 4096])
def test_derivatives(family, dim, dtype):
    value, first, second = worst(family, dim, dtype)
    tolerance, loose = {torch.float32: (2e-6, 1e-4), torch.float64: (1e-12, 1e-10)}[dtype]
    assert value < tolerance
    # The Power Spherical slope is a difference of trigamma functions: measured 4.6e-12, at kappa = 1e6.
    assert first < (max(tolerance, 1e-11) if family is PowerSphericalAngle else tolerance)
    assert second < loose


@FAMILIES
@pytest.mark.parametrize("dim", [2, 16])
def test_differences(family, dim):
    kappa = torch.tensor([[0.3, 2.0], [31.0, 500.0]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda k: divergence_to_uniform(k, family, dim), kappa, check_forward_ad=True)
    assert gradgradcheck(lambda k: divergence_to_uniform(k, family, dim), kappa, check_fwd_over_rev=True)


@DTYPES
@FAMILIES
@pytest.mark.parametrize("dim", [2, 16])
def test_modes_agree(family, dim, dtype):
    """Forward, reverse, their compositions and vmap over scalars give the same derivatives."""
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
    value, first, second = derivatives(kappa, family, dim)

    def f(k):
        return divergence_to_uniform(k, family, dim)

    close = {"rtol": 16 * torch.finfo(dtype).eps, "atol": 0}
    primal, tangent = jvp(f, (kappa,), (torch.full_like(kappa, -2.0),))
    torch.testing.assert_close(primal, value, **close)
    torch.testing.assert_close(tangent, -2 * first, **close)
    torch.testing.assert_close(vmap(f)(kappa), value, **close)
    for derivative in (jacfwd(f), jacrev(f)):
        torch.testing.assert_close(vmap(derivative)(kappa), first, **close)
        torch.testing.assert_close(derivative(kappa), first.diag(), **close)
    # The second derivative is a difference, which may round otherwise.
    close["atol"] = 16 * torch.finfo(dtype).eps * second.abs().max().item()
    for derivative in (hessian(f), jacrev(jacrev(f)), jacrev(jacfwd(f))):
        torch.testing.assert_close(vmap(derivative)(kappa), second, **close)


@DTYPES
@FAMILIES
def test_only_the_divergence_is_returned(family, dtype):
    """The slope beside it is a constant for autograd, and the values are the table's."""
    leaf = torch.tensor([0.5, 3.0], dtype=dtype, requires_grad=True)
    result = divergence_to_uniform(leaf, family, 5)
    assert (type(result), result.shape, result.dtype, result.requires_grad) == (torch.Tensor, (2,), dtype, True)
    assert not divergence_to_uniform(leaf.detach(), family, 5).requires_grad
    table = tabulated_kl(leaf.detach(), family, 5)
    value, slope = _Divergence.apply(leaf, family, 5)
    assert (value.requires_grad, slope.requires_grad) == (True, False)
    assert torch.equal(value, table[0])
    assert torch.equal(slope, table[1])
    (first,) = torch.autograd.grad(result.sum(), leaf)
    assert torch.equal(first, table[1])
    assert not first.requires_grad


@FAMILIES
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (3, 0, 2)], ids=str)
def test_shapes(family, shape):
    """And strides: those of a transposed argument are followed."""
    kappa = torch.rand(shape[::-1], generator=torch.Generator().manual_seed(0)).permute(tuple(range(len(shape)))[::-1])
    value, first, second = derivatives(kappa, family, 5)
    assert value.shape == first.shape == second.shape == shape
    assert torch.equal(value.reshape(-1), divergence_to_uniform(kappa.reshape(-1), family, 5))


@FAMILIES
def test_a_nan_stays_where_it_is(family):
    kappa = torch.tensor([1.0, float("nan"), 3.0])
    for part in derivatives(kappa, family, 5):
        assert part.isnan().tolist() == [False, True, False]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@FAMILIES
def test_compiles_as_one_graph(family):
    torch._dynamo.reset()

    def f(k):
        return divergence_to_uniform(k, family, 7)

    results = []
    for function in (f, torch.compile(f, fullgraph=True, backend="eager")):
        leaf = torch.tensor(CONCENTRATIONS, requires_grad=True)
        value = function(leaf)
        results.append((value.detach(), *torch.autograd.grad(value.sum(), leaf)))
    torch.testing.assert_close(*results, rtol=0, atol=0)
