"""Evaluates log I_v(kappa) and I_(v+1) / I_v in every dimension, without cancellation.

Two regimes cover the plane of v = m / 2 - 1 and kappa, each to rounding, so that their seam shows no jump:

* kappa or v large: the uniform expansion of ``debye.py`` at the order v itself;
* both small: the same expansion at a higher order v + n, then n steps of the two-term recurrence down to v,

      A_v / kappa = 1 / (m + kappa^2 A_(v+1) / kappa),    m = 2 v + 2    (DLMF 10.29.1).

The differences that matter (kappa - L, 1 - A, A', the KL) each have a form of their own: with
delta = kappa^2 / (s + v), the logarithm splits as L = delta - X, and X alone carries the KL.
Results are plain differentiable torch expressions: no host round trips, no data-dependent control flow.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from spherical_gae.core.numerics.debye import DebyeCoefficients, debye_coefficients, horner_series

# Smallest s = sqrt(v^2 + kappa^2) at which the expansion is used, and its number of terms.
EXPANSION = {torch.float64: (32.0, 14), torch.float32: (13.0, 8)}
# Made at import: torch.compile would trace through the exact rationals.
_LONGEST = debye_coefficients(max(terms for _, terms in EXPANSION.values()))
_COEFFICIENTS = {dtype: _LONGEST.first_terms(terms) for dtype, (_, terms) in EXPANSION.items()}
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class RatioTerms(NamedTuple):
    """A = I_(v+1) / I_v and its relatives, each accurate on its own.

    Attributes:
        length: A, the mean resultant length.
        deficit: 1 - A.
        slope: A' = dA / dkappa.
        ratio: A / kappa, which is 1 / m at kappa = 0.
    """

    length: Tensor
    deficit: Tensor
    slope: Tensor
    ratio: Tensor


class LogTerms(NamedTuple):
    """L = log 0F1(; v + 1; kappa^2 / 4) and its relatives, each accurate on its own.

    Attributes:
        log_hyp0f1: L.
        log_peak_ratio: kappa - L.
        kl: kappa A - L.
    """

    log_hyp0f1: Tensor
    log_peak_ratio: Tensor
    kl: Tensor


def ratio_terms(kappa: Tensor, dim: int) -> RatioTerms:
    """Evaluates A, 1 - A, A' and A / kappa.

    Args:
        kappa: Concentration >= 0, any shape, float32 or float64.
        dim: Ambient dimension m = 2 v + 2 >= 2.

    Returns:
        The four tensors, of the shape and dtype of ``kappa``.
    """
    at = _locate(kappa, dim)
    terms = _expanded_ratio(at)
    if at.direct is None:
        return terms
    small = kappa.clamp(max=EXPANSION[kappa.dtype][0])
    square = small * small
    ratio, slope = terms.ratio, terms.slope
    for m in _recurrence_dims(dim, kappa.dtype):
        ratio = 1 / (m + square * ratio)
        slope = ratio * ratio * (m - square * slope)
    length = small * ratio
    lifted = RatioTerms(length, 1 - length, slope, ratio)
    return RatioTerms(*(torch.where(at.direct, a, b) for a, b in zip(terms, lifted, strict=True)))


def log_terms(kappa: Tensor, dim: int) -> LogTerms:
    """Evaluates L, kappa - L and kappa A - L.

    Args:
        kappa: Concentration >= 0, any shape, float32 or float64.
        dim: Ambient dimension m = 2 v + 2 >= 2.

    Returns:
        The three tensors, of the shape and dtype of ``kappa``.
    """
    at = _locate(kappa, dim)
    series = at.y * horner_series(at.coefficients.value, at.y, at.inverse_radius)
    first = horner_series(at.coefficients.first, at.y, at.inverse_radius)
    order = 0.5 * dim - 1
    if at.direct is None:
        return _assemble_logs(at, order, _excess_relative(at, order) - series, first)
    lifted_order = order + _lifts(dim, kappa.dtype)
    direct = _assemble_logs(at, order, _excess_absolute(at, order) - series, first)

    small = kappa.clamp(max=EXPANSION[kappa.dtype][0])
    square = small * small
    ratio = _expanded_ratio(at).ratio
    log_value = _assemble_logs(at, lifted_order, _excess_relative(at, lifted_order) - series, first)[0]
    for m in _recurrence_dims(dim, kappa.dtype):
        step = square * ratio
        log_value = log_value + torch.log1p(step / m)
        ratio = 1 / (m + step)
    lifted = LogTerms(log_value, small - log_value, square * ratio - log_value)
    return LogTerms(*(torch.where(at.direct, a, b) for a, b in zip(direct, lifted, strict=True)))


class _Point(NamedTuple):
    """Where the expansion is evaluated: one order for every element."""

    kappa: Tensor
    direct: Tensor | None  # where the recurrence is not needed; None if it is needed nowhere
    order: Tensor
    radius: Tensor
    inverse_radius: Tensor
    y: Tensor
    coefficients: DebyeCoefficients


def _lifts(dim: int, dtype: torch.dtype) -> int:
    """Number of recurrence steps that separate the dimension's order from the lifted one."""
    return max(0, math.ceil(EXPANSION[dtype][0] - (0.5 * dim - 1)))


def _recurrence_dims(dim: int, dtype: torch.dtype) -> range:
    """The m of each step on the way down, the dimension itself last."""
    return range(dim + 2 * (_lifts(dim, dtype) - 1), dim - 1, -2)


def _locate(kappa: Tensor, dim: int) -> _Point:
    threshold = EXPANSION[kappa.dtype][0]
    lifts = _lifts(dim, kappa.dtype)
    order = kappa.new_full((), 0.5 * dim - 1)
    direct = None
    if lifts:
        direct = kappa >= threshold
        order = torch.where(direct, order, order + lifts)
    radius = torch.hypot(kappa, order)
    inverse = radius.reciprocal()
    y = (kappa * inverse).square()
    return _Point(kappa, direct, order, radius, inverse, y, _COEFFICIENTS[kappa.dtype])


def _expanded_ratio(at: _Point) -> RatioTerms:
    v, s, inverse = at.order, at.radius, at.inverse_radius
    first = horner_series(at.coefficients.first, at.y, inverse)
    second = horner_series(at.coefficients.second, at.y, inverse)
    ratio = 1 / (v + s) + inverse * inverse * (first - 0.5)
    deficit = _leading_deficit(at, v) + at.kappa * inverse * inverse * (0.5 - first)
    slope = inverse * (v / (v + s) + inverse * (at.y - 0.5 + second))
    return RatioTerms(at.kappa * ratio, deficit, slope, ratio)


def _leading_deficit(at: _Point, v: Tensor | float) -> Tensor:
    """1 - kappa / (v + s), positive term by term."""
    return v / (v + at.radius) * (1 + v / (at.radius + at.kappa))


def _assemble_logs(at: _Point, v: float, excess: Tensor, first: Tensor) -> LogTerms:
    """L = delta - X and its relatives, from the excess X."""
    delta = at.kappa * (at.kappa / (at.radius + v))
    peak = at.kappa * _leading_deficit(at, v) + excess
    return LogTerms(delta - excess, peak, excess + at.y * (first - 0.5))


def _excess_relative(at: _Point, v: float) -> Tensor:
    """X less its series in y, as differences from kappa = 0: relative accuracy there, for large v."""
    delta = at.kappa * (at.kappa / (at.radius + v))
    log_growth = torch.log1p(delta / v)  # log(s / v)
    total = v * torch.log1p(delta / (2 * v)) + 0.5 * log_growth
    for k, constant in enumerate(at.coefficients.constant, 1):
        if constant:
            total = total - constant * v**-k * torch.expm1(-k * log_growth)
    return total


def _excess_absolute(at: _Point, v: float) -> Tensor:
    """X less its series in y, for kappa large and any v >= 0."""
    total = v * torch.log(0.5 * (v + at.radius)) + 0.5 * torch.log(at.radius)
    total = total + (_HALF_LOG_2PI - math.lgamma(v + 1) - v)
    for k, constant in enumerate(at.coefficients.constant, 1):
        if constant:
            total = total - constant * at.inverse_radius**k
    return total
