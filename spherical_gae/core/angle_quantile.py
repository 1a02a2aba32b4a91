"""The angle to the mean direction as a smooth transform of one standard normal variate, in float64.

With x = 1 - cos(theta), a = (m - 1) / 2, t = kappa / a and b = 1 / (t + sqrt(1 + t^2)), write

    x / (2 - x) = b exp(y).

Then y has its mode at 0 and a density proportional to exp(q(y)),

    q(y) = a (y - (1 - b^2) e^y / (1 + b e^y) - 2 log(1 + b e^y)),

which is analytic in b on the closed interval [0, 1]: b = 1 is the uniform law, b = 0 (kappa = inf) a gamma law.  So
y(b, s), the quantile of y at probability Phi(s), is smooth in both arguments and nothing is left out at either end.
This file computes it to rounding, with quadrature and Newton's method; ``angle_table.py`` tabulates it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, ndtri_exp

Array = NDArray[np.float64]

_LEGENDRE_NODES, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(80)
# A tail is integrated to where its density has fallen by this many e-folds, below the rounding of float64.
_FOLDS = 40.0
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_NEWTON_STEPS = 60
_TOLERANCE = 1e-13


def concentration_to_mode(concentration: Array, dim: int) -> Array:
    """b = 1 / (t + sqrt(1 + t^2)), t = 2 kappa / (m - 1): the mode of x / (2 - x) in the logarithmic measure."""
    t = 2 * concentration / (dim - 1)
    return 1 / (t + np.hypot(1, t))


def log_density(dim: int, b: Array, y: Array) -> Array:
    """q(y), without its normaliser."""
    growth = np.exp(y)
    rest = 1 + b * growth
    return 0.5 * (dim - 1) * (y - (1 - b * b) * growth / rest - 2 * np.log(rest))


def log_mass(dim: int, b: Array) -> Array:
    """log of the integral of exp(q) over the line."""
    below, above = (_tail(dim, b, np.zeros_like(b), np.full_like(b, side))[0] for side in (-1, 1))
    return np.logaddexp(below, above)


def normal_score(dim: int, b: Array, y: Array, side: Array, log_total: Array) -> Array:
    """Phi^-1(P(Y <= y)), from the tail below (``side`` -1) or above (+1), exact wherever that tail is the lighter."""
    share = np.minimum(_tail(dim, b, y, side)[0] - log_total, -1e-17)
    return -side * ndtri_exp(share)


def quantile(dim: int, b: Array, score: Array) -> Array:
    """y with P(Y <= y) = Phi(score).

    Newton's method on the normal score, which is nearly linear in y, between brackets.

    Args:
        dim: Ambient dimension m >= 3.
        b: In [0, 1], shape [n, 1].
        score: The normal score, shape [k].

    Returns:
        y, shape [n, k]; its normal score is ``score`` within 1e-13, and within rounding for m > 1000.

    Raises:
        RuntimeError: If the method does not converge.
    """
    total = log_mass(dim, b)
    spread = math.sqrt(2 / (dim - 1))
    score = np.broadcast_to(score, np.broadcast_shapes(b.shape, score.shape))
    side = np.where(score < 0, -1.0, 1.0)
    y = _rough_quantile(dim, b, score)
    low, high = np.full_like(y, -np.inf), np.full_like(y, np.inf)
    tolerance = max(_TOLERANCE, 1e-15 * dim)
    for _ in range(_NEWTON_STEPS):
        reached = normal_score(dim, b, y, side, total)
        error = reached - score
        if np.abs(error).max() < tolerance:
            return y
        low, high = np.where(error < 0, y, low), np.where(error > 0, y, high)
        log_slope = log_density(dim, b, y) - total + 0.5 * reached**2 + _HALF_LOG_2PI
        step = np.clip(error * np.exp(np.minimum(-log_slope, 50.0)), -8 * spread - 1, 8 * spread + 1)
        newton = y - step
        bracketed = np.isfinite(low) & np.isfinite(high)
        with np.errstate(invalid="ignore"):
            y = np.where(bracketed & ((newton <= low) | (newton >= high)), 0.5 * (low + high), newton)
    raise RuntimeError(f"no quantile of the angle for dim {dim}: normal score off by {np.abs(error).max():.1e}")


def quantile_slope(dim: int, b: Array, y: Array, score: Array) -> Array:
    """dy/db at fixed probability, by the implicit formula over the lighter tail.

    Args:
        dim: Ambient dimension m >= 3.
        b: In [0, 1], shape [n, 1].
        y: From ``quantile``, shape [n, k].
        score: The normal score, shape [k].

    Returns:
        The derivative, shape [n, k].
    """
    side = np.where(np.broadcast_to(score, y.shape) < 0, -1.0, 1.0)
    log_tail, tail_mean = _tail_and_mean(dim, b, y, side)
    parts = [_tail_and_mean(dim, b, np.zeros_like(b), np.full_like(b, sign)) for sign in (-1, 1)]
    total = log_mass(dim, b)
    mean = sum(np.exp(log_part - total) * part_mean for log_part, part_mean in parts)
    return side * (tail_mean - mean) * np.exp(log_tail - log_density(dim, b, y))


def _density_slope(dim: int, b: Array, y: Array) -> Array:
    """dq/db at fixed y."""
    growth = np.exp(y)
    rest = (1 - b) * growth
    return 0.5 * (dim - 1) * rest * (rest - 2) / (1 + b * growth) ** 2


def _rough_quantile(dim: int, b: Array, score: Array) -> Array:
    """The quantile to about 1e-3 standard deviations, by sums over a grid."""
    a = 0.5 * (dim - 1)
    reach = 45 / a + 10 / math.sqrt(a)
    grid = np.linspace(-reach, reach, 2001)
    density = np.exp(log_density(dim, b, grid) - log_density(dim, b, np.zeros(1)))
    below = np.cumsum(density, 1) - 0.5 * density
    above = np.cumsum(density[:, ::-1], 1)[:, ::-1] - 0.5 * density
    total = density.sum(1, keepdims=True)
    scores = np.where(below < above, ndtri(below / total), -ndtri(above / total))
    return np.stack([np.interp(wanted, reached, grid) for wanted, reached in zip(score, scores, strict=True)])


def _tail(dim: int, b: Array, y: Array, side: Array) -> tuple[Array, Array, Array]:
    """log mass of the tail beyond y, below (-1) or above (+1); the points of its rule, and their shares of the mass."""
    b, y, side = np.broadcast_arrays(b, y, side)
    # The mode is at 0: the highest point of a tail is where it begins, or there.
    top = np.where(side * y < 0, 0.0, y)
    peak = log_density(dim, b, top)
    reach = np.full_like(top, 1 / math.sqrt(dim))
    short = np.zeros_like(top)
    while (inside := log_density(dim, b, top + side * reach) > peak - _FOLDS).any():
        short, reach = np.where(inside, reach, short), np.where(inside, 1.7 * reach, reach)
    for _ in range(3):
        middle = 0.5 * (short + reach)
        inside = log_density(dim, b, top + side * middle) > peak - _FOLDS
        short, reach = np.where(inside, middle, short), np.where(inside, reach, middle)
    length = side * (top - y) + reach
    points = y[..., None] + (side * length)[..., None] * (0.5 + 0.5 * _LEGENDRE_NODES)
    shares = np.exp(log_density(dim, b[..., None], points) - peak[..., None]) * (0.5 * _LEGENDRE_WEIGHTS)
    mass = shares.sum(-1, keepdims=True)
    return peak + np.log(mass[..., 0] * length), points, shares / mass


def _tail_and_mean(dim: int, b: Array, y: Array, side: Array) -> tuple[Array, Array]:
    """log mass of the tail beyond y, and the mean of dq/db over it."""
    log_tail, points, shares = _tail(dim, b, y, side)
    return log_tail, (shares * _density_slope(dim, b[..., None], points)).sum(-1)
