"""Seeds, and directions at which a sampler may fail: on an axis, opposite, close to one, and random."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
PLACE_NAMES = ("e1", "minus_e1", "near_e1", "random")
PLACES = pytest.mark.parametrize("place", PLACE_NAMES)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def direction(place: str, dim: int, dtype: torch.dtype = torch.float64) -> Tensor:
    axis = torch.zeros(dim, dtype=torch.float64)
    axis[0] = 1
    noise = torch.randn(dim, dtype=torch.float64, generator=seeded(dim))
    vectors = {"e1": axis, "minus_e1": -axis, "near_e1": axis + 1e-4 * noise / noise.norm(), "random": noise}
    return torch.nn.functional.normalize(vectors[place], dim=0).to(dtype)


def directions(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Random unit vectors, shape [*shape]: the last number is the dimension."""
    noise = torch.randn(shape, dtype=torch.float64, generator=seeded(seed))
    return torch.nn.functional.normalize(noise, dim=-1).to(dtype)
