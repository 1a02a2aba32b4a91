"""The quantile of the angle to the mean direction as a smooth transform of one standard normal variate, in float64.

``angle_family.py`` defines y and its density.  This file computes y(b, s), its quantile at probability Phi(s), to
rounding, with quadrature and Newton's method; ``angle_table.py`` tabulates it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy  # its parts load when a table is first built, not when a distribution is imported

from spherical_gae.core.numerics.angle_family import AngleFamily, Array

_LEGENDRE_NODES, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(80)
# A tail is integrated to where its density has fallen by this many e-folds, below the rounding of float64.
_FOLDS = 40.0
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_NEWTON_STEPS = 60
_TOLERANCE = 1e-13
# Tails integrated at once: more, with 80 points each, leave the processor's cache.
_BLOCK = 1024


def log_mass(family: AngleFamily, b: Array) -> Array:
    """log of the integral of exp(q) over the line."""
    below, above = (_log_tail(family, b, np.zeros_like(b), np.full_like(b, side)) for side in (-1, 1))
    return np.logaddexp(below, above)


def normal_score(family: AngleFamily, b: Array, y: Array, side: Array, log_total: Array) -> Array:
    """Phi^-1(P(Y <= y)), from the tail below (``side`` -1) or above (+1), exact wherever that tail is the lighter."""
    share = np.minimum(_log_tail(family, b, y, side) - log_total, -1e-17)
    return -side * scipy.special.ndtri_exp(share)


def quantile(family: AngleFamily, b: Array, score: Array) -> Array:
    """y with P(Y <= y) = Phi(score).

    Newton's method on the normal score, which is nearly linear in y, between brackets.

    Args:
        family: The distribution, m >= 3.
        b: In [0, 1], shape [n, 1].
        score: The normal score, shape [k].

    Returns:
        y, shape [n, k]; its normal score is ``score`` within 1e-13, and within rounding for m > 1000.

    Raises:
        RuntimeError: If the method does not converge.
    """
    total = log_mass(family, b)
    spread = math.sqrt(2 / (family.dim - 1))
    score = np.broadcast_to(score, np.broadcast_shapes(b.shape, score.shape))
    side = np.where(score < 0, -1.0, 1.0)
    y = _rough_quantile(family, b, score)
    low, high = np.full_like(y, -np.inf), np.full_like(y, np.inf)
    tolerance = max(_TOLERANCE, 1e-15 * family.dim)
    for _ in range(_NEWTON_STEPS):
        reached = normal_score(family, b, y, side, total)
        error = reached - score
        if np.abs(error).max() < tolerance:
            return y
        low, high = np.where(error < 0, y, low), np.where(error > 0, y, high)
        log_slope = family.log_density(b, y) - total + 0.5 * reached**2 + _HALF_LOG_2PI
        step = np.clip(error * np.exp(np.minimum(-log_slope, 50.0)), -8 * spread - 1, 8 * spread + 1)
        newton = y - step
        bracketed = np.isfinite(low) & np.isfinite(high)
        with np.errstate(invalid="ignore"):
            y = np.where(bracketed & ((newton < low) | (newton > high)), 0.5 * (low + high), newton)
    raise RuntimeError(f"no quantile of the angle for {family}: normal score off by {np.abs(error).max():.1e}")


def quantile_slope(family: AngleFamily, b: Array, y: Array, score: Array) -> Array:
    """dy/db at fixed probability, by the implicit formula over the lighter tail.

    Args:
        family: The distribution, m >= 3.
        b: In (0, 1], shape [n, 1].
        y: From ``quantile``, shape [n, k].
        score: The normal score, shape [k].

    Returns:
        The derivative, shape [n, k].
    """
    side = np.where(np.broadcast_to(score, y.shape) < 0, -1.0, 1.0)
    log_tail, tail_mean = _tail_and_mean(family, b, y, side)
    parts = [_tail_and_mean(family, b, np.zeros_like(b), np.full_like(b, sign)) for sign in (-1, 1)]
    total = log_mass(family, b)
    mean = sum(np.exp(log_part - total) * part_mean for log_part, part_mean in parts)
    return side * (tail_mean - mean) * np.exp(log_tail - family.log_density(b, y))


def _rough_quantile(family: AngleFamily, b: Array, score: Array) -> Array:
    """The quantile to about 1e-3 standard deviations, by sums over a grid."""
    a = 0.5 * (family.dim - 1)
    reach = 45 / a + 10 / math.sqrt(a)
    grid = np.linspace(-reach, reach, 2001)
    density = np.exp(family.log_density(b, grid) - family.log_density(b, np.zeros(1)))
    below = np.cumsum(density, 1) - 0.5 * density
    above = np.cumsum(density[:, ::-1], 1)[:, ::-1] - 0.5 * density
    total = density.sum(1, keepdims=True)
    scores = np.where(below < above, scipy.special.ndtri(below / total), -scipy.special.ndtri(above / total))
    return np.stack([np.interp(wanted, reached, grid) for wanted, reached in zip(score, scores, strict=True)])


def _tail(family: AngleFamily, b: Array, y: Array, side: Array) -> tuple[Array, Array, Array]:
    """log mass of the tail beyond y, below (-1) or above (+1); the points of its rule, and their shares of the mass."""
    # The mode is at 0: the highest point of a tail is where it begins, or there.
    top = np.where(side * y < 0, 0.0, y)
    peak = family.log_density(b, top)
    reach = np.full_like(top, 1 / math.sqrt(family.dim))
    short = np.zeros_like(top)
    while (inside := family.log_density(b, top + side * reach) > peak - _FOLDS).any():
        short, reach = np.where(inside, reach, short), np.where(inside, 1.7 * reach, reach)
    for _ in range(3):
        middle = 0.5 * (short + reach)
        inside = family.log_density(b, top + side * middle) > peak - _FOLDS
        short, reach = np.where(inside, middle, short), np.where(inside, reach, middle)
    length = side * (top - y) + reach
    points = y[..., None] + (side * length)[..., None] * (0.5 + 0.5 * _LEGENDRE_NODES)
    shares = np.exp(family.log_density(b[..., None], points) - peak[..., None]) * (0.5 * _LEGENDRE_WEIGHTS)
    mass = shares.sum(-1, keepdims=True)
    return peak + np.log(mass[..., 0] * length), points, shares / mass


def _log_tail(family: AngleFamily, b: Array, y: Array, side: Array) -> Array:
    """log mass of the tail beyond y, below (-1) or above (+1)."""
    return _in_blocks(lambda *part: _tail(family, *part)[:1], b, y, side)[0]


def _tail_and_mean(family: AngleFamily, b: Array, y: Array, side: Array) -> tuple[Array, Array]:
    """log mass of the tail beyond y, and the mean of dq/db over it."""

    def log_mass_and_mean(b: Array, y: Array, side: Array) -> tuple[Array, Array]:
        log_tail, points, shares = _tail(family, b, y, side)
        return log_tail, (shares * family.density_slope(b[..., None], points)).sum(-1)

    log_tail, mean = _in_blocks(log_mass_and_mean, b, y, side)
    return log_tail, mean


def _in_blocks(function: Callable[..., tuple[Array, ...]], *arguments: Array) -> list[Array]:
    """What ``function`` returns, element by element, for arguments that are broadcast."""
    arrays = np.broadcast_arrays(*arguments)
    flat = [array.reshape(-1) for array in arrays]
    starts = range(0, arrays[0].size, _BLOCK)
    parts = zip(*(function(*(array[start : start + _BLOCK] for array in flat)) for start in starts), strict=True)
    return [np.concatenate(part).reshape(arrays[0].shape) for part in parts]
