"""Where a learned concentration may start; apart, so that a preset, and help on a command, need no torch."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

InitialConcentration = float | Literal["dimension", "paper"]
"""A number, or the name of a start: the ambient dimension, or what the paper has."""


def check_initial_concentration(value: Any) -> None:
    """Refuses what is neither a number nor the name of a start."""
    if isinstance(value, bool) or not (isinstance(value, Real) or value in ("dimension", "paper")):
        raise ValueError(f"initial_concentration must be a number, 'dimension' or 'paper', got {value!r}")
