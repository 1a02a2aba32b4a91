"""Carries an angle to the mean direction into a point on the sphere, without a Householder matrix."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def tangent_direction(loc: Tensor, generator: Generator | None = None) -> Tensor:
    """Draws a uniform unit vector orthogonal to ``loc``.

    Args:
        loc: Unit vectors, shape [..., m], m >= 2.
        generator: Source of randomness; torch's global one if None.

    Returns:
        Unit tangent vectors, shape [..., m], differentiable in ``loc``: the smallest rotation that moves ``loc``
        carries them along.  Unlike a gradient through the projection of fixed noise, this one is bounded; for
        m = 3 the other has infinite variance.
    """
    if loc.shape[-1] == 2:
        sign = torch.empty_like(loc[..., :1]).uniform_(-1, 1, generator=generator)
        x, y = loc.unbind(-1)
        return torch.stack((-y, x), -1) * torch.where(sign < 0, -1.0, 1.0).to(loc.dtype)
    start = loc.detach()
    noise = torch.empty_like(start, memory_format=torch.contiguous_format).normal_(generator=generator)
    tangent = noise - _inner(noise, start) * start
    tangent = tangent / tangent.norm(dim=-1, keepdim=True)
    # The rotation from start to loc.  Its value removes what rounding has left along loc.
    return tangent - _inner(tangent, loc) / (1 + _inner(start, loc)) * (start + loc)


def point_at_angle(loc: Tensor, tangent: Tensor, versine: Tensor, sine: Tensor) -> Tensor:
    """The point at angle theta from ``loc`` towards ``tangent``: cos(theta) loc + sin(theta) tangent.

    Args:
        loc: Unit vectors, shape [..., m].
        tangent: Unit vectors orthogonal to ``loc``, shape [..., m].
        versine: 1 - cos(theta), shape [...].
        sine: sin(theta), shape [...].

    Returns:
        Unit vectors, shape [..., m]; exact to rounding for ``loc`` on, opposite and near every axis.
    """
    return loc - versine.unsqueeze(-1) * loc + sine.unsqueeze(-1) * tangent


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)
