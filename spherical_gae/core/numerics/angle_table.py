"""Tables of the angle's quantile: a sample of the angle, and its gradient, at the price of a few polynomials.

``angle_family.py`` defines y(b, s), smooth on [0, 1] x R.  Here it is tabulated once per dimension, on a uniform
grid in c = b (1 + d) / (b + d) and in the normal score s, as a spline stored cell by cell: bicubic in float32,
biquintic in float64.  The spline's derivative is the implicit reparameterisation gradient (Figurnov et al. 2018),

    d log(x / (2 - x)) / dkappa = (1 + b dy/db) dlog(b) / dkappa.

A sample thus needs one normal variate, no rejection and no loop.  The error of a table is measured when it is
built, in every cell and where a spline is worst, and the build fails above ``MAX_CDF_ERROR``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when a table is first built, not when a distribution is imported
import torch
from torch import Tensor

from spherical_gae.core.numerics.angle_family import FAMILIES, AngleFamily, Array
from spherical_gae.core.numerics.angle_quantile import (
    log_mass,
    normal_score,
    quantile,
    quantile_slope,
)
from spherical_gae.core.numerics.operators import call_operator, is_traced, register_operator

# Smallest dimension with a table of the von Mises-Fisher law; the sampler of ``marginal.py`` serves the circle.
MIN_DIM = 3
MAX_CDF_ERROR = {torch.float32: 1e-6, torch.float64: 1e-9}

_DEGREE = {torch.float32: 3, torch.float64: 5}
# The largest normal score: a larger one has a probability of 3e-12, and hardly any generator returns it.
_REACH = {torch.float32: 7.0, torch.float64: 8.75}
# The table ends a little beyond c = 1, kappa = 0, so that this is inside the last cell.
_LAST_PLACE = 1 + 2.0**-20
# Where the gradient's error is measured: beyond, a score has probability 6e-5.
_COMMON_SCORE = 4.0
# Where in a cell a spline's derivative is worst, (1 - 1 / sqrt(3)) / 2: at the centre its error vanishes.
_WORST_SLOPE = 0.2113


class AngleTable(NamedTuple):
    """The table of one distribution in one dimension.

    Attributes:
        cells: Coefficients, shape [rows * columns, degree + 1 (of the score), degree + 1 (of b)], of the powers of
            the offset from the cell's lower end, in cells, highest power first.
        rows: Number of cells in b.
        columns: Number of cells in the score.
        bend: d of the map from b to c.
        reach: Largest absolute score.
        scalars: Constants of the evaluation on the table's device.
        cdf_error: Largest error of the distribution function, before the cells are rounded to their dtype.
        slope_error: Largest relative error of dtheta / dkappa at scores within 4, likewise.
    """

    cells: Tensor
    rows: int
    columns: int
    bend: float
    reach: float
    scalars: _Scalars
    cdf_error: float
    slope_error: float


class TabulatedAngle(NamedTuple):
    """tan(theta / 2), cos(theta), sin(theta), and dtheta / dkappa at fixed normal score."""

    half_tangent: Tensor
    cosine: Tensor
    sine: Tensor
    velocity: Tensor


class _Scalars(NamedTuple):
    """Tensors without dimensions: an operation with a Python number takes twice as long on a small batch."""

    one: Tensor
    half: Tensor
    inverse_a: Tensor
    bend: Tensor
    last_row: Tensor
    middle_column: Tensor
    rate: Tensor


def tabulated_angle(concentration: Tensor, score: Tensor, family: type[AngleFamily], dim: int) -> TabulatedAngle:
    """The angle whose distribution function is Phi(``score``), and its derivative in the concentration.

    Args:
        concentration: kappa >= 0, any shape, float32 or float64.
        score: Standard normal variates, same shape and dtype, in effect clamped to the table's reach of 7 (float32)
            or 8.75 (float64).
        family: The distribution.
        dim: Ambient dimension m.

    Returns:
        Four tensors of that shape, differentiable.  The error is the table's, see ``AngleTable``, and in the
        distribution function a few roundings times sqrt(m) besides.
    """
    if is_traced(concentration):
        found = call_operator("tabulated_angle", concentration, score, dim=dim, family=family.__name__)
        return TabulatedAngle(*found)
    table = angle_table(family, dim, concentration.dtype, concentration.device)
    scalars, a = table.scalars, 0.5 * (dim - 1)
    b, spread = family.mode(concentration * scalars.inverse_a, scalars.one)
    inverse = (b + scalars.bend).reciprocal()
    # c = (1 + d) (1 - d / (b + d)) in rows, and dc/db = (1 + d) d / (b + d)^2.
    per_row = (1 + table.bend) * table.bend * table.rows / _LAST_PLACE
    row_place = torch.sub(scalars.last_row, inverse, alpha=per_row)
    column_place = torch.add(scalars.middle_column, score, alpha=0.5 * table.columns / table.reach)
    column_place = column_place.clamp_(0, table.columns / _LAST_PLACE)
    index = torch.add(column_place.floor(), row_place.floor(), alpha=table.columns).int()
    # Only a NaN lies outside; it must not become an index.
    index = index.clamp_(0, table.rows * table.columns - 1)
    # Not index_select, which in old versions (torch 2.4) takes no int32 under vmap.
    cell = torch.embedding(table.cells.flatten(1), index).view(*b.shape, *table.cells.shape[1:])

    powers = _horner(cell.unbind(-2), column_place.frac().unsqueeze(-1)).unbind(-1)
    y, y_slope = _horner_with_slope(powers, row_place.frac())
    odds = y.exp() * b  # x / (2 - x)
    half_tangent = odds.sqrt()
    twice_rest = torch.add(scalars.half, odds, alpha=0.5).reciprocal()  # 2 - x
    sine = half_tangent * twice_rest
    place_slope = inverse * inverse * b
    rate = torch.addcmul(scalars.rate, y_slope, place_slope, value=-0.5 / a * per_row)
    return TabulatedAngle(half_tangent, twice_rest - scalars.one, sine, rate * sine / spread)


# At a fixed score: nothing asks for derivatives in it.
register_operator(
    "tabulated_angle",
    lambda kappa, score, family, dim: tabulated_angle(kappa, score.detach(), FAMILIES[family], dim),
    num_outputs=4,
)


def angle_table(family: type[AngleFamily], dim: int, dtype: torch.dtype, device: torch.device) -> AngleTable:
    """The table of one distribution in one dimension, built on first use and kept.

    Args:
        family: The distribution.
        dim: Ambient dimension m >= 3, for the power spherical distribution m >= 2.
        dtype: float32 or float64.
        device: Where its tensor is put.

    Returns:
        The table: 0.5 MB in float32 and 2.4 MB in float64, or 2.1 and 9.4 MB for m <= 10, and twice that for m <= 3,
        built in some tenths of a second (m <= 3: in about one).  The last 64 are kept.

    Raises:
        RuntimeError: If its error exceeds ``MAX_CDF_ERROR``.
    """
    return _build(family, dim, dtype, device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # An inference tensor would be of no use to a later derivative.
def _build(law: type[AngleFamily], dim: int, dtype: torch.dtype, device: torch.device) -> AngleTable:
    family = law(dim)
    a, bend = 0.5 * (dim - 1), 1.0 if dim < 32 else 4.0
    # In few dimensions the mass crosses to the antipode within a narrow band of scores.
    rows, columns = (64, 128) if dim > 10 else (128, 256) if dim > 3 else (256, 256)
    reach, degree = _REACH[dtype], _DEGREE[dtype]
    places, scores = np.linspace(0, _LAST_PLACE, rows + 1), np.linspace(-reach, reach, columns + 1)
    values = quantile(family, _unbend(places, bend)[:, None], scores)
    spline = scipy.interpolate.RectBivariateSpline(places, scores, values, kx=degree, ky=degree, s=0)
    cdf_error, slope_error = _errors(spline, family, places, scores, bend)
    if not cdf_error <= MAX_CDF_ERROR[dtype]:
        raise RuntimeError(f"the table of the angle of {family} has an error of {cdf_error:.1e} in the CDF")
    cells = torch.tensor(_cell_polynomials(spline, places, scores, degree), dtype=dtype, device=device)
    numbers = (1.0, 0.5, 1 / a, bend, (1 + bend) * rows / _LAST_PLACE, 0.5 * columns, -0.5 / a)
    scalars = _Scalars(*(torch.tensor(x, dtype=dtype, device=device) for x in numbers))
    return AngleTable(cells, rows, columns, bend, reach, scalars, cdf_error, slope_error)


def _unbend(place: Array, bend: float) -> Array:
    """b of c."""
    return place * bend / (1 + bend - place)


def _errors(
    spline: scipy.interpolate.RectBivariateSpline, family: AngleFamily, places: Array, scores: Array, bend: float
) -> tuple[float, float]:
    """Errors of the distribution function and of dtheta / dkappa, each where in a cell the spline is worst."""
    score = 0.5 * (scores[1:] + scores[:-1])
    b = _unbend(0.5 * (places[1:] + places[:-1]), bend)[:, None]
    y = spline(0.5 * (places[1:] + places[:-1]), score)
    side = np.broadcast_to(np.where(score < 0, -1.0, 1.0), y.shape)
    reached = normal_score(family, b, y, side, log_mass(family, b))
    cdf_error = np.abs(
        scipy.special.ndtr(-np.abs(reached)) - scipy.special.ndtr(-np.abs(np.broadcast_to(score, y.shape)))
    ).max()

    score = score[np.abs(score) < _COMMON_SCORE]
    place = places[:-1] + _WORST_SLOPE * (places[1] - places[0])
    b = _unbend(place, bend)[:, None]
    exact = 1 + b * quantile_slope(family, b, spline(place, score), score)
    found = 1 + b * spline(place, score, dx=1) * (1 + bend) * bend / (b + bend) ** 2
    return float(cdf_error), float(np.abs(found / exact - 1).max())


def _cell_polynomials(
    spline: scipy.interpolate.RectBivariateSpline, places: Array, scores: Array, degree: int
) -> Array:
    """The spline's coefficients in each cell, by interpolation at Chebyshev points: exact up to rounding."""
    offsets = 0.5 - 0.5 * np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    solve = np.linalg.inv(np.vander(offsets, degree + 1))
    points = [(axis[:-1, None] + (axis[1] - axis[0]) * offsets).ravel() for axis in (places, scores)]
    values = spline(*points).reshape(len(places) - 1, degree + 1, len(scores) - 1, degree + 1)
    cells = np.einsum("pi,aibj,qj->abqp", solve, values, solve)
    return cells.reshape(-1, degree + 1, degree + 1)


def _horner(coefficients: tuple[Tensor, ...], x: Tensor) -> Tensor:
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = torch.addcmul(coefficient, value, x)
    return value


def _horner_with_slope(coefficients: tuple[Tensor, ...], x: Tensor) -> tuple[Tensor, Tensor]:
    value = slope = coefficients[0]
    for i, coefficient in enumerate(coefficients[1:]):
        if i:
            slope = torch.addcmul(value, slope, x)
        value = torch.addcmul(coefficient, value, x)
    return value, slope
