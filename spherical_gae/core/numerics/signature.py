"""Keeps ``torch.autograd.Function`` from inspecting a signature at every call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def keeps_signature(forward: F) -> F:
    """Decorates the ``forward`` of a Function that has a ``setup_context``.

    ``Function.apply`` then calls ``inspect.signature(forward)``, which takes 10 microseconds, a tenth of a
    Gaussian's sample and divergence at a batch of 64; for a function that has a ``__signature__``, one.

    Args:
        forward: The function; below ``staticmethod``.

    Returns:
        The same function.
    """
    forward.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    return forward
