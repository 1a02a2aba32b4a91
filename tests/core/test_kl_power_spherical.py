"""Divergences to the Power Spherical distribution, against sums over circle and sphere, and limits."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import digamma, gammaln
from torch import Tensor
from torch.autograd import gradcheck
from torch.distributions import kl_divergence
from torch.func import grad, vmap
from torch.nn.functional import normalize

from spherical_gae.core import HypersphericalUniform, PowerSpherical, ProductOfSpheres, VonMisesFisher
from tests.helpers.places import direction, directions
from tests.helpers.sphere_quadrature import sphere

KINDS = pytest.mark.parametrize("kind", [VonMisesFisher, PowerSpherical], ids=lambda kind: kind.__name__)
KAPPA_P, KAPPA_Q = (torch.tensor(values, dtype=torch.float64) for values in ([0.0, 2.0, 30.0], [9.0, 5.0, 0.7]))


def on_sphere(p: Any, q: PowerSpherical) -> Tensor:
    """E_p[log p - log q] for m = 3."""
    x, measure = sphere(150)
    log_p, log_q = (law.log_prob(x.unsqueeze(1)) for law in (p, q))
    share = measure.unsqueeze(1) * log_p.exp()
    return torch.where(share > 0, share * (log_p - log_q), 0.0).sum(0)


def on_circle(p: Any, q: PowerSpherical) -> float:
    """E_p[log p - log q] for m = 2, in parts between the antipodes of both."""

    def integrand(angle: float) -> float:
        x = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        log_p = p.log_prob(x)
        return float(log_p.exp() * (log_p - q.log_prob(x))) if log_p.isfinite() else 0.0

    ends = sorted(float(torch.atan2(-law.loc[1], -law.loc[0])) for law in (p, q))
    return sum(
        quad(integrand, a, b, epsabs=1e-10, epsrel=1e-10, limit=400)[0]
        for a, b in zip(ends, [*ends[1:], ends[0] + 2 * math.pi], strict=True)
    )


@KINDS
def test_against_sums_over_the_sphere(kind: type) -> None:
    """The sums are less exact near the antipode of q, where its log density is infinite."""
    p, q = kind(directions(3, 3, seed=1), KAPPA_P), PowerSpherical(directions(3, 3, seed=2), KAPPA_Q)
    torch.testing.assert_close(kl_divergence(p, q), on_sphere(p, q), rtol=1e-4, atol=1e-4)


@KINDS
@pytest.mark.parametrize("kappa", [0.0, 2.0])
def test_against_integrals_over_the_circle(kind: type, kappa: float) -> None:
    p, q = kind(direction("e1", 2), kappa), PowerSpherical(direction("random", 2), 5.0)
    assert kl_divergence(p, q).item() == pytest.approx(on_circle(p, q), abs=1e-7)


@pytest.mark.parametrize("dim", [2, 3, 16])
def test_from_the_uniform_distribution_by_gamma_functions(dim: int) -> None:
    beta = (dim - 1) / 2
    kappa = np.array([0.0, 1e-3, 0.7, 12.0, 1e4])
    peak = gammaln(kappa + 2 * beta) - gammaln(kappa + beta) - gammaln(2 * beta) + gammaln(beta)
    expected = torch.from_numpy(kappa * (digamma(2 * beta) - digamma(beta)) - peak)
    found = kl_divergence(
        HypersphericalUniform(dim, torch.float64), PowerSpherical(direction("e1", dim), torch.from_numpy(kappa))
    )
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)


@KINDS
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
def test_a_divergence_from_itself_and_from_close_by(kind: type, dim: int) -> None:
    """0 for PS from itself; and for large concentrations that of two normal distributions in the tangent space."""
    loc = directions(3, dim, seed=3)
    if kind is PowerSpherical:
        itself = kl_divergence(kind(loc, KAPPA_P), kind(loc, KAPPA_P))
        torch.testing.assert_close(itself, torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-8)
    kappa = torch.tensor([1e7, 4e7], dtype=torch.float64)
    other = normalize(direction("e1", dim) + 3e-4 * direction("random", dim), dim=-1)
    # A Power Spherical distribution has twice the variance of a von Mises-Fisher one.
    kappa_q = 2 * kappa
    kappa_p = kappa_q * (0.5 if kind is VonMisesFisher else 1.0) * 3
    distance = (other - direction("e1", dim)).square().sum()
    expected = 0.5 * ((dim - 1) * (1 / 3 - 1 + math.log(3)) + kappa * distance)
    found = kl_divergence(kind(direction("e1", dim), kappa_p), PowerSpherical(other, kappa_q))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@KINDS
def test_from_the_limit_of_no_concentration(kind: type) -> None:
    """It is the closed divergence from the uniform distribution, whatever the angle."""
    p, q = kind(directions(3, 5, seed=4), 0.0), PowerSpherical(directions(3, 5, seed=5), KAPPA_Q)
    expected = kl_divergence(HypersphericalUniform(5, torch.float64), q)
    torch.testing.assert_close(kl_divergence(p, q), expected, rtol=1e-9, atol=1e-9)


@KINDS
@pytest.mark.parametrize("dim", [2, 4])
def test_gradients(kind: type, dim: int) -> None:
    p, q = (directions(dim, seed=s).requires_grad_() for s in (6, 7))
    kappa = torch.tensor([3.0, 5.0], dtype=torch.float64, requires_grad=True)

    def divergence(p: Tensor, q: Tensor, kappa: Tensor) -> Tensor:
        first = kind(normalize(p, dim=-1), kappa[0], validate_args=False)
        return kl_divergence(first, PowerSpherical(normalize(q, dim=-1), kappa[1], validate_args=False))

    assert gradcheck(divergence, (p, q, kappa), atol=1e-6)


@KINDS
def test_extremes_are_finite_in_both_dtypes(kind: type) -> None:
    for dtype in (torch.float32, torch.float64):
        loc, kappa = directions(5, 4, dtype=dtype), torch.tensor([0.0, 1e-30, 1.0, 1e10, 1e30], dtype=dtype)
        kappa.requires_grad_()
        value = kl_divergence(kind(loc, kappa), PowerSpherical(loc.roll(1, 0), kappa.detach().clamp(max=1e3)))
        (slope,) = torch.autograd.grad(value.sum(), kappa)
        assert value.dtype == dtype
        assert value.isfinite().all()
        assert slope.isfinite().all()


@KINDS
def test_products_are_sums_over_their_factors(kind: type) -> None:
    p = kind(directions(2, 3, 4, seed=8), KAPPA_P)
    q = PowerSpherical(directions(2, 3, 4, seed=9), KAPPA_Q)
    expected = kl_divergence(p, q).sum(-1)
    torch.testing.assert_close(kl_divergence(ProductOfSpheres(p), ProductOfSpheres(q)), expected)


def test_different_spheres_are_refused() -> None:
    with pytest.raises(ValueError, match="one sphere, got dimensions 3 and 4"):
        kl_divergence(VonMisesFisher(direction("e1", 3), 1.0), PowerSpherical(direction("e1", 4), 1.0))


@KINDS
def test_gradients_of_a_batch_by_vmap(kind: type) -> None:
    p, q = directions(4, seed=8), directions(4, seed=9)
    kappa = torch.tensor([0.5, 3.0, 40.0], dtype=torch.float64)

    def divergence(kappa: Tensor) -> Tensor:
        return kl_divergence(kind(p, kappa, validate_args=False), PowerSpherical(q, 2 * kappa, validate_args=False))

    found = vmap(grad(divergence))(kappa)
    torch.testing.assert_close(found, torch.stack([grad(divergence)(k) for k in kappa]), rtol=1e-10, atol=1e-12)


@KINDS
@pytest.mark.parametrize("sign", [1, -1])
def test_second_derivatives_at_equal_and_opposite_directions(kind: type, sign: int) -> None:
    """They are those close by: once NaN, as a norm has none at 0."""
    mode = direction("e1", 3)

    def divergence(loc: Tensor) -> Tensor:
        p = kind(normalize(loc, dim=-1), torch.tensor(3.0, dtype=torch.float64), validate_args=False)
        return kl_divergence(p, PowerSpherical(sign * mode, torch.tensor(5.0, dtype=torch.float64)))

    at = torch.autograd.functional.hessian(divergence, mode)
    near = torch.autograd.functional.hessian(divergence, normalize(mode + torch.tensor([0.0, 1e-3, 0.0]), dim=-1))
    torch.testing.assert_close(at[2, 2], near[2, 2], rtol=1e-5, atol=0)
    torch.testing.assert_close(at[1, 1], at[2, 2], rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("dim", "kappa", "expected"), [(65536, 1.0, 7.6296e-6), (1000, 1e-3, 5.0e-10), (16, 1e-3, 3.7e-8)]
)
def test_small_divergences_from_the_uniform_distribution_in_float32(dim: int, kappa: float, expected: float) -> None:
    """Its two terms are larger by many orders; once 5.7e-3, -3.9e-5 and -1e-6."""
    q = PowerSpherical(direction("e1", dim, dtype=torch.float32), torch.tensor(kappa))
    found = kl_divergence(HypersphericalUniform(dim), q)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=0.02, abs=2e-10)
