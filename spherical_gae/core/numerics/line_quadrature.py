"""Integrals over the line of functions with one peak, known by their logarithm, wherever it is and however narrow."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# An integral ends where the function has fallen by so many e-folds.
_FOLDS = 33.0
_ZOOMS, _POINTS = 14, 9
_BISECTIONS = 8


def trapezoid_nodes(log_function: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, count: int) -> Tensor:
    """Nodes of a trapezoidal rule for exp(log_function) and its products with smooth functions.

    For a function that is analytic, with one maximum and tails that fall exponentially, the rule converges faster than
    any power of the number of nodes.

    Args:
        log_function: From points [..., k] to values [..., k]; not differentiated.
        low: Below the maximum, shape [...].
        high: Above it, likewise.
        count: Number of nodes.

    Returns:
        Equidistant nodes, shape [..., count], constants for differentiation.
    """
    with torch.no_grad():
        low, high = low.detach(), high.detach()
        share = torch.linspace(0, 1, _POINTS, dtype=low.dtype, device=low.device)
        for _ in range(_ZOOMS):
            points = low.unsqueeze(-1) + (high - low).unsqueeze(-1) * share
            best = log_function(points).argmax(-1, keepdim=True)
            mode = points.gather(-1, best).squeeze(-1)
            step = (high - low) / (_POINTS - 1)
            low, high = mode - step, mode + step
        ends = [_end(log_function, mode, side) for side in (-1.0, 1.0)]
        places = torch.linspace(0, 1, count, dtype=mode.dtype, device=mode.device)
        return ends[0].unsqueeze(-1) + (ends[1] - ends[0]).unsqueeze(-1) * places


def _end(log_function: Callable[[Tensor], Tensor], mode: Tensor, side: float) -> Tensor:
    """How far from the mode the function has fallen."""
    level = log_function(mode.unsqueeze(-1)) - _FOLDS
    sizes = 2.0 ** torch.arange(-52, 12, dtype=mode.dtype, device=mode.device)
    is_low = log_function(mode.unsqueeze(-1) + side * sizes) < level
    # The smallest of them: an index that vmap batches could not be read.
    far = torch.where(is_low, sizes, sizes[-1]).amin(-1)
    near = 0.5 * far
    for _ in range(_BISECTIONS):
        middle = 0.5 * (near + far)
        below = log_function((mode + side * middle).unsqueeze(-1)).squeeze(-1) < level.squeeze(-1)
        near, far = torch.where(below, near, middle), torch.where(below, middle, far)
    return mode + side * far
