"""Carries an angle to the mean direction into a point on the sphere, without a Householder matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.operators import is_traced
from spherical_gae.core.numerics.signature import keeps_signature

_SHORTEST_SQUARED = 1e-5


def random_point_at_angle(loc: Tensor, versine: Tensor, sine: Tensor, generator: Generator | None = None) -> Tensor:
    """A point at angle theta from ``loc`` in a uniformly drawn direction: cos(theta) loc + sin(theta) tangent.

    Args:
        loc: Unit vectors, shape [..., m], m >= 2.
        versine: 1 - cos(theta), shape [...].
        sine: sin(theta), shape [...].
        generator: Source of randomness; torch's global one if None.

    Returns:
        Unit vectors, shape [..., m]; exact to rounding for ``loc`` on, opposite and near every axis.
        Differentiable twice in all three; in ``loc``, the smallest rotation that moves it carries the point along.
        Unlike a gradient through the projection of fixed noise, this one is bounded; for m = 3 the other has
        infinite variance.
    """
    tangent = tangent_direction(loc, generator)
    if is_traced(loc):
        return loc - versine.unsqueeze(-1) * loc + sine.unsqueeze(-1) * carried(tangent, loc)
    return _Point.apply(loc, versine, sine, tangent)


def tangent_direction(loc: Tensor, generator: Generator | None = None) -> Tensor:
    """Draws a uniform unit vector orthogonal to ``loc``.

    Args:
        loc: Unit vectors, shape [..., m], m >= 2.
        generator: Source of randomness; torch's global one if None.

    Returns:
        Unit tangent vectors, shape [..., m], constants for differentiation.
    """
    loc = loc.detach()
    if loc.shape[-1] == 2:
        sign = torch.empty_like(loc[..., :1], memory_format=torch.contiguous_format).uniform_(
            -1, 1, generator=generator
        )
        x, y = loc.unbind(-1)
        return torch.stack((-y, x), -1) * torch.where(sign < 0, -1.0, 1.0).to(loc.dtype)
    noise = torch.empty_like(loc, memory_format=torch.contiguous_format).normal_(generator=generator)
    tangent = torch.addcmul(noise, _inner(noise, loc), loc, value=-1)
    tangent = tangent / tangent.norm(dim=-1, keepdim=True)
    # Removes what rounding has left along loc.  That is much where the noise is parallel to loc, which happens if both
    # were drawn from one seed: then the rest is too short, and where it is all rounding, of unknown length.
    along = _inner(tangent, loc)
    length_squared = (1 - along * along).clamp(min=_SHORTEST_SQUARED)
    return torch.addcmul(tangent, along, loc, value=-1) * torch.rsqrt(length_squared)


class _Point(Function):
    """loc - versine loc + sine tangent, where the tangent is carried along with loc."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(loc: Tensor, versine: Tensor, sine: Tensor, tangent: Tensor) -> Tensor:
        near = torch.addcmul(loc, versine.unsqueeze(-1), loc, value=-1)
        return torch.addcmul(near, sine.unsqueeze(-1), tangent)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        loc, versine, sine, tangent = ctx.saved_tensors
        if torch.is_grad_enabled():
            # A second derivative is asked for, in which the tangent moves as well.
            tangent = carried(tangent, loc)
        along, across = _inner(grad, loc), _inner(grad, tangent)
        # An infinitesimal rotation by d loc turns the tangent by -(tangent . d loc) loc.
        grad_loc = torch.addcmul(grad, versine.unsqueeze(-1), grad, value=-1)
        grad_loc = torch.addcmul(grad_loc, sine.unsqueeze(-1) * along, tangent, value=-1)
        return grad_loc, -along.squeeze(-1), across.squeeze(-1), None

    @staticmethod
    @differentiable_jvp
    def jvp(
        ctx: Any, on_loc: Tensor | None, on_versine: Tensor | None, on_sine: Tensor | None, _on_tangent: None
    ) -> Tensor:
        loc, versine, sine, tangent = ctx.saved_tensors
        tangent = carried(tangent, loc)
        change = torch.zeros_like(loc)
        if on_loc is not None:
            change = on_loc - versine.unsqueeze(-1) * on_loc - sine.unsqueeze(-1) * _inner(on_loc, tangent) * loc
        if on_versine is not None:
            change = change - on_versine.unsqueeze(-1) * loc
        if on_sine is not None:
            change = change + on_sine.unsqueeze(-1) * tangent
        return change


def carried(tangent: Tensor, loc: Tensor) -> Tensor:
    """The constant tangent as a function of ``loc``: the smallest rotation of ``loc`` carries it along."""
    start = loc.detach()
    return tangent - _inner(tangent, loc) / (1 + _inner(start, loc)) * (start + loc)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)
