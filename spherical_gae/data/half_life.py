"""What a half-life may be; without torch, which settings do not need."""

from __future__ import annotations

import math


def check_half_life(half_life: float) -> None:
    """Refuses what is no half-life.

    Raises:
        ValueError: If it is not above 0 and finite.

    Example:
        >>> check_half_life(3.5)
    """
    if not (half_life > 0 and math.isfinite(half_life)):
        raise ValueError(f"half_life: given {half_life}, allowed: a finite number above 0, or None")
