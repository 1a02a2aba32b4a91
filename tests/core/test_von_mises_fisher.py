"""Density, moments and the contract of torch.distributions; the samples are in test_von_mises_fisher_samples.py."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from torch.autograd import gradcheck, gradgradcheck
from torch.distributions import Categorical, Independent, MixtureSameFamily, kl_divergence
from torch.func import hessian, jacrev, vmap

from spherical_gae.core import HypersphericalUniform, VonMisesFisher
from spherical_gae.core.numerics.special import log_normalizer, mean_resultant_length
from tests.helpers.reference import reference

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def directions(*shape, dtype=torch.float64, seed=0):
    noise = torch.randn(shape, dtype=torch.float64, generator=seeded(seed))
    return torch.nn.functional.normalize(noise, dim=-1).to(dtype)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


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


@pytest.mark.parametrize("kappa", [0.0, 0.5, 10.0, 200.0])
def test_density_integrates_to_one(kappa):
    """On the circle by the trapezoidal rule, on S^2 by it and Gauss-Legendre in the height."""
    around = torch.arange(400, dtype=torch.float64) * (2 * math.pi / 400)
    circle = torch.stack((around.cos(), around.sin()), -1)
    density = VonMisesFisher(tensor([0.6, 0.8]), kappa).log_prob(circle).exp()
    assert density.sum().item() * 2 * math.pi / 400 == pytest.approx(1, rel=1e-13)
    height, weight = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(200))
    radius = (1 - height**2).sqrt().unsqueeze(-1)
    points = torch.cat((radius.unsqueeze(-1) * circle, height.reshape(-1, 1, 1).expand(-1, 400, 1)), -1)
    density = VonMisesFisher(tensor([0.48, 0.6, 0.64]), kappa).log_prob(points).exp()
    assert (weight @ density).sum().item() * 2 * math.pi / 400 == pytest.approx(1, rel=1e-12)


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
    assert gradcheck(log_prob, (leaf, kappa, x))
    assert gradgradcheck(log_prob, (leaf, kappa, x))
    first = torch.autograd.grad(log_prob(leaf, kappa, x).sum(), (leaf, kappa), create_graph=True)
    second = torch.autograd.grad(first[1].sum(), (leaf, kappa))
    jacobians = vmap(jacrev(log_prob, argnums=(0, 1)))(loc, kappa.detach(), x)
    torch.testing.assert_close(jacobians, first)
    by_kappa = vmap(hessian(log_prob, argnums=(0, 1)))(loc, kappa.detach(), x)[1]
    torch.testing.assert_close(by_kappa, second)


@pytest.mark.parametrize("dim", [3, 100])
def test_function_transforms_of_the_divergence(dim):
    """vmap of hessian over a law built inside the function is A' + kappa A''."""
    loc, kappa = directions(4, dim), tensor([0.0, 0.3, 12.0, 300.0])

    def divergence(loc, kappa):
        return kl_divergence(VonMisesFisher(loc, kappa, validate_args=False), HypersphericalUniform(dim))

    leaf = kappa.clone().requires_grad_()
    (first,) = torch.autograd.grad(divergence(loc, leaf).sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    torch.testing.assert_close(vmap(jacrev(divergence, argnums=1))(loc, kappa), first)
    torch.testing.assert_close(vmap(hessian(divergence, argnums=1))(loc, kappa), second)


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


@pytest.mark.parametrize("dim", [2, 3, 7])
@pytest.mark.parametrize(
    ("loc_batch", "kappa_shape", "batch"),
    [
        ((), (), ()),
        ((), (4,), (4,)),
        ((4,), (), (4,)),
        ((4,), (1,), (4,)),
        ((2, 1), (4,), (2, 4)),
        ((0,), (0,), (0,)),
        ((3, 0), (), (3, 0)),
    ],
    ids=str,
)
def test_shapes(dim, loc_batch, kappa_shape, batch):
    law = VonMisesFisher(directions(*loc_batch, dim), torch.full(kappa_shape, 2.0, dtype=torch.float64))
    assert (law.batch_shape, law.event_shape, law.dim) == (batch, (dim,), dim)
    assert law.mean.shape == law.mode.shape == law.variance.shape == law.rsample().shape == (*batch, dim)
    assert law.covariance_matrix.shape == (*batch, dim, dim)
    assert law.entropy().shape == batch
    sample = law.sample((5, 2))
    assert sample.shape == (5, 2, *batch, dim)
    assert law.log_prob(sample).shape == (5, 2, *batch)
    larger = law.expand((6, *batch))
    assert (larger.batch_shape, larger.sample((5,)).shape) == ((6, *batch), (5, 6, *batch, dim))
    torch.testing.assert_close(
        larger.log_prob(sample[:, :1].expand(5, 6, *batch, dim))[:, 2], law.log_prob(sample[:, 0])
    )


def test_strided_and_expanded_arguments():
    """Views of any layout give what their contiguous copies give."""
    loc = directions(3, 5, 4).transpose(0, 1)
    kappa = tensor([1.0, 20.0, 300.0]).flip(0).expand(5, 3)
    views, copies = VonMisesFisher(loc, kappa), VonMisesFisher(loc.contiguous(), kappa.contiguous())
    assert torch.equal(views.rsample((2,), seeded()), copies.rsample((2,), seeded()))
    x = directions(5, 4).unsqueeze(1).expand(5, 3, 4)
    assert torch.equal(views.log_prob(x), copies.log_prob(x.contiguous()))


UNIT = torch.tensor([[0.6, 0.8], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("loc", "concentration", "error", "message"),
    [
        (UNIT, torch.tensor([1.0, math.nan]), ValueError, "concentration must be finite and at least 0, got nan"),
        (UNIT, torch.tensor([math.inf, 1.0]), ValueError, "concentration must be finite and at least 0, got inf"),
        (UNIT, torch.tensor([1.0, -2.0]), ValueError, r"concentration must be finite and at least 0, got -2\.0"),
        (UNIT, -1.0, ValueError, r"concentration must be finite and at least 0, got -1\.0"),
        (UNIT * 1.5, 1.0, ValueError, r"loc must hold unit vectors.*off by 0\.5.*normalize"),
        (UNIT * math.nan, 1.0, ValueError, "loc must hold unit vectors.*nan"),
        (torch.ones(3, 1), 1.0, ValueError, r"loc must have shape .* m >= 2, got \(3, 1\)"),
        (torch.ones(()), 1.0, ValueError, r"loc must have shape .* m >= 2, got \(\)"),
        (UNIT, torch.ones(2, 1), ValueError, r"concentration must have the batch shape of loc, \(2,\).*squeeze"),
        (UNIT, torch.ones(3), ValueError, r"concentration must have a shape that broadcasts .*\(2,\), got \(3,\)"),
        (UNIT, torch.ones(2, dtype=torch.float64), TypeError, "concentration must have the dtype of loc"),
        (UNIT, torch.ones(2, dtype=torch.int64), TypeError, "concentration must have the dtype of loc"),
        (torch.tensor([1, 0]), 1.0, TypeError, r"loc must be float32 or float64, got torch\.int64"),
        (UNIT.half(), 1.0, TypeError, r"loc must be float32 or float64, got torch\.float16"),
        ([1.0, 0.0], 1.0, TypeError, "loc must be a tensor, got list"),
        (UNIT, "a", TypeError, "concentration must be a tensor or a number, got str"),
        (UNIT, torch.ones(2, device="meta"), ValueError, "concentration must be on the device of loc, cpu, got meta"),
    ],
)
def test_wrong_arguments_are_named(loc, concentration, error, message):
    with pytest.raises(error, match=message):
        VonMisesFisher(loc, concentration, validate_args=True)


def test_validation_of_values():
    law = VonMisesFisher(UNIT, 1.0, validate_args=True)
    for checked in (law, law.expand((3, 2))):
        with pytest.raises(ValueError, match="UnitSphere"):
            checked.log_prob(UNIT * 1.1)
        with pytest.raises(ValueError, match="right-most size"):
            checked.log_prob(torch.tensor([[1.0, 0.0, 0.0]]))
    # Without it nothing is checked: the formula is applied as it stands.
    off = VonMisesFisher(UNIT, 1.0, validate_args=False).log_prob(UNIT * 1.1)
    torch.testing.assert_close(off, law.log_prob(UNIT) - 0.5 * 0.1**2)


def test_composes_with_independent_and_mixture():
    law = VonMisesFisher(directions(4, 3), tensor([0.0, 1.0, 20.0, 300.0]))
    x = law.sample((5,))
    torch.testing.assert_close(Independent(law, 1).log_prob(x), law.log_prob(x).sum(-1))
    weights = tensor([0.1, 0.2, 0.3, 0.4])
    mixture = MixtureSameFamily(Categorical(weights), law)
    point = x[:, 0]
    expected = (weights * law.log_prob(point.unsqueeze(-2)).exp()).sum(-1).log()
    torch.testing.assert_close(mixture.log_prob(point), expected)
    assert mixture.sample((7,)).shape == (7, 3)
    torch.testing.assert_close(mixture.mean, (weights.unsqueeze(-1) * law.mean).sum(0))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))], ids=["copy", "pickle"])
def test_copies(clone):
    law = VonMisesFisher(directions(4, 3), tensor([0.0, 1.0, 20.0, 300.0])).expand((2, 4))
    copied = clone(law)
    assert torch.equal(copied.sample((5,), seeded()), law.sample((5,), seeded()))
    assert torch.equal(copied.entropy(), law.entropy())
