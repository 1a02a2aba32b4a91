"""Vectors of any length to unit vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


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
