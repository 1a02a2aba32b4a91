"""Moments of a normal variate that is kept positive, M_n(a) = int_0^inf t^n exp(-(t - a)^2 / 2) dt, from tables.

The length r of a normal vector x = r z, given its direction z, has the density t^(m-1) exp(-(t - a)^2 / 2) in units of
its scale.  Its moments are those of this module, as functions of a for a fixed m >= 2:

    log M_(m-1)(a),    R = E[t] = M_m / M_(m-1),    D = R - a = (m - 1) M_(m-2) / M_(m-1),    S = E[t^2] = a R + m,

and e(a), the divergence of that law from the chi law with m degrees of freedom that has the same second moment.

With tau = (a + h) / 2, h = sqrt(a^2 + 4 m), where t^m exp(-(t - a)^2 / 2) has its maximum, all of them are, up to known
terms, smooth functions of v = a / h on the closed interval [-1, 1]:

    log M_(m-1) = m log tau - (m / tau)^2 / 2 - log(tau^2 + m) / 2 + log(2 pi) / 2 + P_0(v),
    R = tau P_1(v),    D = P_2(v) / tau,
    S = tau^2 exp(q),                      q = Q_0(v),    the derivative of log S in a: Q_1(v) / h,
    e = log(1 + tau^2 / m) / 2 + Q_2(v),   its derivative in a: Q_3(v) / h.

P and Q, or what is needed of them, are stored as polynomials in equal cells of v, interpolated at Chebyshev points.
The exact values come from the trapezoidal rule in u = log t about tau, where the integrand is analytic and all terms
are positive.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts load when a table is first built, not when a distribution is imported
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from spherical_gae.core.numerics.operators import call_operator, is_traced, register_operator
from spherical_gae.core.numerics.signature import keeps_signature

Array = NDArray[np.float64]

# Cells and degree: many short cells are cheaper to evaluate, few long ones are precise.
_SIZE = {torch.float32: (512, 3), torch.float64: (256, 8)}
# Step and upper end of the trapezoidal rule, in standard deviations of log t near its mode.
_STEP, _RIGHT = 0.2, 13.0


class MomentTable(NamedTuple):
    """The tables of one dimension.

    Attributes:
        density: Coefficients of P_0, P_1, P_2, shape [cells, degree + 1, 3], of the powers of the offset from the
            cell's lower end, in cells, highest power first.
        radius: Coefficients of exp(Q_0) / 4, (m / 2) (Q_0 + 1) - Q_2 and what is constant in ``given_direction``, -Q_1
            and -Q_3, likewise.
        half: Half the number of cells, as all that follow on the table's device.
        width: 2 sqrt(m).
        dim: m.
        half_dim: m / 2.
        four_dim: 4 m.
    """

    density: Tensor
    radius: Tensor
    half: Tensor
    width: Tensor
    dim: Tensor
    half_dim: Tensor
    four_dim: Tensor


class LogMoment(NamedTuple):
    """log M_(m-1), where a < 0 with a^2 / 2 added, and its derivative in a: D, where a < 0 that is R."""

    value: Tensor
    slope: Tensor


class GivenDirection(NamedTuple):
    """Minus the divergence g of the length's distribution, and [..., 3]: what its gradient needs."""

    value: Tensor
    numbers: Tensor


def log_moment(a: Tensor, dim: int) -> LogMoment:
    """The normaliser of the length's law, split where a changes its sign so that it does not cancel beside a^2 / 2.

    Args:
        a: Any shape, float32 or float64.
        dim: m >= 2.

    Returns:
        Two differentiable tensors of that shape.  The relative error of log M_(m-1) and of its derivative is below 1e-6
        in float32 and 1e-12 in float64 for |a| <= 1e4 and m <= 1024, that of log M absolute where it crosses zero.
    """
    table = moment_table(dim, a.dtype, a.device)
    twice, _, cell, offset = _place(a, table, table.density)
    tau = 0.5 * twice
    rest, mean, pull = _horner(cell, offset).unbind(-1)
    up = a >= 0
    # Below 0, m / tau = tau - a, so that a^2 / 2 - (m / tau)^2 / 2 = tau (a - tau / 2).
    peak = torch.where(up, -0.5 * (table.dim / tau).square(), tau * (a - 0.5 * tau))
    log_tau = torch.log(tau)
    value = dim * log_tau + peak - 0.5 * torch.log(tau * tau + table.dim) + (rest + 0.5 * math.log(2 * math.pi))
    return LogMoment(value, torch.where(up, pull / tau, mean * tau))


def log_moment_value(a: Tensor, dim: int) -> Tensor:
    """``log_moment(a, dim).value`` by one look into the table, differentiable in both modes as ``log_moment`` is.

    Args:
        a: Any shape, float32 or float64.
        dim: m >= 2.

    Returns:
        The same shape.
    """
    if is_traced(a):
        return call_operator("log_moment", a, dim=dim)[0]
    return _LogMoment.apply(a, dim)[0]


class _LogMoment(Function):
    """The value and its slope."""

    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(a: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        # A plain tuple, as vmap asks for.
        value, slope = log_moment(a, dim)
        return value, slope

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: tuple[Tensor, Tensor]) -> None:
        a, ctx.dim = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(a, output[1])
        ctx.save_for_forward(a, output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _grad_slope: Tensor) -> tuple[Tensor, None]:
        return grad * _slope(ctx), None

    @staticmethod
    @differentiable_jvp
    def jvp(ctx: Any, tangent: Tensor, _dim: None) -> tuple[Tensor, None]:
        return tangent * _slope(ctx), None


def _slope(ctx: Any) -> Tensor:
    """The slope, as a function of a where a second derivative may be asked for."""
    a, slope = ctx.saved_tensors
    if torch.is_grad_enabled():
        return log_moment(a, ctx.dim).slope
    return slope


def given_direction(product: Tensor, length: Tensor, size: Tensor, dim: int) -> GivenDirection:
    """What one direction z says of the divergence of the distribution of x ~ N(mu, diag(s^2)), w = z / s, n = mu / s.

    With a = w.n / |w| and m c = |mu|^2 + |s|^2, it is g = (m / 2) (e^l - 1 - l) + e(a), where
    l = log(S(a) / m) - log |w|^2 - log c.

    Args:
        product: w.n, any shape, float32 or float64.
        length: |w|, the same shape.
        size: sqrt(m c), the same shape.
        dim: m >= 2.

    Returns:
        (m / 2) log c - g, whose error is a few roundings of m log m and of its terms; and twice its derivative in |w|^2
        at constant w.n, that in w.n, and e^l / c.  Differentiable.
    """
    table = moment_table(dim, product.dtype, product.device)
    a = product / length
    # Twice tau.
    tau, root, cell, offset = _place(a, table, table.radius)
    quarter, rest, square_slope, excess_slope = _horner(cell, offset).unbind(-1)
    ratio = tau / length
    relative = ratio / size
    share = relative * relative * quarter  # e^l
    value = torch.addcmul(rest, table.dim, torch.log(ratio))
    value = torch.add(value, torch.log(tau * root), alpha=-0.5)
    value = torch.addcmul(value, table.half_dim, share, value=-1)
    pull = torch.addcmul(table.half_dim, table.half_dim, share, value=-1)  # (m / 2) (1 - e^l)
    on_a = torch.addcmul(excess_slope, pull, square_slope, value=-1) / root
    on_square = torch.addcmul(torch.add(pull, pull), on_a, a) / (length * length)
    shrink = share / (size * size)
    return GivenDirection(value, torch.stack((-on_square, on_a / length, shrink * table.dim), -1))


def _place(a: Tensor, table: MomentTable, cells: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """2 tau, h, the coefficients of the cells [..., degree + 1, functions], and the offsets [..., 1] inside them."""
    root = torch.hypot(a, table.width)
    below = a < 0
    # Not abs, whose derivative at 0 is 0.
    larger = root + torch.where(below, -a, a)
    tau = torch.where(below, table.four_dim / larger, larger)
    place = torch.addcmul(table.half, a / root, table.half)
    # Only a NaN lies outside; it must not become an index.
    index = place.int().clamp(0, len(cells) - 1)
    # Not index_select, which in old versions (torch 2.4) takes no int32 under vmap.
    cell = torch.embedding(cells.flatten(1), index).view(*a.shape, *cells.shape[1:])
    return tau, root, cell, (place - index).unsqueeze(-1)


def _horner(cell: Tensor, offset: Tensor) -> Tensor:
    value, *others = cell.unbind(-2)
    for coefficient in others:
        value = torch.addcmul(coefficient, value, offset)
    return value


register_operator("log_moment", lambda a, _family, dim: (log_moment_value(a, dim),))


def moment_table(dim: int, dtype: torch.dtype, device: torch.device) -> MomentTable:
    """The tables of one dimension, built in some tenths of a second on first use and kept: 57 or 129 kB.

    Args:
        dim: m >= 2.
        dtype: float32 or float64.
        device: Where their tensors are put.

    Returns:
        The tables; the last 64 are kept.
    """
    return _build(dim, dtype, device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # An inference tensor would be of no use to a later derivative.
def _build(dim: int, dtype: torch.dtype, device: torch.device) -> MomentTable:
    count, degree = _SIZE[dtype]
    offsets = 0.5 - 0.5 * np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    solve = np.linalg.inv(np.vander(offsets, degree + 1))
    # The last cell ends a little beyond v = 1, so that this is inside.
    half = 0.5 * count / (1 + 2.0**-20)
    place = (np.arange(count)[:, None] + offsets) / half
    # 1 - v^2 = (1 - v) (1 + v) from the nearer end; what lies beyond 1 is continued smoothly.
    exact = smooth_parts(place, 2 - place, dim)
    log_rest, slope, excess, excess_slope = np.moveaxis(exact[..., 3:], -1, 0)
    # Of log c, and of log(2 tau) in place of log(tau).
    constant = 0.5 * dim * (1 - math.log(dim)) - dim * math.log(2) + 0.5 * math.log(2 * dim)
    columns = (0.25 * np.exp(log_rest), 0.5 * dim * log_rest - excess + constant, -slope, -excess_slope)
    exact = np.concatenate((exact[..., :3], np.stack(columns, -1)), -1)
    first = exact[:, :1]
    # Only the change within a cell goes through the inverse, which magnifies rounding.
    cells = np.einsum("pi,cif->cpf", solve, exact - first)
    cells[:, -1] += first[:, 0]
    density, radius = (torch.tensor(part, dtype=dtype, device=device) for part in np.split(cells, [3], axis=-1))
    numbers = (half, 2 * math.sqrt(dim), float(dim), 0.5 * dim, 4.0 * dim)
    return MomentTable(density, radius, *(torch.tensor(x, dtype=dtype, device=device) for x in numbers))


def smooth_parts(above: Array, below: Array, dim: int) -> Array:
    """P_0, P_1, P_2, Q_0, Q_1, Q_2, Q_3, exact to a few roundings.

    Args:
        above: 1 + v, any shape.
        below: 1 - v.
        dim: m.

    Returns:
        Shape [..., 7].
    """
    m = float(dim)
    below = np.maximum(below, 1e-14)
    # v = (tau^2 - m) / (tau^2 + m).
    share = below / 2  # m / (tau^2 + m)
    square = m * above / below  # tau^2
    # Standard deviation of log t near its mode is 1 / sqrt(tau^2 + m).
    sigma = np.sqrt(share / m)
    # To the left the integrand of M_(m-2) falls as exp((m - 1) u), to the right faster than a normal density.
    x = np.arange(-13 - 130 / (m - 1), _RIGHT + _STEP / 2, _STEP)
    move = sigma[..., None] * x
    y = np.expm1(move)  # t = tau (1 + y)
    weight = np.exp(-m * (y - move) - 0.5 * square[..., None] * y * y)
    total = weight.sum(-1)
    weight /= total[..., None]
    mean = (weight * y).sum(-1)  # R = tau (1 + mean)
    inverse = (weight * np.exp(-move)).sum(-1)  # M_(m-2) / M_(m-1) = inverse / tau
    second = (weight * y * (2 + y)).sum(-1)  # S = tau^2 (1 + second)
    centred = y - mean[..., None]
    covariance = (weight * centred * y * (2 + y)).sum(-1)  # Cov(t, t^2) = tau^3 covariance
    variance = (weight * centred * y).sum(-1)
    opposed = -(weight * centred * y * np.exp(-move)).sum(-1)  # Cov(t, 1 / t)

    log_rest = np.log(_STEP * total / math.sqrt(2 * math.pi))
    log_second = np.log1p(second)
    # h = (tau^2 + m) / tau, so that h dS/S = (tau^2 + m) covariance / (1 + second).
    slope = (square + m) * covariance / (1 + second)
    excess = (
        0.5 * (square - m) * mean + 0.5 * m * log_second - log_rest + (_log_gamma_rest(0.5 * m) - 0.5 * math.log(2))
    )
    # 2 de/da = (a D' - D) + m (log S)' = (a R' - R) + m (log S)', of which the one without cancellation is taken.
    up = (square - m) * (m - 1) * opposed / square - (m - 1) * inverse / square
    down = (square - m) * variance - (1 + mean)
    excess_slope = 0.5 * (square + m) * np.where(above > 1, up, down) + 0.5 * m * slope
    return np.stack((log_rest, 1 + mean, (m - 1) * inverse, log_second, slope, excess, excess_slope), -1)


def _log_gamma_rest(x: float) -> float:
    """log Gamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2."""
    if x < 20:
        return float(scipy.special.gammaln(x)) - (x - 0.5) * math.log(x) + x - 0.5 * math.log(2 * math.pi)
    inverse = 1 / x
    return inverse * (1 / 12 - inverse**2 * (1 / 360 - inverse**2 * (1 / 1260 - inverse**2 / 1680)))
