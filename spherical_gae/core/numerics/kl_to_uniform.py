"""The divergence of a law on the sphere to the uniform one, as a differentiable function of the concentration."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.divergence_family import DivergenceFamily
from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.kl_table import DIVERGENCE_FAMILIES, tabulated_kl
from spherical_gae.core.numerics.operators import call_operator, is_traced, register_operator
from spherical_gae.core.numerics.signature import keeps_signature


def divergence_to_uniform(concentration: Tensor, family: type[DivergenceFamily], dim: int) -> Tensor:
    """KL(law || uniform), which does not depend on the mean direction.

    Args:
        concentration: kappa >= 0, any shape, float32 or float64.
        family: The distribution.
        dim: Ambient dimension m >= 2.

    Returns:
        The divergence in nats, same shape and dtype, differentiable twice in both modes, under ``torch.func`` and, in
        reverse mode, under ``torch.compile``.  It and its derivative have the accuracy of ``tabulated_kl``; the second
        derivative is the table's own.
    """
    if is_traced(concentration):
        return call_operator("divergence_to_uniform", concentration, dim=dim, family=family.__name__)[0]
    return _Divergence.apply(concentration, family, dim)[0]


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
        kappa, slope = ctx.saved_tensors
        if torch.is_grad_enabled():
            # As a function of kappa, for a second derivative.
            slope = tabulated_kl(kappa, ctx.family, ctx.dim)[1]
        return grad * slope, None, None

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, tangent: Tensor, _family: None, _dim: None) -> tuple[Tensor, None]:
        return tangent * tabulated_kl(ctx.saved_tensors[0], ctx.family, ctx.dim)[1], None


register_operator(
    "divergence_to_uniform",
    lambda kappa, family, dim: (divergence_to_uniform(kappa, DIVERGENCE_FAMILIES[family], dim),),
)
