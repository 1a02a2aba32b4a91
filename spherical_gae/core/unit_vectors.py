"""Vectors of any length to unit vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_SHORTEST = 1e-12


def unit_direction(direction: Tensor) -> Tensor:
    """Normalises vectors of any length; a zero vector becomes the first axis.

    Args:
        direction: Vectors, shape [..., m], of any finite size.

    Returns:
        Unit vectors, same shape.  The gradient at a zero vector is finite.
    """
    # Squares of entries far from 1 under- or overflow; the normalised vector does not depend on the scale.
    size = direction.detach().abs().amax(dim=-1, keepdim=True)
    is_zero = size == 0
    scaled = direction / torch.where(is_zero, torch.ones_like(size), size)
    axis = torch.eye(1, direction.shape[-1], dtype=direction.dtype, device=direction.device)[0]
    return F.normalize(torch.where(is_zero, axis, scaled), dim=-1)


def unit_or_zero(direction: Tensor) -> Tensor:
    """Normalises vectors; one that is at most 1e-12 long has no direction and becomes zero.

    Args:
        direction: Vectors, shape [..., m].

    Returns:
        Unit vectors and zeros, same shape.  No gradient reaches a vector that becomes zero: the slope of a
        normalisation is 1 / length, so that one such row would outweigh all others by many orders of magnitude.
    """
    length = direction.norm(dim=-1, keepdim=True)
    unit = direction / length.clamp_min(_SHORTEST)
    return torch.where(length > _SHORTEST, unit, torch.zeros_like(unit))
