"""What the clusterings share: checked directions, where clusters start, and rows in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_array
from torch import Tensor

from spherical_gae.core.constraints import NORM_TOLERANCE

# Rows at once: their scores, and their copies in float64, stay in the processor's cache.
_BLOCK_NUMBERS = 1 << 17
_HALF = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def checked_directions(x: Any, features: int | None = None) -> Tensor:
    """Unit vectors as a tensor on the CPU, float32 or float64; those a little too long or short are normalised.

    Args:
        x: Array or tensor, shape [n, m], m >= 2; integers and half precision become float64.  Norms may be off by 1e-5,
            in half precision by its rounding, 1e-3 (bfloat16: 8e-3).
        features: m, where it is known.

    Raises:
        ValueError: If the shape is another one, a value is not finite, or a row is not a unit vector.
    """
    tolerance = NORM_TOLERANCE
    if str(getattr(x, "dtype", "")).removeprefix("torch.") in _HALF:
        tolerance = torch.finfo(_HALF[str(x.dtype).removeprefix("torch.")]).eps
    # NumPy has no bfloat16.
    array = (x.double() if x.dtype == torch.bfloat16 else x).detach().cpu().numpy() if isinstance(x, Tensor) else x
    points = as_tensor(check_array(array, dtype=(np.float64, np.float32)))
    if points.shape[1] < 2 or (features is not None and points.shape[1] != features):
        allowed = "at least 2" if features is None else str(features)
        raise ValueError(f"X must have {allowed} features, got {points.shape[1]}")
    norms = torch.linalg.vector_norm(points, dim=1, dtype=torch.float64, keepdim=True)
    row = int((norms - 1).abs().argmax())
    if abs(float(norms[row]) - 1) > tolerance:
        raise ValueError(
            f"X must hold unit vectors, within {tolerance:.1g}, got a norm of {float(norms[row]):.6g} in row {row}: "
            f"normalise it with sklearn.preprocessing.normalize(X)"
        )
    # A norm that is off by 1e-5 is a spread, or a lack of it, of concentration 1e5.
    is_off = (norms - 1).abs() > 4 * torch.finfo(points.dtype).eps
    return torch.where(is_off, (points.double() / norms).to(points.dtype), points) if is_off.any() else points


def as_tensor(array: np.ndarray) -> Tensor:
    """The array as a tensor on the CPU, a copy where it is read only: PyTorch warns of joblib's memory maps."""
    return torch.from_numpy(np.require(array, requirements=("C_CONTIGUOUS", "WRITEABLE")))


def blocks(points: Tensor, width: int) -> Iterator[slice]:
    """Slices of the rows, for scores of ``width`` columns."""
    numbers = width if points.dtype == torch.float64 else max(width, points.shape[1])
    rows = max(256, _BLOCK_NUMBERS // numbers)
    yield from (slice(start, start + rows) for start in range(0, len(points), rows))


def in_float64(points: Tensor) -> Tensor:
    """Rows in float64, of length 1 to its precision; those that are float64 as they are.

    1 - cosine of neighbours is below what float32 resolves near 1, and below the errors of lengths in float32.
    """
    if points.dtype == torch.float64:
        return points
    rows = points.double()
    return rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)


def spread_out(points: Tensor, count: int, random: np.random.RandomState) -> Tensor:
    """Rows that are far from each other: k-means++ by 1 - cosine  (Arthur and Vassilvitskii 2007).

    Of 2 + log(count) candidates, drawn by their distance to the rows taken before, the one is taken that leaves the
    least distance, as scikit-learn does.

    Args:
        points: Unit vectors, shape [n, m].
        count: Number of rows, at most n.
        random: Source of randomness.

    Returns:
        Shape [count, m].
    """
    trials = 2 + int(np.log(count))
    chosen = [int(random.randint(len(points)))]
    distance = _distances(points, chosen)[0]
    for _ in range(count - 1):
        mass = distance.clamp(min=0).cumsum(0)
        if mass[-1] > 0:
            targets = torch.from_numpy(random.uniform(size=trials)) * mass[-1]
            candidates = torch.searchsorted(mass, targets).clamp(max=len(points) - 1)
        else:  # all points coincide with one that was taken
            candidates = torch.from_numpy(random.randint(len(points), size=trials))
        nearer = torch.minimum(distance, _distances(points, candidates))
        best = int(nearer.clamp(min=0).sum(1).argmin())
        chosen.append(int(candidates[best]))
        distance = nearer[best]
    return points[chosen]


def _distances(points: Tensor, chosen: Tensor | list[int]) -> Tensor:
    """1 - cosine of the chosen rows to all, [chosen, n], float64."""
    centers = in_float64(points[chosen])
    return torch.cat([1 - centers @ in_float64(points[rows]).T for rows in blocks(points, len(centers))], 1)


def unit_rows(sums: Tensor, fallback: Tensor) -> Tensor:
    """Rows scaled to length 1; of a row of zeros the one of ``fallback``."""
    length = torch.linalg.vector_norm(sums, dim=1, keepdim=True)
    return torch.where(length > 0, sums / length.clamp(min=torch.finfo(sums.dtype).tiny), fallback)
