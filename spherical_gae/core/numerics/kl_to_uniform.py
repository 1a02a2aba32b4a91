"""The divergence of a law on the sphere to the uniform one, as a differentiable function of the concentration."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.divergence_family import DivergenceFamily
from spherical_gae.core.numerics.kl_table import tabulated_kl
from spherical_gae.core.numerics.signature import keeps_signature


def divergence_to_uniform(concentration: Tensor, family: type[DivergenceFamily], dim: int) -> Tensor:
    """KL(law || uniform), which does not depend on the mean direction.

    Args:
        concentration: kappa >= 0, any shape, float32 or float64.
        family: The law.
        dim: Ambient dimension m >= 2.

    Returns:
        The divergence in nats, same shape and dtype, differentiable in both modes and under ``torch.func``, but not
        forward over forward, which gives 0: torch does not differentiate a Function's jvp in forward mode.  It and
        its derivative have the accuracy of ``tabulated_kl``; the second derivative is the table's own.
    """
    divergence = _Divergence if torch.compiler.is_compiling() else _DivergenceBothModes
    return divergence.apply(concentration, family, dim)[0]


class _Divergence(Function):
    """The divergence and its slope, from one look into the table."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(kappa: Tensor, family: type[DivergenceFamily], dim: int) -> tuple[Tensor, Tensor]:
        return tabulated_kl(kappa, family, dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        kappa, ctx.family, ctx.dim = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(kappa, output[1])
        ctx.save_for_forward(kappa, output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _grad_slope: Tensor) -> tuple[Tensor, None, None]:
        return grad * _slope(ctx), None, None


class _DivergenceBothModes(_Divergence):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _family: None, _dim: None) -> tuple[Tensor, None]:
        return tangent * _slope(ctx), None


def _slope(ctx: Any) -> Tensor:
    """The slope, as a function of kappa where a second derivative may be asked for."""
    kappa, slope = ctx.saved_tensors
    if torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return tabulated_kl(kappa, ctx.family, ctx.dim)[1]
    return slope
