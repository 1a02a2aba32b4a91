"""Embeddings of any dimension as points of S^2, to look at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Embeddings that lose no more of their squared length lose it to rounding, or turn by less than a reader can see.
_LOSSLESS = 1e-6


class GlobeProjection(NamedTuple):
    """Points to draw on a globe, and what they show of the embeddings.

    Attributes:
        points: Unit vectors, float64 [N, 3].
        shown: Share of each embedding's squared length that is in its point, in [0, 1], float64 [N].
        share: Mean of ``shown``, at most 1: exactly 1 where nothing is lost, that is where no embedding loses more
            than a millionth.
        description: One sentence for the reader: which projection this is, and its share.

    Example:
        >>> from spherical_gae.plotting import globe_projection
        >>> globe_projection(np.eye(3)).share
        1.0
    """

    points: NDArray[np.float64]
    shown: NDArray[np.float64]
    share: float
    description: str


def globe_projection(embedding: ArrayLike) -> GlobeProjection:
    """Projects directions to S^2.

    Directions of S^2 are drawn as they are, and those of S^1 on the equator.  Others are projected on the three
    principal directions, which are the eigenvectors of sum z z^T of the largest eigenvalues, and scaled to length 1:
    the mean is not subtracted, as angles are about the origin.

    Args:
        embedding: Vectors of non-zero length, shape [N, m], m >= 2; only their directions count.

    Raises:
        ValueError: If the shape is another one, a number is not finite, or a row is 0.

    Example:
        >>> globe_projection([[0.0, 2.0], [3.0, 0.0]]).points
        array([[0., 1., 0.],
               [1., 0., 0.]])
    """
    unit = unit_directions(embedding)
    dim = unit.shape[1]
    if dim <= 3:
        points = np.pad(unit, ((0, 0), (0, 3 - dim)))
        place = "as they are" if dim == 3 else "on the equator"
        full = np.ones(len(unit))
        return GlobeProjection(points, full, 1.0, f"The {dim} coordinates of the embeddings, {place}; nothing is lost.")
    _, directions = np.linalg.eigh(unit.T @ unit)
    axes = directions[:, :-4:-1]
    # A direction's sign is arbitrary: its largest entry is made positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), range(3)])
    inside = unit @ axes
    length = np.linalg.norm(inside, axis=1, keepdims=True)
    # By rounding it may be more than 1.
    shown = np.minimum(np.square(length[:, 0]), 1)
    # What is at right angles to all three is nowhere on this globe: it is drawn at the first.
    points = np.where(length > 1e-12, inside / np.maximum(length, 1e-12), [1.0, 0.0, 0.0])
    place = f"The 3 principal directions of embeddings of {dim} coordinates, which hold"
    if shown.min() >= 1 - _LOSSLESS:
        return GlobeProjection(points, np.ones_like(shown), 1.0, f"{place} all of their length; nothing is lost.")
    share = float(shown.mean())
    # What is lost is not rounded away.
    percent = f"{share:.0%}" if share < 0.995 else "more than 99%"
    description = (
        f"{place} {percent} of their squared length. Nodes drawn side by side may be far apart; the lists of nearest "
        "nodes use all coordinates."
    )
    return GlobeProjection(points, shown, share, description)


def unit_directions(embedding: ArrayLike) -> NDArray[np.float64]:
    """Rows scaled to length 1, float64.

    Raises:
        ValueError: As ``globe_projection``.
    """
    rows = np.asarray(embedding, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] < 1 or rows.shape[1] < 2:
        raise ValueError(f"embedding must have shape [N, m] with N >= 1 and m >= 2, got {list(rows.shape)}")
    if not np.isfinite(rows).all():
        raise ValueError("embedding must be finite, got NaN or infinite numbers")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not length.all():
        raise ValueError(f"embedding must have no rows of zeros, got one in row {int(length.argmin())}")
    return rows / length
