"""Samples of a distribution on the sphere from the table of its angle, as one differentiable function."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.angle_family import AngleFamily
from spherical_gae.core.numerics.angle_table import TabulatedAngle, tabulated_angle
from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.operators import is_traced, last_size
from spherical_gae.core.numerics.signature import keeps_signature
from spherical_gae.core.numerics.tangent import carried, tangent_direction

# Up to this dimension Gaussian noise may be so close to the mean direction that the projection has to be explicit.
_SMALL_DIM = 8


def sample_tabulated(
    loc: Tensor, concentration: Tensor, family: type[AngleFamily], generator: Generator | None = None
) -> Tensor:
    """Draws z = cos(theta) mu + sin(theta) v, theta from the table and v uniform among the tangents.

    Args:
        loc: Unit vectors mu, shape [..., m].
        concentration: kappa >= 0, shape [...].
        family: The distribution.
        generator: Source of randomness; torch's global one if None.

    Returns:
        Unit vectors, shape [..., m].  Differentiable twice, in ``concentration`` implicitly, in ``loc`` by the
        smallest rotation that moves it; the part of that gradient along ``loc`` has no meaning.  Rotations do not
        commute: a sample's second derivative in two directions of ``loc`` is symmetric in the mean only.
    """
    if is_traced(loc):
        return _sample_traced(loc, concentration, family, generator)
    mean, kappa = loc.detach(), concentration.detach()
    score = torch.empty_like(kappa, memory_format=torch.contiguous_format).normal_(generator=generator)
    dim = last_size(loc)
    _, cosine, sine, velocity = tabulated_angle(kappa, score, family, dim)
    if dim <= _SMALL_DIM:
        noise = tangent_direction(mean, generator)
        along, scale = torch.zeros_like(score), torch.ones_like(score)
    else:
        noise = torch.empty_like(mean, memory_format=torch.contiguous_format).normal_(generator=generator)
        along = (noise * mean).sum(-1)
        square = torch.linalg.vector_norm(noise, dim=-1).square_()
        push = _push(square, along)
        first = noise.select(-1, 0)
        square = square.addcmul_(push, push + 2 * first)
        along = along.addcmul_(push, mean.select(-1, 0))
        first.add_(push)
        scale = square.addcmul_(along, along, value=-1).rsqrt_()
    return _Sample.apply(loc, concentration, cosine, sine, velocity, noise, along, scale, score, family)


def _push(square: Tensor, along: Tensor) -> Tensor:
    """What noise needs on its first coordinate not to be parallel to the mean direction.

    By chance it never is (a hundredth of the square is left with a probability of 1e-8 in nine dimensions), but where
    both were drawn from one seed.
    """
    return torch.where(square - along * along < 0.01 * square, square.sqrt(), 0.0)


def _sample_traced(
    loc: Tensor, concentration: Tensor, family: type[AngleFamily], generator: Generator | None
) -> Tensor:
    """The same for torch.compile, by functions that it differentiates itself."""
    kappa = concentration.detach()
    score = torch.empty_like(kappa, memory_format=torch.contiguous_format).normal_(generator=generator)
    # Not a slice, which torch 2.8 does not compile.
    _, cosine, sine, _ = tabulated_angle(concentration, score, family, last_size(loc))
    if loc.shape[-1] <= _SMALL_DIM:
        tangent = tangent_direction(loc, generator)
    else:
        mean = loc.detach()
        noise = torch.empty_like(mean, memory_format=torch.contiguous_format).normal_(generator=generator)
        square = torch.linalg.vector_norm(noise, dim=-1, keepdim=True).square()
        push = _push(square, (noise * mean).sum(-1, keepdim=True))
        noise = torch.cat([noise[..., :1] + push, noise[..., 1:]], dim=-1)
        along = (noise * mean).sum(-1, keepdim=True)
        scale = torch.rsqrt(torch.linalg.vector_norm(noise, dim=-1, keepdim=True).square() - along * along)
        tangent = (noise - along * mean) * scale
    return cosine.unsqueeze(-1) * loc + sine.unsqueeze(-1) * carried(tangent, loc)


class _Sample(Function):
    """cos(theta) loc + sin(theta) v with v = scale (noise - along loc)."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(
        loc: Tensor,
        kappa: Tensor,
        cosine: Tensor,
        sine: Tensor,
        velocity: Tensor,
        noise: Tensor,
        along: Tensor,
        scale: Tensor,
        score: Tensor,
        family: type[AngleFamily],
    ) -> Tensor:
        of_noise = sine * scale
        of_loc = torch.addcmul(cosine, of_noise, along, value=-1)
        return (of_loc.unsqueeze(-1) * loc).addcmul_(of_noise.unsqueeze(-1), noise)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, ctx.family = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        loc, kappa, cosine, sine, velocity, noise, along, scale, score = ctx.saved_tensors
        if torch.is_grad_enabled():
            tangent = carried((noise - along.unsqueeze(-1) * loc.detach()) * scale.unsqueeze(-1), loc)
            angle = tabulated_angle(kappa, score, ctx.family, last_size(loc))
            return *_differentiable_gradient(grad, loc, angle, tangent), *[None] * 8
        on_loc = (grad * loc).sum(-1)
        on_tangent = (grad * noise).sum(-1).addcmul_(along, on_loc, value=-1).mul_(scale)
        # An infinitesimal rotation by d loc turns the tangent by -(tangent . d loc) loc.
        turn = on_loc * sine
        grad_kappa = on_tangent.mul_(cosine).sub_(turn).mul_(velocity)
        grad_loc = None
        if ctx.needs_input_grad[0]:
            grad_loc = (cosine.unsqueeze(-1) * grad).addcmul_(turn.mul_(scale).unsqueeze(-1), noise, value=-1)
        return grad_loc, grad_kappa, *[None] * 8

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, on_loc: Tensor | None, on_kappa: Tensor | None, *_: None) -> Tensor:
        loc, kappa, _, _, _, noise, along, scale, score = ctx.saved_tensors
        tangent = carried((noise - along.unsqueeze(-1) * loc.detach()) * scale.unsqueeze(-1), loc)
        angle = tabulated_angle(kappa, score, ctx.family, last_size(loc))
        cosine, sine = angle.cosine.unsqueeze(-1), angle.sine.unsqueeze(-1)
        change = torch.zeros_like(loc)
        if on_kappa is not None:
            change = change + (on_kappa * angle.velocity).unsqueeze(-1) * (cosine * tangent - sine * loc)
        if on_loc is not None:
            change = change + cosine * on_loc - sine * (on_loc * tangent).sum(-1, keepdim=True) * loc
        return change


def _differentiable_gradient(
    grad: Tensor, loc: Tensor, angle: TabulatedAngle, tangent: Tensor
) -> tuple[Tensor, Tensor]:
    """The same gradient as a function of loc and kappa, which move the tangent and the angle as well."""
    on_loc, on_tangent = (grad * loc).sum(-1), (grad * tangent).sum(-1)
    grad_kappa = angle.velocity * (angle.cosine * on_tangent - angle.sine * on_loc)
    grad_loc = angle.cosine.unsqueeze(-1) * grad - (angle.sine * on_loc).unsqueeze(-1) * tangent
    return grad_loc, grad_kappa
