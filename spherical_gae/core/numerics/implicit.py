"""The implicit reparameterisation gradient of the angle to the mean direction.

A sample theta of the distribution with distribution function F(theta; kappa) moves with kappa along its level set
(Figurnov et al. 2018, eq. 5),

    dtheta / dkappa = -(dF / dkappa) / f(theta) = -(1 / f(theta)) * integral over a tail of |cos t - A| f(t) dt,

over the tail that does not contain the mean A = E[cos theta]: there the integrand has one sign and nothing
cancels.  In the variable theta the density is analytic up to both ends for every m, so one Gauss-Legendre rule
serves all dimensions but m = 3, where the integral has a closed form.  No correction term is needed, unlike in the
paper's section 3.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.bessel import ratio_terms
from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.operators import call_operator, is_traced, register_operator
from spherical_gae.core.numerics.signature import keeps_signature

# The number of e-folds after which the tail is cut, and the Gauss-Legendre nodes and weights on [-1, 1]: plain
# numbers, made at import, because torch.compile cannot trace NumPy's routine.
_FOLDS = {torch.float32: 17.0, torch.float64: 38.0}
_RULES = {
    dtype: [x.tolist() for x in np.polynomial.legendre.leggauss(nodes)]
    for dtype, nodes in ((torch.float32, 14), (torch.float64, 32))
}
_NEWTON_STEPS = 4
# For m = 3: below this concentration the closed form cancels, and a series with so many terms takes its place.
_SERIES_END = 2.0
_SERIES_TERMS = {torch.float32: 7, torch.float64: 11}


def reparameterized_angle(concentration: Tensor, half_tangent: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Attaches the implicit gradient to a sampled angle.

    Args:
        concentration: kappa >= 0, any shape, float32 or float64.
        half_tangent: A sample t = tan(theta / 2) > 0 of the distribution at ``concentration``, same shape and dtype.
        dim: Ambient dimension m >= 2.

    Returns:
        1 - cos(theta) in [0, 2] and sin(theta) in [0, 1], same shape; their gradient in ``concentration`` is
        the pathwise one, with a relative error below 1e-12 in float64 and, in float32, 1e-5 for m <= 1000 and
        1e-4 for m <= 65536.  Differentiable twice.
    """
    if is_traced(concentration):
        versine, sine = call_operator("reparameterized_angle", concentration, half_tangent, dim=dim)
        return versine, sine
    return ReparameterizedAngle.apply(concentration, half_tangent, dim)


def angle_velocity(concentration: Tensor, half_tangent: Tensor, dim: int) -> Tensor:
    """dtheta / dkappa of a sample at fixed probability, see the module's formula.

    Args:
        concentration: kappa >= 0, any shape, float32 or float64.
        half_tangent: t = tan(theta / 2) > 0, same shape and dtype.
        dim: Ambient dimension m >= 2.

    Returns:
        The derivative, <= 0, same shape and dtype.
    """
    if dim == 3:
        return _velocity_on_sphere(concentration, half_tangent)
    kappa, t = concentration, half_tangent
    deficit = ratio_terms(kappa, dim).deficit
    norm = 1 + t * t
    versine = 2 * t * t / norm  # 1 - cos theta
    before = versine <= deficit  # then the tail is [0, theta], else [theta, pi]
    # Mirror the second case, so that the tail always runs from theta down to 0 with exponent sign * kappa.
    sign = torch.where(before, 1.0, -1.0).to(t.dtype)
    mirrored = torch.where(before, t, 1 / t)
    theta = 2 * torch.atan(mirrored)
    sine, cosine = 2 * t / norm, sign * (1 - t * t) / norm
    cotangent = cosine / sine
    tilt = sign * kappa
    length = _tail_length(theta, sine, cosine, cotangent, tilt, dim, _FOLDS[t.dtype])

    abscissae, weights = _gauss_legendre(t.dtype, t.device)
    step = length.unsqueeze(-1) * abscissae
    log_density, rise = _log_density_change(
        step,
        sine.unsqueeze(-1),
        cosine.unsqueeze(-1),
        cotangent.unsqueeze(-1),
        tilt.unsqueeze(-1),
        dim,
    )
    distance = (deficit - versine).abs().unsqueeze(-1) + rise
    # Not a matrix product, which autocast would take in half precision.
    return -length * (distance * torch.exp(log_density) * weights).sum(-1)


def _velocity_on_sphere(kappa: Tensor, t: Tensor) -> Tensor:
    """m = 3, x = 1 - cos theta:  dx/dkappa = -(x - 2 (e^(kappa x) - 1) / (e^(2 kappa) - 1)) / kappa."""
    norm = 1 + t * t
    x, rest, sine, cosine = 2 * t * t / norm, 2 / norm, 2 * t / norm, (1 - t * t) / norm

    # The difference in brackets from either end, whichever is nearer.
    k = kappa.clamp(min=_SERIES_END)
    total = torch.expm1(-2 * k)
    near = (x - 2 * torch.exp(-k * rest) * torch.expm1(-k * x) / total) / sine
    far = (2 * torch.expm1(-k * rest) / total - rest) / sine
    large = torch.where(t <= 1, near, far) / k

    # sinh(kappa) times it is cosh kappa - cosh(kappa c) + sinh(kappa c) - c sinh(kappa), c = cos theta: a product,
    # and a difference whose series has the factor sin^2 in every term.
    k = kappa.clamp(max=_SERIES_END)
    one = torch.ones_like(k)
    square, k_square, powers, scale = cosine * cosine, k * k, one, one / 6
    series = scale
    for n in range(2, _SERIES_TERMS[k.dtype] + 1):
        powers = torch.addcmul(one, square, powers)  # 1 + c^2 + ... + c^(2 n - 2)
        scale = scale * k_square / (2 * n * (2 * n + 1))
        series = torch.addcmul(series, scale, powers)
    small = sine * (0.5 * _sinhc(0.5 * k * rest) * _sinhc(0.5 * k * x) - cosine * k * series) / _sinhc(k)
    return -torch.where(kappa < _SERIES_END, small, large)


class ReparameterizedAngle(Function):
    """theta(kappa) at fixed probability, seen through 1 - cos theta and sin theta."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(kappa: Tensor, half_tangent: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        """1 - cos(theta) and sin(theta) of the half tangent."""
        norm = 1 + half_tangent * half_tangent
        return 2 * half_tangent * half_tangent / norm, 2 * half_tangent / norm

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: tuple[Tensor, Tensor]) -> None:
        """Keeps the concentration and the outputs."""
        kappa, _, ctx.dim = inputs
        ctx.save_for_backward(kappa, *output)
        ctx.save_for_forward(kappa, *output)

    @staticmethod
    def backward(ctx: Any, grad_versine: Tensor, grad_sine: Tensor) -> tuple[Tensor, None, None]:
        """Moves the angle by ``angle_velocity``; a subclass may move it otherwise."""
        kappa, versine, sine = ctx.saved_tensors
        grad = grad_versine * sine + grad_sine * (1 - versine)
        # The half tangent from the outputs, which depend on kappa: so this derivative has a derivative in turn.
        return grad * angle_velocity(kappa, versine / sine, ctx.dim), None, None

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, on_kappa: Tensor, _on_half_tangent: None, _dim: None) -> tuple[Tensor, Tensor]:
        """The same in forward mode."""
        kappa, versine, sine = ctx.saved_tensors
        change = on_kappa * angle_velocity(kappa, versine / sine, ctx.dim)
        return change * sine, change * (1 - versine)


def _sinhc(x: Tensor) -> Tensor:
    """sinh(x) / x for x >= 0."""
    x = x.clamp(min=torch.finfo(x.dtype).tiny)
    return torch.sinh(x) / x


def _log_density_change(
    step: Tensor, sine: Tensor, cosine: Tensor, cotangent: Tensor, tilt: Tensor, dim: int
) -> tuple[Tensor, Tensor]:
    """log f(theta - step) - log f(theta), and the rise of the cosine, both from the step itself."""
    half = 0.5 * step
    half_sine = torch.sin(half)
    drop = 2 * half_sine * half_sine  # 1 - cos(step)
    step_sine = 2 * half_sine * torch.cos(half)
    rise = sine * step_sine - cosine * drop  # cos(theta - step) - cos(theta)
    log_density = tilt * rise
    if dim > 2:
        # sin(theta - step) / sin(theta) = cos(step) - cot(theta) sin(step)
        shrink = (-drop - cotangent * step_sine).clamp(min=-1)
        log_density = log_density + (dim - 2) * torch.log1p(shrink)
    return log_density, rise


def _tail_length(
    theta: Tensor,
    sine: Tensor,
    cosine: Tensor,
    cotangent: Tensor,
    tilt: Tensor,
    dim: int,
    folds: float,
) -> Tensor:
    """How far below theta the density has fallen by e^-folds: the whole way to 0 where it never does.

    Newton on a concave function overshoots, so the tail is never cut short; where the density is not
    log-concave the result is checked, and the whole interval kept if it was.
    """
    slope = tilt * sine - (dim - 2) * cotangent
    curvature = tilt * cosine + (dim - 2) / (sine * sine)
    quadratic = (slope * slope + 2 * folds * curvature.clamp(min=0)).sqrt()
    tiny = torch.finfo(theta.dtype).tiny
    # Not the whole way: at 0 the log density is -inf, and Newton could not come back.
    longest = theta * (1 - 1e-3)
    length = torch.minimum(2 * folds / (quadratic - slope).clamp(min=tiny), longest)
    for _ in range(_NEWTON_STEPS):
        value, _ = _log_density_change(length, sine, cosine, cotangent, tilt, dim)
        step_sine, step_cosine = torch.sin(length), torch.cos(length)
        rest_sine = sine * step_cosine - cosine * step_sine  # of theta - length, exact near pi as well
        rest_cosine = cosine * step_cosine + sine * step_sine
        derivative = tilt * rest_sine - (dim - 2) * rest_cosine / rest_sine
        newton = length - (value + folds) / derivative
        newton = torch.maximum(torch.minimum(newton, longest), 0.05 * length)
        length = torch.where(derivative < 0, newton, length)
    value, _ = _log_density_change(length, sine, cosine, cotangent, tilt, dim)
    return torch.where(value > -0.9 * folds, theta, length.detach())


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # An inference tensor would be of no use to a later derivative.
def _gauss_legendre(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = (torch.tensor(x, dtype=dtype, device=device) for x in _RULES[dtype])
    return (nodes + 1) / 2, weights / 2


register_operator(
    "reparameterized_angle",
    lambda kappa, half_tangent, _family, dim: ReparameterizedAngle.apply(kappa, half_tangent.detach(), dim),
    num_outputs=2,
)
