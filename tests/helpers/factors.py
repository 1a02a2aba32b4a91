"""Batches of laws on one sphere each, the factors of a product."""

import math

import torch
from torch.nn.functional import normalize

from spherical_gae.core import HypersphericalUniform, VonMisesFisher
from tests.helpers.places import seeded

Factors = VonMisesFisher | HypersphericalUniform

KAPPAS = (0.0, 3.0, 40.0, 0.7)


def von_mises_fisher(batch: tuple[int, ...], num_factors: int, dim: int, dtype: torch.dtype, seed: int = 0) -> Factors:
    noise = torch.randn(*batch, num_factors, dim, dtype=torch.float64, generator=seeded(seed))
    kappa = torch.tensor(KAPPAS).roll(seed)[:num_factors] * (1 + torch.arange(math.prod(batch)).view(*batch, 1))
    return VonMisesFisher(normalize(noise, dim=-1).to(dtype), kappa.to(dtype))


def make(law: str, batch: tuple[int, ...], num_factors: int, dim: int, dtype: torch.dtype, seed: int = 0) -> Factors:
    if law == "vmf":
        return von_mises_fisher(batch, num_factors, dim, dtype, seed)
    return HypersphericalUniform(dim, dtype=dtype).expand((*batch, num_factors))


def one_by_one(factors: Factors) -> list[Factors]:
    """The law of each factor by itself, of the batch shape of the product."""
    if isinstance(factors, VonMisesFisher):
        locs, kappas = factors.loc.unbind(-2), factors.concentration.unbind(-1)
        return [VonMisesFisher(loc, kappa) for loc, kappa in zip(locs, kappas, strict=True)]
    batch = factors.batch_shape[:-1]
    return [
        HypersphericalUniform(factors.dim, factors.mean.dtype).expand(batch) for _ in range(factors.batch_shape[-1])
    ]
