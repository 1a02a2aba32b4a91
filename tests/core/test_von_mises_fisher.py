"""Density and moments against published and exact values; what holds for all laws is in contract/."""

from __future__ import annotations

import pytest
import torch
from mpmath import mp, mpf
from torch.autograd import gradcheck, gradgradcheck
from torch.distributions import ExponentialFamily
from torch.func import hessian, jacrev, vmap

from spherical_gae.core import HypersphericalUniform, VonMisesFisher
from spherical_gae.core.numerics.special import log_normalizer, mean_resultant_length
from tests.helpers.places import DTYPES, directions, seeded, tensor
from tests.helpers.reference import reference

E1, E3, TILTED_98, TILTED_80 = (1, 0, 0), (0, 0, 1), (0.98**0.5, 0.02**0.5, 0), (0.8**0.5, 0.2**0.5, 0)


# Published values: scipy 1.17, scipy/stats/tests/test_multivariate.py, TestVonMises_Fisher, made there with mpmath.
@pytest.mark.parametrize(
    ("dim", "x", "mu", "kappa", "pdf", "logpdf"),
    [
        (3, E1, E1, 1e-4, 0.0795854295583605, -2.5309242486359573),
        (3, E1, E3, 1e-4, 0.07957747141331854, -2.5310242486359575),
        (3, E1, E1, 100, 15.915494309189533, 2.767293119578746),
        (3, E1, E3, 100, 5.920684802611232e-43, -97.23270688042125),
        (3, E1, TILTED_98, 2000, 5.930499050746588e-07, -14.337987284534103),
        (3, E1, E1, 2000, 318.3098861837907, 5.763025393132737),
        (5, E1, E1, 2000, 101371.86957712633, 11.526550911307156),
        (5, E1, TILTED_98, 2000, 0.00018886808182653578, -8.574461766359684),
        (5, E1, TILTED_80, 2000, 2.0255393314603194e-87, -199.61906708886113),
    ],
)
def test_published_densities(dim, x, mu, kappa, pdf, logpdf):
    x, mu = (tensor([*vector, *[0] * (dim - 3)]) for vector in (x, mu))
    log_prob = VonMisesFisher(mu, kappa).log_prob(x)
    assert log_prob.item() == pytest.approx(logpdf, rel=1e-13)
    assert log_prob.exp().item() == pytest.approx(pdf, rel=1e-13)


@pytest.mark.parametrize(
    ("dim", "kappa", "entropy"),
    [
        (3, 1e-4, 2.531024245302624),
        (3, 100, -1.7672931195787458),
        (5, 5000, -11.359032310024453),
        (8, 1, 3.4189526482545527),
    ],
)
def test_published_entropies(dim, kappa, entropy):
    law = VonMisesFisher(torch.full((dim,), dim**-0.5, dtype=torch.float64), kappa)
    assert law.entropy().item() == pytest.approx(entropy, rel=1e-13)


@pytest.mark.parametrize("dim", [2, 3, 16, 257])
@pytest.mark.parametrize("kappa", [0.0, 1.0, 100.0])
def test_log_prob_is_log_normalizer_plus_product(dim, kappa):
    loc, x = directions(2, dim)
    expected = log_normalizer(tensor(kappa), dim) + kappa * (loc @ x)
    torch.testing.assert_close(VonMisesFisher(loc, kappa).log_prob(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dim", [2, 3, 16, 257])
@pytest.mark.parametrize("kappa", [1e4, 1e6])
def test_float32_log_prob_keeps_its_digits_near_the_mode(dim, kappa):
    """Where kappa + log C cancels all but a few of the digits of kappa mu.x."""
    loc = directions(dim, dtype=torch.float32)
    x = torch.nn.functional.normalize(loc + directions(100, dim, dtype=torch.float32, seed=1) * kappa**-0.5, dim=-1)
    got = VonMisesFisher(loc, kappa).log_prob(x)
    peak = reference(dim, kappa).log_normalizer + mpf(kappa)
    for value, point in zip(got.tolist(), x.double() - loc.double(), strict=True):
        terms = peak, -mpf(kappa) / 2 * mp.fsum(mpf(c) ** 2 for c in point.tolist())
        assert abs(value - sum(terms)) < 1e-5 * max(map(abs, terms))


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3, 5, 16, 64, 257])
def test_derivatives_of_log_prob(dim):
    """The gradient in the concentration is mu.x - A; both derivatives agree with differences and torch.func."""
    loc, x = directions(3, dim), directions(3, dim, seed=1)
    kappa = tensor([0.3, 12.0, 300.0]).requires_grad_()
    (gradient,) = torch.autograd.grad(VonMisesFisher(loc, kappa).log_prob(x).sum(), kappa)
    torch.testing.assert_close(gradient, (loc * x).sum(-1) - mean_resultant_length(kappa.detach(), dim))

    def log_prob(loc, kappa, x):
        return VonMisesFisher(torch.nn.functional.normalize(loc, dim=-1), kappa, validate_args=False).log_prob(x)

    leaf = loc.clone().requires_grad_()
    # Of long vectors along random directions: one by one they are some hundred thousand calls.
    assert gradcheck(log_prob, (leaf, kappa, x), fast_mode=dim > 16)
    assert gradgradcheck(log_prob, (leaf, kappa, x), fast_mode=dim > 16)
    first = torch.autograd.grad(log_prob(leaf, kappa, x).sum(), (leaf, kappa), create_graph=True)
    second = torch.autograd.grad(first[1].sum(), (leaf, kappa))
    jacobians = vmap(jacrev(log_prob, argnums=(0, 1)))(loc, kappa.detach(), x)
    torch.testing.assert_close(jacobians, first)
    by_kappa = vmap(hessian(log_prob, argnums=(0, 1)))(loc, kappa.detach(), x)[1]
    torch.testing.assert_close(by_kappa, second)


@pytest.mark.parametrize("dim", [2, 3, 20])
@pytest.mark.parametrize("kappa", [0.0, 3.0, 500.0])
def test_moments(dim, kappa):
    """Along mu the variance is A', across (1 - A' - A^2) / (m - 1); all coordinates sum to 1 - A^2."""
    loc, exact = directions(dim), reference(dim, kappa)
    law = VonMisesFisher(loc, kappa)
    length, along = float(exact.mean_resultant_length), float(exact.slope)
    across = float((1 - exact.slope - exact.mean_resultant_length**2) / (dim - 1))
    outer = torch.outer(loc, loc)
    covariance = along * outer + across * (torch.eye(dim, dtype=loc.dtype) - outer)
    close = {"rtol": 1e-12, "atol": 1e-15}
    torch.testing.assert_close(law.mean, length * loc, **close)
    torch.testing.assert_close(law.covariance_matrix, covariance, **close)
    torch.testing.assert_close(law.variance, covariance.diagonal(), **close)
    assert law.covariance_matrix.trace().item() == pytest.approx(float(1 - exact.mean_resultant_length**2), rel=1e-12)
    assert torch.equal(law.mode, loc)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 64, 257])
def test_without_concentration_it_is_the_uniform_law(dim, dtype):
    law, uniform = VonMisesFisher(directions(dim, dtype=dtype), 0.0), HypersphericalUniform(dim, dtype=dtype)
    x = uniform.sample((5,), seeded())
    torch.testing.assert_close(law.log_prob(x), uniform.log_prob(x))
    torch.testing.assert_close(law.entropy(), uniform.entropy())
    torch.testing.assert_close(law.mean, uniform.mean)
    torch.testing.assert_close(law.covariance_matrix, uniform.covariance_matrix)


def test_without_validation_the_formula_is_evaluated_as_it_stands():
    unit = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    off = VonMisesFisher(unit, 1.0, validate_args=False).log_prob(unit * 1.1)
    torch.testing.assert_close(off, VonMisesFisher(unit, 1.0).log_prob(unit) - 0.5 * 0.1**2)


@pytest.mark.parametrize("dim", [2, 3, 20])
def test_exponential_family(dim: int) -> None:
    """torch's own entropy of such a family, by derivatives of the log normaliser, is the closed one."""
    loc = torch.nn.functional.normalize(torch.ones(4, dim, dtype=torch.float64), dim=-1)
    law = VonMisesFisher(loc, torch.tensor([0.0, 0.5, 7.0, 300.0], dtype=torch.float64))
    assert isinstance(law, ExponentialFamily)
    torch.testing.assert_close(ExponentialFamily.entropy(law).detach(), law.entropy(), rtol=1e-10, atol=1e-10)
    x = law.sample()
    (eta,) = law._natural_params
    torch.testing.assert_close((x * eta).sum(-1) - law._log_normalizer(eta), law.log_prob(x), rtol=1e-10, atol=1e-10)
