"""The acceptance-rejection gradient of Davidson et al. (2018, section 3.4), beside the implicit one.

Ulrich's proposal as corrected by Wood (1994) maps eps ~ Beta((m-1)/2, (m-1)/2) to w = mu.z by

    w = h(eps, kappa) = (1 - (1 + b) eps) / (1 - (1 - b) eps),   b = (m - 1) / (2 kappa + sqrt(4 kappa^2 + (m-1)^2)),

which in the half tangent t = tan(theta / 2) reads t = sqrt(b) sqrt(eps / (1 - eps)).  Held at the accepted eps, the
angle moves by

    dtheta / dkappa = -sin(theta) / sqrt(4 kappa^2 + (m - 1)^2).

The accepted eps has a distribution that depends on kappa, too: it is weighted by g / r, the target's density over the
proposal's.  With x = (1 - b) / (1 + b), the w at which g / r is largest, and A = E[w],

    log(g / r) = (m - 1) (log(1 + d) - d) - log P(accept),   d = kappa (x - w) / (m - 1),
    log P(accept) = L(kappa) - kappa x - (m - 1) / 2 log(1 - x^2),   L' = A,

whose total derivative at fixed eps, the factor of f in the paper's correction g_cor (eq. 9), is

    d/dkappa log(g / r) = x - A - x (w - x)^2 / (1 + x^2) = x / (1 + x^2) (E[(w - x)^2] - (w - x)^2).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.implicit import ReparameterizedAngle, reparameterized_angle
from spherical_gae.core.numerics.marginal import sample_half_tangent
from spherical_gae.core.numerics.special import mean_resultant_length, mean_resultant_slope
from spherical_gae.core.numerics.tangent import random_point_at_angle
from spherical_gae.core.von_mises_fisher import VonMisesFisher


class RejectionSample(NamedTuple):
    """A sample with the proposal's pathwise gradient, and what corrects that gradient.

    Attributes:
        value: Unit vectors z, shape [..., m].
        log_weight: Logarithm of the weight of the accepted noise at ``concentration``, relative to the weight with
            which it was drawn, shape [...]: exactly 0, with gradient d/dkappa log(g / r).

    Example:
        >>> sample = rejection_sample(torch.eye(4), torch.tensor(5.0))
        >>> sample.value.shape, sample.log_weight
        (torch.Size([4, 4]), tensor([0., 0., 0., 0.]))
    """

    value: Tensor
    log_weight: Tensor


def rejection_sample(
    loc: Tensor,
    concentration: Tensor | float,
    generator: Generator | None = None,
    validate_args: bool | None = None,
) -> RejectionSample:
    """Draws vMF samples, reparameterised through the accepted proposal (Davidson et al. 2018, Lemmas 1, 2, eq. 7-9).

    For a loss f(z) of each sample, shape [...], both of

        f(z) + f(z).detach() * log_weight          f(z) * log_weight.exp()

    have the value f(z) and the paper's unbiased gradient g_rep + g_cor of E[f(z)]; the second one's higher derivatives
    are unbiased as well.  f must not mix samples: a sum over them is taken afterwards.  As E[d log_weight] = 0, any
    baseline that does not depend on the sample may be taken off the f that multiplies ``log_weight``.
    The gradient of f(z) alone is biased in ``concentration``, except for m = 3.  That in ``loc`` needs no correction.

    For m = 3 the paper inverts the distribution function instead of rejecting: the gradient is then the one of
    ``VonMisesFisher.rsample`` with the exact sampler, and that of ``log_weight`` is 0.  Wood's proposal would be
    biased there as well.

    The accepted noise is a function of the sample, so samples are drawn by ``sample_half_tangent``, whose own
    envelopes reject less: the joint law of noise and sample is that of Wood's rejection, to a total variation of 1e-9.

    Args:
        loc: Mean direction mu, unit vectors, shape [..., m] with m >= 2, float32 or float64.
        concentration: kappa >= 0 and finite, shape [...], dtype and device of ``loc``; or a Python number.
        generator: Source of randomness, on the device of ``loc``; torch's global one if None.
        validate_args: Whether to check values, as for ``VonMisesFisher``; it makes a GPU wait.

    Returns:
        One sample for each element of the broadcast batch.  The gradients' errors, relative to the size of the terms
        above, are below 1e-5 in float32 and 1e-11 in float64 for kappa from 0 to 1e6 (for m = 3, see
        ``reparameterized_angle``).

    Raises:
        TypeError: If ``loc`` is neither float32 nor float64, or ``concentration`` has another dtype.
        ValueError: If m < 2, the shapes do not broadcast, the concentration has a trailing axis of 1 beside ``loc``'s
            batch, or, with validation on, a value is outside its range.

    Example:
        >>> concentration = torch.tensor(5.0, requires_grad=True)
        >>> sample = rejection_sample(torch.eye(4), concentration)
        >>> cosine = (sample.value * torch.eye(4)).sum(-1)
        >>> (cosine + cosine.detach() * sample.log_weight).mean().backward()
        >>> concentration.grad.isfinite()
        tensor(True)
    """
    law = VonMisesFisher(loc, concentration, validate_args)
    kappa, dim = law.concentration, law.dim
    half_tangent = sample_half_tangent(kappa, dim, generator)
    if dim == 3:
        versine, sine = reparameterized_angle(kappa, half_tangent, dim)
    else:
        versine, sine = _ProposedAngle.apply(kappa, half_tangent, dim)
    log_weight = _LogWeight.apply(kappa, versine, dim)
    return RejectionSample(random_point_at_angle(law.loc, versine, sine, generator), log_weight)


def _weight_slope(kappa: Tensor, versine: Tensor, dim: int) -> Tensor:
    """x - A - x (w - x)^2 / (1 + x^2), free of the cancellation of 1 - x and 1 - A at large kappa."""
    scaled = kappa / (0.5 * (dim - 1))
    root = torch.hypot(scaled, torch.ones_like(scaled))
    x = scaled / (1 + root)
    b = 1 / (scaled + root)
    # x is the root of the right side of A' = 1 - A^2 - (m - 1) A / kappa, so that x - A follows from A'.
    length, slope = mean_resultant_length(kappa, dim), mean_resultant_slope(kappa, dim)
    lead = kappa * slope / (kappa * (x + length) + (dim - 1))
    distance = 2 * b / (1 + b) - versine  # w - x
    return lead - x * distance * distance / (1 + x * x)


class _ProposedAngle(ReparameterizedAngle):
    """The angle at fixed noise; the derivative is one of the outputs, and so has one in turn."""

    @staticmethod
    def backward(ctx: Any, grad_versine: Tensor, grad_sine: Tensor) -> tuple[Tensor, None, None]:
        kappa, versine, sine = ctx.saved_tensors
        velocity = _proposed_velocity(kappa, sine, ctx.dim)
        return (grad_versine * sine + grad_sine * (1 - versine)) * velocity, None, None

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, on_kappa: Tensor, _on_half_tangent: None, _dim: None) -> tuple[Tensor, Tensor]:
        kappa, versine, sine = ctx.saved_tensors
        change = on_kappa * _proposed_velocity(kappa, sine, ctx.dim)
        return change * sine, change * (1 - versine)


def _proposed_velocity(kappa: Tensor, sine: Tensor, dim: int) -> Tensor:
    return -sine / torch.hypot(2 * kappa, torch.full_like(kappa, dim - 1))


class _LogWeight(Function):
    """Zero, with the derivative above; ``versine`` is a function of kappa, for a second derivative."""

    generate_vmap_rule = True

    @staticmethod
    def forward(kappa: Tensor, versine: Tensor, dim: int) -> Tensor:
        return torch.zeros_like(kappa)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        kappa, versine, ctx.dim = inputs
        ctx.save_for_backward(kappa, versine)
        ctx.save_for_forward(kappa, versine)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        kappa, versine = ctx.saved_tensors
        if ctx.dim == 3:
            return torch.zeros_like(grad), None, None
        return grad * _weight_slope(kappa, versine, ctx.dim), None, None

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, on_kappa: Tensor, _on_versine: Tensor | None, _dim: None) -> Tensor:
        kappa, versine = ctx.saved_tensors
        if ctx.dim == 3:
            return torch.zeros_like(on_kappa)
        return on_kappa * _weight_slope(kappa, versine, ctx.dim)
