"""Mean directions at which a sampler may fail: on an axis, opposite, close to one, and random."""

import pytest
import torch

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
PLACES = pytest.mark.parametrize("place", ["e1", "minus_e1", "near_e1", "random"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def direction(place, dim, dtype=torch.float64):
    axis = torch.zeros(dim, dtype=torch.float64)
    axis[0] = 1
    noise = torch.randn(dim, dtype=torch.float64, generator=seeded(dim))
    vectors = {"e1": axis, "minus_e1": -axis, "near_e1": axis + 1e-4 * noise / noise.norm(), "random": noise}
    return torch.nn.functional.normalize(vectors[place], dim=0).to(dtype)
