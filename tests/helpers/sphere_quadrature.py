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


def pairs(nodes: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The rule on two spheres: nodes [n^2, 2 m], the first one's coordinates first, and weights [n^2]."""
    count = len(nodes)
    x = torch.cat([nodes.repeat_interleave(count, 0), nodes.repeat(count, 1)], dim=-1)
    return x, weights.repeat_interleave(count) * weights.repeat(count)


def cells(dim: int, count: int, order: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of the cells that ``cell_of`` numbers: Gauss-Legendre of this order within each.

    On the circle there are ``count`` arcs, on the sphere ``count`` zones of one area in as many sectors.
    """
    angle, step = _panels(0, 2 * math.pi, count, order)
    around = torch.stack([angle.cos(), angle.sin()], dim=-1)
    if dim == 2:
        return around, step
    height, weight = (part.view(count, 1, order, 1) for part in _panels(-1, 1, count, order))
    flat = (1 - height**2).sqrt().unsqueeze(-1) * around.view(1, count, 1, order, 2)
    x = torch.cat([flat, height.unsqueeze(-1).expand(-1, count, -1, order, 1)], dim=-1)
    return x.flatten(0, 3), (weight * step.view(1, count, 1, order)).flatten()


def cell_of(x: Tensor, count: int) -> Tensor:
    """The cell in which each point [..., m], m = 2 or 3, lies."""
    sector = (torch.atan2(x[..., 1], x[..., 0]) / (2 * math.pi) % 1 * count).long().clamp(max=count - 1)
    if x.shape[-1] == 2:
        return sector
    zone = ((1 + x[..., 2]) / 2 * count).long().clamp(max=count - 1)
    return zone * count + sector


def _panels(start: float, end: float, count: int, order: int) -> tuple[Tensor, Tensor]:
    node, weight = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(order))
    width = (end - start) / count
    left = start + width * torch.arange(count, dtype=torch.float64)
    return (left[:, None] + width / 2 * (1 + node)).flatten(), (width / 2 * weight).repeat(count)
