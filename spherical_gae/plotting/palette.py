"""Colours for classes, as many as there are to tell apart."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

_MOST = 100
_CYCLE = 10
# Steps of each of red, green and blue among which further colours are looked for.
_LEVELS = 12
# Lighter ones are lost on white, and darker ones are all the same black.
_LIGHTNESS = 0.3, 0.85


def class_colors(count: int) -> NDArray[np.float64]:
    """Colours of classes that are numbered from 0.

    The first ten are matplotlib's own, ``C0`` to ``C9``.  Each further one is the one farthest from white and from all
    before it, as far as an eye tells colours apart.  From the 101st on they come again.

    Args:
        count: Number of classes, at least 0.

    Returns:
        Red, green and blue in [0, 1], shape [count, 3].

    Example:
        >>> class_colors(12).shape
        (12, 3)
    """
    chosen = [to_rgb(f"C{number}") for number in range(min(count, _CYCLE))]
    if count > _CYCLE:
        candidates = np.array(list(itertools.product(np.linspace(0, 1, _LEVELS), repeat=3)))
        places = _oklab(candidates)
        seen = (places[:, 0] >= _LIGHTNESS[0]) & (places[:, 0] <= _LIGHTNESS[1])
        candidates, places = candidates[seen], places[seen]
        taken = _oklab(np.array([(1.0, 1.0, 1.0), *chosen]))
        nearest = np.linalg.norm(places[:, None] - taken, axis=2).min(1)
        for _ in range(min(count, _MOST) - _CYCLE):
            farthest = int(nearest.argmax())
            chosen.append(tuple(candidates[farthest]))
            nearest = np.minimum(nearest, np.linalg.norm(places - places[farthest], axis=1))
    return np.array([chosen[number % _MOST] for number in range(count)]).reshape(count, 3)


def _oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lightness in [0, 1] and two axes of hue, in which distances are about those that are seen (Ottosson 2020)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    return np.cbrt(cones) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
