"""How right the samples, their gradients and the scalar functions are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.special import ndtr
from scipy.stats import kstwobign, vonmises_fisher
from torch import Tensor

from spherical_gae.core import HypersphericalUniform, PowerSpherical, VonMisesFisher
from spherical_gae.core.numerics.angle_family import AngleFamily, PowerSphericalAngle, VonMisesFisherAngle
from spherical_gae.core.numerics.angle_quantile import Array, log_mass, normal_score
from spherical_gae.core.numerics.angle_table import angle_table, tabulated_angle
from spherical_gae.core.numerics.special import mean_resultant_length, mean_resultant_slope

# Dimensions and concentrations, none of them a knot of a table.
CELLS = (
    (4, 0.37), (4, 7.7), (5, 2.9), (5, 91.3), (8, 12.3), (11, 33.1),
    (16, 21.7), (16, 1234.5), (64, 150.3), (257, 77.7), (257, 5000.1), (1000, 313.0),
)  # fmt: skip
DIMS = (4, 5, 8, 11, 16, 32, 64, 128, 257, 1000, 4096, 65536)
_CHUNK = 1_000_000


def certificates() -> list[dict[str, Any]]:
    """The errors that each table measured when it was built."""
    rows = []
    for family in (VonMisesFisherAngle, PowerSphericalAngle):
        for dim in (2, 3, *DIMS) if family is PowerSphericalAngle else DIMS:
            for dtype in (torch.float32, torch.float64):
                table = angle_table(family, dim, dtype, torch.device("cpu"))
                rows.append(
                    {
                        "law": family.__name__,
                        "dim": dim,
                        "dtype": str(dtype),
                        "cdf_error": table.cdf_error,
                        "slope_error": table.slope_error,
                        "megabytes": table.cells.numel() * table.cells.element_size() / 1e6,
                    }
                )
    return rows


def law_of_samples(dim: int, concentration: float, size: int, dtype: torch.dtype, seed: int) -> dict[str, Any]:
    """Kolmogorov-Smirnov test of the angle, and the mean of mu.z in standard errors, at large sample sizes.

    The distribution function is interpolated between 20,001 exact values, by the quadrature that the tables are made
    with, for the first tenth of the samples; the mean is taken over all, in float64, against A, which is made apart.
    """
    kappa = torch.tensor(concentration, dtype=dtype)
    probabilities = []
    total = square = 0.0
    exact = 1 - float(mean_resultant_length(kappa.double(), dim))
    cdf = distribution_function(dim, float(kappa))
    for number, versine in enumerate(versines(dim, kappa, size, seed)):
        if number < size // _CHUNK / 10:
            probabilities.append(cdf(versine))
        total += float((versine - exact).sum())
        square += float(((versine - exact) ** 2).sum())
    u = np.sort(np.concatenate(probabilities))
    steps = np.arange(len(u) + 1) / len(u)
    distance = max((u - steps[:-1]).max(), (steps[1:] - u).max())
    return {
        "dim": dim,
        "concentration": concentration,
        "dtype": str(dtype),
        "ks_size": len(u),
        "ks_p": float(kstwobign.sf(distance * len(u) ** 0.5)),
        "mean_size": size,
        "mean_standard_errors": total / size / (square**0.5 / size),
    }


def versines(dim: int, kappa: Tensor, size: int, seed: int) -> Iterator[Array]:
    """1 - mu.z of samples, chunk by chunk."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(size // _CHUNK):
        score = torch.empty(_CHUNK, dtype=kappa.dtype).normal_(generator=generator)
        square = tabulated_angle(kappa.expand(_CHUNK), score, VonMisesFisherAngle, dim).half_tangent.double() ** 2
        yield (2 * square / (1 + square)).numpy()


def distribution_function(dim: int, concentration: float) -> Any:
    """P(1 - mu.z <= x), from exact values on a fine grid."""
    family: AngleFamily = VonMisesFisherAngle(dim)
    t = 2 * concentration / (dim - 1)
    b = np.array([[1 / (t + np.hypot(1, t))]])
    reach = 45 * 2 / (dim - 1) + 10 * (2 / (dim - 1)) ** 0.5
    y = np.linspace(-reach, reach, 20_001)[None, :]
    middle = np.where(y < 0, -1.0, 1.0)
    score = normal_score(family, b, y, middle, log_mass(family, b))[0]

    def cdf(versine: Array) -> Array:
        place = np.log(versine / (2 - versine)) - np.log(b[0, 0])
        return ndtr(np.interp(place, y[0], score))

    return cdf


def gradients(dim: int, concentration: float, seed: int, size: int = 1_000_000) -> dict[str, Any]:
    """The mean of d(mu.z)/dkappa over samples against A', in standard errors and relative to A'."""
    rows: dict[str, Any] = {"dim": dim, "concentration": concentration}
    exact = float(mean_resultant_slope(torch.tensor(concentration, dtype=torch.float64), dim))
    score = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    angle = tabulated_angle(torch.full((size,), concentration), score, VonMisesFisherAngle, dim)
    slope = (-angle.sine * angle.velocity).double()
    error = float(slope.mean()) - exact
    rows["bias_standard_errors"] = error / (float(slope.std()) / size**0.5)
    rows["relative_bias"] = error / exact
    return rows


def densities() -> dict[str, float]:
    """The largest relative difference of log densities and entropies to scipy's, in float64."""
    worst = {"log_prob": 0.0, "entropy": 0.0}
    for dim in (2, 3, 5, 16, 64):
        for concentration in (0.1, 1.0, 10.0, 100.0):
            loc = torch.eye(dim, dtype=torch.float64)[0]
            law, peer = VonMisesFisher(loc, concentration), vonmises_fisher(loc.numpy(), concentration)
            points = HypersphericalUniform(dim, dtype=torch.float64).sample((50,))
            found, expected = law.log_prob(points).numpy(), peer.logpdf(points.numpy())
            worst["log_prob"] = max(worst["log_prob"], float(np.abs(found / expected - 1).max()))
            worst["entropy"] = max(worst["entropy"], abs(float(law.entropy()) / float(peer.entropy()) - 1))
    return worst


def power_spherical_moments(size: int = 1_000_000) -> float:
    """The largest deviation of E[mu.z] of Power Spherical samples from kappa / (kappa + m - 1), in standard errors."""
    worst = 0.0
    for dim, concentration in ((2, 1.3), (3, 17.0), (16, 4.4), (257, 99.0)):
        law = PowerSpherical(torch.eye(dim)[0].double(), concentration)
        height = law.sample((size // dim,))[:, 0]
        deviation = (height.mean() - law.mean[0]) / (height.std() / len(height) ** 0.5)
        worst = max(worst, abs(float(deviation)))
    return worst
