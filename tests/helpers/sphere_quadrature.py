"""Quadrature on the circle and the sphere, with respect to the surface measure."""

import math

import numpy as np
import torch
from torch import Tensor


def circle(size: int) -> tuple[Tensor, Tensor]:
    """Nodes [size, 2] and weights [size] on S^1, exact to rounding for smooth functions."""
    angle = torch.arange(size, dtype=torch.float64) * (2 * math.pi / size)
    return torch.stack([angle.cos(), angle.sin()], dim=-1), torch.full((size,), 2 * math.pi / size, dtype=torch.float64)


def sphere(size: int) -> tuple[Tensor, Tensor]:
    """Nodes [2 size^2, 3] and weights on S^2: Gauss-Legendre in the height, equally spaced around."""
    height, weight = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(size))
    around, step = circle(2 * size)
    flat = (1 - height**2).sqrt()[:, None, None] * around
    x = torch.cat([flat, height[:, None, None].expand(-1, 2 * size, 1)], dim=-1)
    return x.flatten(0, 1), (weight[:, None] * step).flatten()
