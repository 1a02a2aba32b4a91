"""The spherical Cauchy distribution: values against mpmath, samples against its Moebius map."""

from __future__ import annotations

import math

import pytest
import torch
from mpmath import mp, mpf
from scipy import stats
from torch.distributions import kl_divergence

from spherical_gae.core import HypersphericalUniform, SphericalCauchy
from tests.helpers.places import DTYPES, directions, seeded

DIMS = (2, 3, 5, 16, 257)
RHOS = (0.0, 1e-3, 0.3, 0.9, 0.9999)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def log_area(dim):
    """log |S^(m-1)|."""
    return mp.log(2) + mpf(dim) / 2 * mp.log(mp.pi) - mp.loggamma(mpf(dim) / 2)


def mean_over_heights(function, dim, rho):
    """E[f(mu.x)] by quadrature: heights of a uniform point, then the Moebius map."""
    rho = mpf(rho)

    def height(angle):
        u = mp.cos(angle)
        return ((1 + rho**2) * u + 2 * rho) / (1 + rho**2 + 2 * rho * u)

    # Where f bends: the map draws all angles but those near pi towards mu.
    near = (1 - rho) / (1 + rho)
    places = [0, mp.pi / 2, *(mp.pi - near * scale for scale in (8, 2, mpf(1) / 2) if near * scale < 1.5), mp.pi]
    total = mp.quad(lambda angle: mp.sin(angle) ** (dim - 2), places)
    return mp.quad(lambda angle: function(height(angle)) * mp.sin(angle) ** (dim - 2), places) / total


@DTYPES
@pytest.mark.parametrize("dim", DIMS)
def test_log_prob(dim, dtype):
    """The definition, at the mode, near it, and anywhere; relative to its largest term."""
    loc, noise = directions(dim, dtype=dtype), directions(4, dim, seed=1)
    for rho in torch.tensor(RHOS, dtype=dtype).tolist():
        steps = torch.stack([loc.double() + (1 - rho) * noise[0], *noise[1:], -loc.double() + 1e-3 * noise[0]])
        points = torch.cat([loc[None], torch.nn.functional.normalize(steps, dim=-1).to(dtype)])
        for value, x in zip(SphericalCauchy(loc, rho).log_prob(points).tolist(), points, strict=True):
            # 1 + rho^2 - 2 rho w, of the distance that the rounding has left.
            distance = mpf(math.fsum(((x.double() - loc.double()) ** 2).tolist()))
            terms = [mp.log(1 - mpf(rho) ** 2), mp.log((1 - mpf(rho)) ** 2 + mpf(rho) * distance)]
            exact = (dim - 1) * (terms[0] - terms[1]) - log_area(dim)
            largest = max(abs(log_area(dim)), *((dim - 1) * abs(term) for term in terms))
            assert abs(value - exact) < TOLERANCE[dtype] * largest


@DTYPES
def test_circle_is_the_wrapped_cauchy(dtype):
    """Its density is that of SciPy, its mean resultant length rho, its divergence -log(1 - rho^2)."""
    angle = torch.linspace(-3, 3, 13, dtype=dtype)
    points = torch.stack([angle.cos(), angle.sin()], dim=-1)
    for rho in (0.2, 0.7, 0.95):
        law = SphericalCauchy(torch.tensor([1.0, 0.0], dtype=dtype), rho)
        expected = torch.from_numpy(stats.wrapcauchy(rho).logpdf(angle.double().numpy() % (2 * math.pi)))
        torch.testing.assert_close(law.log_prob(points).double(), expected, rtol=0, atol=TOLERANCE[dtype])
        assert float(law.mean_resultant_length) == pytest.approx(rho, rel=TOLERANCE[dtype])
        divergence = float(kl_divergence(law, HypersphericalUniform(2, dtype=dtype)))
        assert divergence == pytest.approx(-math.log1p(-rho * rho), rel=TOLERANCE[dtype])


@pytest.mark.parametrize("rho", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("dim", [2, 3, 5, 41])
def test_moments_and_entropy(dim, rho):
    """Length, variances along and across the mean direction, entropy: by quadrature with 30 digits."""
    law = SphericalCauchy(directions(dim), rho)
    with mp.workdps(30):
        length, square = (mean_over_heights(lambda w, n=n: w**n, dim, rho) for n in (1, 2))
        of_density = mean_over_heights(lambda w: mp.log(1 + mpf(rho) ** 2 - 2 * mpf(rho) * w), dim, rho)
        entropy = log_area(dim) - (dim - 1) * (mp.log(1 - mpf(rho) ** 2) - of_density)
        along, across = square - length**2, (1 - square) / (dim - 1)
    for found, exact in zip(
        (law.mean_resultant_length, *law.principal_variances, law.entropy()),
        (length, along, across, entropy),
        strict=True,
    ):
        assert float(found) == pytest.approx(float(exact), rel=1e-11)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 16, 257])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_samples_are_uniform_points_after_the_moebius_map(dim, rho, dtype):
    """Its inverse makes heights those of uniform points: (1 + u) / 2 has the law Beta((m - 1) / 2, (m - 1) / 2)."""
    loc = directions(dim, dtype=dtype)
    height = (SphericalCauchy(loc, rho).rsample((5000,), seeded(dim)).double() @ loc.double()).clamp(-1, 1)
    back = ((1 + rho**2) * height - 2 * rho) / (1 + rho**2 - 2 * rho * height)
    beta = stats.beta((dim - 1) / 2, (dim - 1) / 2)
    assert stats.kstest((0.5 + 0.5 * back).clamp(0, 1).numpy(), beta.cdf).pvalue > 1e-3


def test_concentration_and_distance_say_the_same_as_rho():
    """rho = tanh(delta / 2), kappa = (m - 1) / 2 sinh(2 delta)."""
    rho = torch.tensor([0.0, 1e-8, 0.3, 0.99, 1 - 1e-9], dtype=torch.float64)
    law = SphericalCauchy(directions(7), rho)
    delta = [2 * mp.atanh(mpf(r)) for r in rho.tolist()]
    for name, exact in (("hyperbolic_distance", delta), ("concentration", [3 * mp.sinh(2 * d) for d in delta])):
        expected = torch.tensor([float(value) for value in exact], dtype=torch.float64)
        torch.testing.assert_close(getattr(law, name), expected, rtol=1e-14, atol=0)
