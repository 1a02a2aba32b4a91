"""The direction of a normal vector: its sample, and the divergence from the uniform distribution that one sample gives.

For x ~ N(mu, diag(s^2)) in R^m, z = x / |x|, w = z / s, n = mu / s, let A = |w|^2, a = w.n / sqrt(A) and
c = (|mu|^2 + |s|^2) / m, the mean square of a coordinate.  Given z, the length r = |x| has the distribution of
``truncated_moments.py`` in units of 1 / sqrt(A).  As the length of a standard normal vector does not depend on its
direction, the divergence of both laws of x is the one of z plus the mean one of r.  For (mu, s) / sqrt(c), which gives
the same z, that is

    KL(q || uniform) = -sum log s + (m / 2) log c - E[g(z)],
    g = (m / 2) (e^l - 1 - l) + e(a),      l = log(S(a) / m) - log A - log c,

where all terms of g are positive: the divergence of the length's law from the chi law with the same second moment, and
of that one from chi_m.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.operators import call_operator, is_traced, last_size, register_operator
from spherical_gae.core.numerics.signature import keeps_signature
from spherical_gae.core.numerics.truncated_moments import given_direction


def project(loc: Tensor, scale: Tensor, noise: Tensor) -> Tensor:
    """z = x / |x| of x = mu + s noise, differentiable twice in mu and s.

    Args:
        loc: mu, shape [..., m].
        scale: s, the same shape.
        noise: Standard normal, the same shape.

    Returns:
        Unit vectors, shape [..., m].
    """
    if is_traced(loc):
        x = torch.addcmul(loc, scale, noise)
        return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return _Projection.apply(loc, scale, noise)[0]


def sampled_divergence(loc: Tensor, scale: Tensor, value: Tensor) -> Tensor:
    """-sum log s + (m / 2) log c - g(z), whose mean over z ~ q is KL(q || uniform).

    Args:
        loc: mu, shape [..., m].
        scale: s > 0, the same shape.
        value: Unit vectors z, the same shape.

    Returns:
        Nats, shape [...], differentiable twice in all three.
    """
    if is_traced(loc):
        return call_operator("sampled_divergence", loc, scale, value, dim=last_size(loc))[0]
    return _Divergence.apply(loc, scale, value)[0]


class _Projection(Function):
    """The direction and the inverse length."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(loc: Tensor, scale: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.addcmul(loc, scale, noise)
        inverse = torch.linalg.vector_norm(x, dim=-1, keepdim=True).reciprocal_()
        return x.mul_(inverse), inverse

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, *output)
        ctx.save_for_forward(*inputs, *output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _grad_inverse: Tensor) -> tuple[Tensor, Tensor, None]:
        noise, value, inverse = _direction(ctx)
        across = torch.addcmul(grad, (grad * value).sum(-1, keepdim=True), value, value=-1) * inverse
        return across, across * noise, None

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, loc: Tensor | None, scale: Tensor | None, _noise: None) -> tuple[Tensor, None]:
        noise, value, inverse = _direction(ctx)
        change = torch.zeros_like(value) if loc is None else loc
        if scale is not None:
            change = change + scale * noise
        return torch.addcmul(change, (change * value).sum(-1, keepdim=True), value, value=-1) * inverse, None


def _direction(ctx: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The noise, and z and 1 / |x|, as functions of mu and s where a second derivative may be asked for."""
    loc, scale, noise, value, inverse = ctx.saved_tensors
    if torch.is_grad_enabled():
        x = torch.addcmul(loc, scale, noise)
        inverse = torch.linalg.vector_norm(x, dim=-1, keepdim=True).reciprocal()
        value = x * inverse
    return noise, value, inverse


class _Divergence(Function):
    """The divergence, and three numbers that its gradient needs."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(loc: Tensor, scale: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        return _divergence(loc, scale, value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, output[1])
        ctx.save_for_forward(*inputs, output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _grad_numbers: Tensor) -> tuple[Tensor, ...]:
        return _gradients(ctx, grad.unsqueeze(-1))

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, None]:
        one = torch.ones_like(ctx.saved_tensors[0][..., :1])
        pairs = zip(_gradients(ctx, one), tangents, strict=True)
        return torch.stack([(g * t).sum(-1) for g, t in pairs if t is not None]).sum(0), None


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Those in mu, s and z, times ``grad`` [..., 1]."""
    loc, scale, value, numbers = ctx.saved_tensors
    if torch.is_grad_enabled():
        numbers = _divergence(loc, scale, value)[1]
    on_square, on_product, shrink = (numbers * grad).split(1, -1)
    inverse = scale.reciprocal()
    point, pulled = value * inverse, on_product * loc * inverse
    on_value = torch.addcmul(pulled, on_square, point)
    bracket = torch.addcmul(grad, on_value + pulled, point)
    on_loc = torch.addcmul(shrink * loc, on_product * point, inverse)
    return on_loc, torch.addcmul(shrink * scale, bracket, inverse, value=-1), on_value * inverse


def _divergence(loc: Tensor, scale: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """The divergence, and the numbers of ``given_direction``."""
    point = value / scale
    length = torch.linalg.vector_norm(point, dim=-1)
    product = (point * (loc / scale)).sum(-1)
    size = torch.hypot(torch.linalg.vector_norm(loc, dim=-1), torch.linalg.vector_norm(scale, dim=-1))
    found = given_direction(product, length, size, last_size(loc))
    return found.value - torch.log(scale).sum(-1), found.numbers


register_operator(
    "sampled_divergence",
    lambda loc, scale, value, _family, _dim: (sampled_divergence(loc, scale, value),),
    drops_last_axis=True,
)
