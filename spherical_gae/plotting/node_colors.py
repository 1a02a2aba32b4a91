"""What nodes of a page are coloured by: categories or numbers, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

# Numbers whose largest is so many times the smallest are coloured by their logarithm.
_WIDE = 20
# Below it each integer is a float of its own.
_EXACT = 2**53


def as_values(name: str, values: Any, num_nodes: int) -> list[Any]:
    """One plain value for each node, None where it is missing (None, NaN or pandas' NA).

    Args:
        name: Name of the argument, for errors.
        values: Sequence, array or tensor, shape [N], in the order of the nodes.
        num_nodes: N.

    Raises:
        ValueError: If there is not one for each node, or they are a dict or a set.
    """
    # A dict would be read as its keys, and a set in any order.
    if isinstance(values, dict | set | frozenset):
        raise ValueError(
            f"{name} must have one value for each of the {num_nodes} nodes, in their order, got a "
            f"{type(values).__name__}"
        )
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    if not isinstance(plain, list) or len(plain) != num_nodes or any(isinstance(value, list) for value in plain):
        raise ValueError(f"{name} must have one value for each of the {num_nodes} nodes, got {np.shape(values)}")
    plain = [value.item() if isinstance(value, np.generic) else value for value in plain]
    return [None if pd.isna(value) else value for value in plain]


def category_color(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Colours by category: the categories in order, and the place of each node's, -1 where it is missing.

    Args:
        name: What the reader is told that the colours are.
        values: One for each node, None where missing.  A float that is a whole number is shown as an integer.
    """
    values = [_as_integer(value) for value in values]
    kinds = {str(value): value for value in values if value is not None}
    numeric = all(isinstance(value, int | float) for value in kinds.values())
    categories = sorted(kinds, key=(lambda text: kinds[text]) if numeric else None)
    place = {text: index for index, text in enumerate(categories)}
    return {
        "name": name,
        "categories": categories,
        "values": [-1 if value is None else place[str(value)] for value in values],
    }


def _as_integer(value: Any) -> Any:
    """The integer that a float stands for: an array of integers has floats where some are missing."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def concentration_color(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Colours by concentration, as ``number_color``.

    Args:
        name: What the reader is told that the colours are.
        values: One for each node, at least 0.

    Raises:
        ValueError: If a value is missing, no finite number, or negative.
    """
    if None in values:
        raise ValueError(f"{name} must be at least 0, got NaN or None")
    colors = number_color(name, values)
    if (least := min(values, default=0)) < 0:
        raise ValueError(f"{name} must be at least 0, got {least}")
    return colors


def number_color(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Colours by number, None where it is missing; by the logarithm of 1 + number where numbers span a wide range.

    Args:
        name: What the reader is told that the colours are.
        values: One for each node, None where missing.

    Raises:
        ValueError: If a value is no finite number.
    """
    for value in values:
        if value is not None and (not isinstance(value, int | float) or not np.isfinite(value)):
            raise ValueError(f"{name} must be finite numbers, got {value!r}")
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0, 0)
    rounded = [value if value is None or isinstance(value, int) else float(f"{value:.4g}") for value in values]
    return {"name": name, "log": low >= 0 and high > _WIDE * max(low, 1e-300) and high > 1, "values": rounded}
