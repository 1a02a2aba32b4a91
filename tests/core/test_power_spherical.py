"""The Power Spherical law: densities, moments and divergences against mpmath; arguments, copies, mixtures."""

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

from spherical_gae.core import HypersphericalUniform, PowerSpherical, VonMisesFisher
from tests.helpers.places import DTYPES, seeded

DIMS = (2, 3, 5, 16, 257, 4096)
CONCENTRATIONS = (0.0, 1e-3, 0.3, 7.0, 1e3, 1e6)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}


def directions(*shape, dtype=torch.float64, seed=0):
    noise = torch.randn(shape, dtype=torch.float64, generator=seeded(seed))
    return torch.nn.functional.normalize(noise, dim=-1).to(dtype)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


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


@pytest.mark.parametrize("kappa", [0.0, 1.0, 10.0, 200.0])
def test_density_integrates_to_one(kappa):
    """On the circle by the trapezoidal rule, on S^2 by it and Gauss-Legendre in the height."""
    around = torch.arange(400, dtype=torch.float64) * (2 * math.pi / 400)
    circle = torch.stack((around.cos(), around.sin()), -1)
    density = PowerSpherical(tensor([0.6, 0.8]), kappa).log_prob(circle).exp()
    assert density.sum().item() * 2 * math.pi / 400 == pytest.approx(1, rel=1e-13)
    height, weight = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(200))
    radius = (1 - height**2).sqrt().unsqueeze(-1)
    points = torch.cat((radius.unsqueeze(-1) * circle, height.reshape(-1, 1, 1).expand(-1, 400, 1)), -1)
    density = PowerSpherical(tensor([0.48, 0.6, 0.64]), kappa).log_prob(points).exp()
    assert (weight @ density).sum().item() * 2 * math.pi / 400 == pytest.approx(1, rel=1e-12)


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


@pytest.mark.parametrize("dim", [3, 100])
def test_function_transforms_of_the_divergence(dim):
    loc, kappa = directions(4, dim), tensor([0.0, 0.3, 12.0, 300.0])

    def divergence(loc, kappa):
        return kl_divergence(PowerSpherical(loc, kappa, validate_args=False), HypersphericalUniform(dim))

    leaf = kappa.clone().requires_grad_()
    (first,) = torch.autograd.grad(divergence(loc, leaf).sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    torch.testing.assert_close(vmap(jacrev(divergence, argnums=1))(loc, kappa), first)
    torch.testing.assert_close(vmap(hessian(divergence, argnums=1))(loc, kappa), second)


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_divergence_is_the_mean_log_ratio(dim):
    """Monte Carlo over samples, within 5 standard errors."""
    size, law, uniform = 50_000, PowerSpherical(directions(dim), 5.0), HypersphericalUniform(dim, dtype=torch.float64)
    sample = law.sample((size,), seeded())
    ratio = law.log_prob(sample) - uniform.log_prob(sample)
    error = ratio.std().item() / math.sqrt(size)
    assert abs(ratio.mean().item() - kl_divergence(law, uniform).item()) < 5 * error


def test_divergence_of_batches_and_of_different_spheres():
    law, uniform = PowerSpherical(directions(4, 3), 2.0), HypersphericalUniform(3, dtype=torch.float64)
    assert kl_divergence(law, uniform.expand((2, 4))).shape == (2, 4)
    assert kl_divergence(Independent(law, 1), Independent(uniform.expand((4,)), 1)).shape == ()
    with pytest.raises(ValueError, match="one sphere, got dimensions 3 and 4"):
        kl_divergence(law, HypersphericalUniform(4))


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 64, 257])
def test_without_concentration_it_is_the_uniform_law(dim, dtype):
    law, uniform = PowerSpherical(directions(dim, dtype=dtype), 0.0), HypersphericalUniform(dim, dtype=dtype)
    x = uniform.sample((5,), seeded())
    torch.testing.assert_close(law.log_prob(x), uniform.log_prob(x).expand(5))
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
    law = PowerSpherical(directions(*loc_batch, dim), torch.full(kappa_shape, 2.0, dtype=torch.float64))
    assert (law.batch_shape, law.event_shape, law.dim) == (batch, (dim,), dim)
    assert law.mean.shape == law.mode.shape == law.variance.shape == law.rsample().shape == (*batch, dim)
    assert law.covariance_matrix.shape == (*batch, dim, dim)
    assert law.entropy().shape == batch
    sample = law.sample((5, 2))
    assert sample.shape == (5, 2, *batch, dim)
    assert law.log_prob(sample).shape == (5, 2, *batch)
    larger = law.expand((6, *batch))
    assert isinstance(larger, PowerSpherical)
    assert (larger.batch_shape, larger.sample((5,)).shape) == ((6, *batch), (5, 6, *batch, dim))
    torch.testing.assert_close(
        larger.log_prob(sample[:, :1].expand(5, 6, *batch, dim))[:, 2], law.log_prob(sample[:, 0])
    )


UNIT = torch.tensor([[0.6, 0.8], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("loc", "concentration", "error", "message"),
    [
        (UNIT, torch.tensor([1.0, math.nan]), ValueError, "concentration must be finite and at least 0, got nan"),
        (UNIT, math.inf, ValueError, "concentration must be finite and at least 0, got inf"),
        (UNIT, torch.tensor([1.0, -2.0]), ValueError, r"concentration must be finite and at least 0, got -2\.0"),
        (UNIT * 1.5, 1.0, ValueError, r"loc must hold unit vectors.*off by 0\.5.*normalize"),
        (torch.ones(3, 1), 1.0, ValueError, r"loc must have shape .* m >= 2, got \(3, 1\)"),
        (UNIT, torch.ones(2, 1), ValueError, r"concentration must have the batch shape of loc, \(2,\).*squeeze"),
        (UNIT, torch.ones(3), ValueError, r"concentration must have a shape that broadcasts .*\(2,\), got \(3,\)"),
        (UNIT, torch.ones(2, dtype=torch.float64), TypeError, "concentration must have the dtype of loc"),
        (UNIT.half(), 1.0, TypeError, r"loc must be float32 or float64, got torch\.float16"),
    ],
)
def test_wrong_arguments_are_named(loc, concentration, error, message):
    """As for the von Mises-Fisher law."""
    for law in (PowerSpherical, VonMisesFisher):
        with pytest.raises(error, match=message):
            law(loc, concentration, validate_args=True)


def test_validation_of_values():
    law = PowerSpherical(UNIT, 1.0, validate_args=True)
    for checked in (law, law.expand((3, 2))):
        with pytest.raises(ValueError, match="UnitSphere"):
            checked.log_prob(UNIT * 1.1)
        with pytest.raises(ValueError, match="right-most size"):
            checked.log_prob(torch.tensor([[1.0, 0.0, 0.0]]))
    assert PowerSpherical(UNIT, 1.0, validate_args=False).log_prob(UNIT * 1.1).isfinite().all()


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))], ids=["copy", "pickle"])
def test_copies(clone):
    law = PowerSpherical(directions(4, 3), tensor([0.0, 1.0, 20.0, 300.0])).expand((2, 4))
    copied = clone(law)
    assert torch.equal(copied.sample((5,), seeded()), law.sample((5,), seeded()))
    assert torch.equal(copied.entropy(), law.entropy())
    assert repr(copied) == "PowerSpherical(loc: (2, 4, 3), concentration: (2, 4))"


@pytest.mark.parametrize("component", [PowerSpherical, VonMisesFisher])
@pytest.mark.parametrize("dim", [2, 3, 20])
def test_mixture(component, dim):
    """The log density is a log sum, samples are unit vectors and have the mixture's mean, within 5 se."""
    law, weights = component(directions(4, dim), tensor([0.0, 1.0, 20.0, 300.0])), tensor([0.1, 0.2, 0.3, 0.4])
    mixture = MixtureSameFamily(Categorical(weights), law)
    x = directions(7, dim, seed=1)
    expected = torch.logsumexp(weights.log() + law.log_prob(x.unsqueeze(-2)), -1)
    torch.testing.assert_close(mixture.log_prob(x), expected, rtol=1e-13, atol=1e-13)
    mean = (weights.unsqueeze(-1) * law.mean).sum(0)
    torch.testing.assert_close(mixture.mean, mean)
    torch.manual_seed(0)
    sample = mixture.sample((3, 5000))
    assert sample.shape == (3, 5000, dim)
    assert (sample.norm(dim=-1) - 1).abs().max() < 1e-12
    flat = sample.flatten(0, 1)
    assert ((flat.mean(0) - mean).abs() < 5 * flat.std(0) / math.sqrt(len(flat))).all()
