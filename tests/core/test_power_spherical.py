"""The Power Spherical law: densities, moments and divergences against mpmath."""

from __future__ import annotations

import math

import pytest
import torch
from mpmath import mp, mpf
from torch.autograd import gradcheck, gradgradcheck
from torch.distributions import kl_divergence
from torch.func import hessian, jacrev, vmap

from spherical_gae.core import HypersphericalUniform, PowerSpherical
from tests.helpers.places import DTYPES, directions, seeded, tensor

DIMS = (2, 3, 5, 16, 257, 4096)
CONCENTRATIONS = (0.0, 1e-3, 0.3, 7.0, 1e3, 1e6)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}


def shapes_of(dim, kappa):
    """alpha and beta of the law of (1 + mu.x) / 2."""
    beta = mpf(dim - 1) / 2
    return beta + mpf(kappa), beta


def exact_peak(dim, kappa):
    """The log density at the mode: kappa log 2 more than the log normaliser of the definition."""
    alpha, beta = shapes_of(dim, kappa)
    log_constant = -(alpha + beta) * mp.log(2) - beta * mp.log(mp.pi) - mp.loggamma(alpha) + mp.loggamma(alpha + beta)
    return log_constant + mpf(kappa) * mp.log(2)


def exact_share(x, loc):
    """(1 + mu.x) / 2 from the distance to the closer of mu and -mu: what the rounding of the dtype has made of it."""
    near, far = (math.fsum(((x.double() - s * loc.double()) ** 2).tolist()) / 4 for s in (1, -1))
    return 1 - mpf(near) if near < far else mpf(far)


def exact_kl(dim, kappa):
    """KL to the uniform law, and its first two derivatives."""
    (alpha, beta), s = shapes_of(dim, kappa), mpf(kappa)
    # The terms of the value cancel down to kappa^2.
    with mp.workdps(100):
        gap = [mp.psi(n, alpha) - mp.psi(n, alpha + beta) for n in range(3)]
        log_ratio = mp.loggamma(alpha + beta) - mp.loggamma(alpha) + mp.loggamma(beta) - mp.loggamma(2 * beta)
        return s * gap[0] + log_ratio, s * gap[1], gap[1] + s * gap[2]


def points_around(loc, kappa):
    """The mode, the equator, close to either pole, and random points."""
    noise = directions(8, len(loc), seed=1)
    mean = loc.double()
    equator = noise[0] - (noise[0] @ mean) * mean
    steps = (equator, mean + noise[1] / math.sqrt(1 + kappa), mean + 1e-3 * noise[2], -mean + 1e-3 * noise[3])
    points = torch.cat((mean.unsqueeze(0), torch.stack(steps), noise[4:]))
    return torch.cat((loc.unsqueeze(0), torch.nn.functional.normalize(points[1:], dim=-1).to(loc.dtype)))


def log_prob_error(dim, dtype):
    """The largest error of log_prob over its largest term, peak or power."""
    loc, worst = directions(dim, dtype=dtype), 0.0
    for kappa in torch.tensor(CONCENTRATIONS, dtype=dtype).tolist():
        points, peak = points_around(loc, kappa), exact_peak(dim, kappa)
        for value, x in zip(PowerSpherical(loc, kappa).log_prob(points).tolist(), points, strict=True):
            power = mpf(kappa) * mp.log(exact_share(x, loc))
            worst = max(worst, float(abs(value - peak - power) / max(abs(peak), abs(power))))
    return worst


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_log_prob(dim, dtype):
    assert log_prob_error(dim, dtype) < TOLERANCE[dtype]


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 257])
def test_log_prob_at_the_antipode(dim, dtype):
    """No density is left there, unless the law is uniform."""
    loc = directions(dim, dtype=dtype)
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype)
    log_prob = PowerSpherical(loc, kappa).log_prob(-loc)
    uniform = HypersphericalUniform(dim, dtype=dtype).log_prob(loc)
    torch.testing.assert_close(log_prob[0], uniform, rtol=TOLERANCE[dtype], atol=0)
    assert (log_prob[1:] == -math.inf).all()


def log_prob_slope_error(dim, dtype):
    """Of d log_prob / dkappa = psi(alpha + beta) - psi(alpha) + log share, over its largest term."""
    loc, worst = directions(dim, dtype=dtype), 0.0
    for kappa in torch.tensor(CONCENTRATIONS, dtype=dtype).tolist():
        points, (alpha, beta) = points_around(loc, kappa), shapes_of(dim, kappa)
        leaf = torch.full((len(points),), kappa, dtype=dtype, requires_grad=True)
        (slope,) = torch.autograd.grad(PowerSpherical(loc, leaf).log_prob(points).sum(), leaf)
        of_peak = mp.digamma(alpha + beta) - mp.digamma(alpha)
        for value, x in zip(slope.tolist(), points, strict=True):
            of_power = mp.log(exact_share(x, loc))
            worst = max(worst, float(abs(value - of_peak - of_power) / max(of_peak, abs(of_power))))
    return worst


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_slope_of_log_prob_in_the_concentration(dim, dtype):
    assert log_prob_slope_error(dim, dtype) < TOLERANCE[dtype]


def log_prob_of(loc, kappa, x):
    return PowerSpherical(torch.nn.functional.normalize(loc, dim=-1), kappa, validate_args=False).log_prob(x)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 5, 64])
def test_derivatives_of_log_prob(dim):
    """Both orders agree with differences and with torch.func, on either side of the equator."""
    loc, kappa = directions(4, dim), tensor([0.0, 0.3, 12.0, 300.0])
    x = directions(4, dim, seed=1)
    x = torch.where(((x * loc).sum(-1, keepdim=True) > 0) == tensor([[1], [0], [1], [0]]).bool(), x, -x)
    leaf, positive = loc.clone().requires_grad_(), kappa.clone().add_(0.1).requires_grad_()
    assert gradcheck(log_prob_of, (leaf, positive, x))
    assert gradgradcheck(log_prob_of, (leaf, positive, x))
    first = torch.autograd.grad(log_prob_of(leaf, positive, x).sum(), (leaf, positive), create_graph=True)
    second = torch.autograd.grad(first[1].sum(), (leaf, positive))
    inputs = loc, positive.detach(), x
    torch.testing.assert_close(vmap(log_prob_of)(*inputs), log_prob_of(*inputs))
    torch.testing.assert_close(vmap(jacrev(log_prob_of, argnums=(0, 1)))(*inputs), first)
    torch.testing.assert_close(vmap(hessian(log_prob_of, argnums=(0, 1)))(*inputs)[1], second)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 20, 4096])
@pytest.mark.parametrize("kappa", [0.0, 3.0, 500.0, 1e30])
def test_moments(dim, kappa, dtype):
    """Those of the beta law along mu, and across it what the unit norm leaves: sums in mpmath."""
    loc = directions(dim, dtype=dtype)
    law, (alpha, beta) = PowerSpherical(loc, kappa), shapes_of(dim, float(torch.tensor(kappa, dtype=dtype)))
    length, along = (alpha - beta) / (alpha + beta), 4 * alpha * beta / (alpha + beta) ** 2 / (alpha + beta + 1)
    across = (1 - along - length**2) / (dim - 1)
    close = {"rtol": 20 * torch.finfo(dtype).eps, "atol": 0}
    for got, expected in zip(
        (law.mean_resultant_length, *law.principal_variances), (length, along, across), strict=True
    ):
        torch.testing.assert_close(got, torch.tensor(float(expected), dtype=dtype), **close)
    torch.testing.assert_close(law.mean, float(length) * loc, **close)
    assert torch.equal(law.mode, loc)
    if dim <= 20:
        outer = torch.outer(loc, loc)
        covariance = float(along) * outer + float(across) * (torch.eye(dim, dtype=dtype) - outer)
        close = {"rtol": 20 * torch.finfo(dtype).eps, "atol": 4 * torch.finfo(dtype).eps * float(across)}
        torch.testing.assert_close(law.covariance_matrix, covariance, **close)
        torch.testing.assert_close(law.variance, covariance.diagonal(), **close)


def divergence_errors(dim, dtype):
    """Largest relative errors of the KL to the uniform law and its two derivatives, and of the entropy.

    The second derivative crosses 0, so its error is over the larger of it and slope / kappa; that of the entropy over
    the larger of log area and KL.
    """
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype, requires_grad=True)
    law = PowerSpherical(directions(dim, dtype=dtype), kappa)
    value = kl_divergence(law, HypersphericalUniform(dim, dtype=dtype))
    (slope,) = torch.autograd.grad(value.sum(), kappa, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), kappa)
    log_area = mp.log(2) + mpf(dim) / 2 * mp.log(mp.pi) - mp.loggamma(mpf(dim) / 2)
    errors = [0.0] * 4
    for i, k in enumerate(kappa.tolist()):
        exact = exact_kl(dim, k)
        scales = (*exact[:2], max(abs(exact[2]), exact[1] / k if k else 0), max(abs(log_area), exact[0]))
        parts = zip((value, slope, curvature, law.entropy()), (*exact, log_area - exact[0]), scales, strict=True)
        for j, (got, expected, scale) in enumerate(parts):
            errors[j] = max(errors[j], float(abs(got[i].item() - expected) / (scale or 1)))
    return errors


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_divergence_and_entropy(dim, dtype):
    value, slope, curvature, entropy = divergence_errors(dim, dtype)
    tolerance, loose, looser = {torch.float32: (2e-6, 2e-6, 1e-4), torch.float64: (1e-12, 1e-11, 1e-10)}[dtype]
    assert max(value, entropy) < tolerance
    assert slope < loose
    assert curvature < looser


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 64, 257])
def test_without_concentration_it_is_the_uniform_law(dim, dtype):
    law, uniform = PowerSpherical(directions(dim, dtype=dtype), 0.0), HypersphericalUniform(dim, dtype=dtype)
    x = uniform.sample((5,), seeded())
    torch.testing.assert_close(law.log_prob(x), uniform.log_prob(x).expand(5))
    torch.testing.assert_close(law.entropy(), uniform.entropy())
    torch.testing.assert_close(law.mean, uniform.mean)
    torch.testing.assert_close(law.covariance_matrix, uniform.covariance_matrix)


def test_slope_of_the_peak_in_float32_up_to_the_largest_concentrations() -> None:
    """d log p / d kappa at the mode is beta / kappa in the limit; once twice that."""
    for kappa in (1e15, 1e19, 1e22, 1e30):
        c = torch.tensor(kappa, requires_grad=True)
        mode = torch.tensor([1.0, 0.0, 0.0])
        (slope,) = torch.autograd.grad(PowerSpherical(mode, c, validate_args=False).log_prob(mode), c)
        assert slope.item() * kappa == pytest.approx(1, rel=1e-5)
