"""The registered divergences against their closed forms in mpmath, against Monte Carlo, and by their identities."""

from __future__ import annotations

import math

import pytest
import torch
from mpmath import mpf
from torch.autograd import gradcheck, gradgradcheck
from torch.distributions import Independent, kl_divergence

from spherical_gae.core import HypersphericalUniform, VonMisesFisher
from tests.helpers.reference import reference

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
DIMS = pytest.mark.parametrize("dim", [2, 3, 5, 16, 64, 257])
CONCENTRATIONS = (0.0, 1e-3, 0.7, 12.0, 40.0, 1e3)


def directions(size, dim, dtype=torch.float64, seed=0):
    noise = torch.randn(size, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(noise, dim=-1).to(dtype)


def exact_kl(dim, kappa_p, kappa_q, cosine):
    """E_p[log p - log q] with E_p[x] = A(kappa_p) mu_p."""
    p, q = reference(dim, kappa_p), reference(dim, kappa_q)
    length = p.mean_resultant_length
    return p.log_normalizer - q.log_normalizer + length * (mpf(kappa_p) - mpf(kappa_q) * cosine)


@DTYPES
@DIMS
def test_with_the_uniform_law(dim, dtype):
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
    law, uniform = VonMisesFisher(directions(len(kappa), dim, dtype), kappa), HypersphericalUniform(dim, dtype=dtype)
    forward, backward = kl_divergence(law, uniform), kl_divergence(uniform, law)
    for i, k in enumerate(kappa.tolist()):
        exact = reference(dim, k)
        assert abs(forward[i].item() - exact.kl) <= TOLERANCE[dtype] * exact.kl
        assert abs(backward[i].item() - exact.log_hyp0f1) <= TOLERANCE[dtype] * exact.log_hyp0f1


@DTYPES
@DIMS
def test_between_two_laws(dim, dtype):
    """Relative, or absolute below 1 nat, for nearby, orthogonal and opposite mean directions."""
    start, other = directions(2, dim, dtype)
    for cosine in (1 - 1e-4, 0.0, -1.0):
        across = torch.nn.functional.normalize(other - (other @ start) * start, dim=0)
        loc = cosine * start + math.sqrt(1 - cosine**2) * across
        # What the rounding of the dtype has made of the angle.
        exact_cosine = 1 - mpf((loc.double() - start.double()).square().sum().item()) / 2
        kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
        got = kl_divergence(VonMisesFisher(start, kappa.unsqueeze(-1)), VonMisesFisher(loc, kappa))
        for row, kappa_p in zip(got.tolist(), kappa.tolist(), strict=True):
            for value, kappa_q in zip(row, kappa.tolist(), strict=True):
                expected = exact_kl(dim, kappa_p, kappa_q, exact_cosine)
                assert abs(value - expected) <= TOLERANCE[dtype] * max(1, expected), (cosine, kappa_p, kappa_q)


@DTYPES
@DIMS
def test_of_a_law_with_itself_is_exactly_zero(dim, dtype):
    kappa = torch.tensor([0.0, 1e-8, 0.7, 12.0, 1e3, 1e6, 1e30], dtype=dtype)
    law = VonMisesFisher(directions(7, dim, dtype), kappa)
    uniform = HypersphericalUniform(dim, dtype=dtype)
    assert kl_divergence(law, law).tolist() == [0] * 7
    assert kl_divergence(uniform, uniform).item() == 0


@DTYPES
@DIMS
def test_without_concentration_the_laws_are_uniform(dim, dtype):
    """KL(vMF, vMF) turns into the divergences from and to the uniform law as a concentration is 0."""
    loc = directions(1, dim, dtype)
    law = VonMisesFisher(loc, torch.tensor([30.0], dtype=dtype))
    flat, uniform = VonMisesFisher(-loc, torch.zeros(1, dtype=dtype)), HypersphericalUniform(dim, dtype=dtype)
    close = {"rtol": TOLERANCE[dtype], "atol": 0}
    torch.testing.assert_close(kl_divergence(law, flat), kl_divergence(law, uniform), **close)
    torch.testing.assert_close(kl_divergence(flat, law), kl_divergence(uniform, law), **close)


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_is_the_mean_log_ratio(dim):
    """Monte Carlo over samples of p, within 5 standard errors, for every registered pair."""
    size, generator = 50_000, torch.Generator().manual_seed(0)
    start, other = directions(2, dim)
    p, q = VonMisesFisher(start, 5.0), VonMisesFisher(other, 2.0)
    uniform = HypersphericalUniform(dim, dtype=torch.float64)
    for first, second in ((p, q), (q, p), (p, uniform), (uniform, p)):
        sample = first.sample((size,), generator)
        ratio = first.log_prob(sample) - second.log_prob(sample)
        error = ratio.std().item() / math.sqrt(size)
        assert abs(ratio.mean().item() - kl_divergence(first, second).item()) < 5 * error


def test_shapes_broadcast():
    law = VonMisesFisher(directions(4, 3), torch.ones(4, dtype=torch.float64))
    uniform = HypersphericalUniform(3, dtype=torch.float64)
    assert kl_divergence(law, uniform).shape == (4,)
    assert kl_divergence(law, uniform.expand((2, 4))).shape == (2, 4)
    assert kl_divergence(uniform.expand((2, 4)), law).shape == (2, 4)
    assert kl_divergence(law.expand((2, 4)), VonMisesFisher(directions(1, 3), 2.0)).shape == (2, 4)
    assert kl_divergence(uniform.expand((2, 1)), uniform.expand((4,))).tolist() == [[0] * 4] * 2
    assert kl_divergence(Independent(law, 1), Independent(uniform.expand((4,)), 1)).shape == ()


def test_different_spheres_are_refused():
    laws = {3: VonMisesFisher(directions(1, 3), 1.0), 4: VonMisesFisher(directions(1, 4), 1.0)}
    priors = {3: HypersphericalUniform(3), 4: HypersphericalUniform(4)}
    for p, q in ((laws, laws), (laws, priors), (priors, laws), (priors, priors)):
        with pytest.raises(ValueError, match="one sphere, got dimensions 3 and 4"):
            kl_divergence(p[3], q[4])


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3, 5, 16, 64, 257])
def test_derivatives_of_first_and_second_order(dim):
    """In both concentrations and, through normalisation, both mean directions."""
    raw_p, raw_q = (x.clone().requires_grad_() for x in directions(2, min(dim, 5)).split(1))
    kappa_p, kappa_q = (torch.tensor([k], dtype=torch.float64, requires_grad=True) for k in (3.0, 40.0))

    def between(raw_p, kappa_p, raw_q, kappa_q):
        padded = (torch.nn.functional.pad(raw, (0, dim - raw.shape[-1])) for raw in (raw_p, raw_q))
        loc_p, loc_q = (torch.nn.functional.normalize(raw, dim=-1) for raw in padded)
        p = VonMisesFisher(loc_p, kappa_p, validate_args=False)
        return kl_divergence(p, VonMisesFisher(loc_q, kappa_q, validate_args=False))

    assert gradcheck(between, (raw_p, kappa_p, raw_q, kappa_q))
    assert gradgradcheck(between, (raw_p, kappa_p, raw_q, kappa_q))
