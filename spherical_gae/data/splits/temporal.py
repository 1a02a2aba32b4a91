"""Splits by time: what comes later is predicted from what came before."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def cut_by_time(edge_time: Tensor, links: Tensor, val: float, test: float) -> tuple[Tensor, Tensor, Tensor]:
    """Cuts links at two moments, so that all training links come before all others, and validation before test links.

    Links of one time stay together: of the cuts between different times, those nearest to the shares asked for are
    taken.

    Args:
        edge_time: Times of all edges, [E].
        links: int64 [L], the edges to cut, each link once.
        val: Share of the links for validation.
        test: Share of the links, the latest, for the test.

    Returns:
        ``links`` in three parts, each by time.

    Raises:
        ValueError: If there are fewer than three different times.

    Example:
        >>> [part.tolist() for part in cut_by_time(torch.tensor([5, 1, 4, 2, 3]), torch.arange(5), 0.2, 0.4)]
        [[1, 3], [4], [2, 0]]
    """
    times, order = edge_time[links].sort(stable=True)
    # Places where a new time begins: cuts do not split a time.
    starts = torch.nonzero(times[1:] != times[:-1]).flatten().numpy() + 1
    if starts.size < 2:
        raise ValueError(
            f"data.edge_time: given {starts.size + 1} different times, allowed: at least 3, for training, validation "
            f"and test"
        )
    count = links.numel()
    # At least one cut is left before the second.
    second = 1 + int(np.abs(starts[1:] - (count - int(test * count))).argmin())
    wanted = count - int(test * count) - int(val * count)
    first = int(np.abs(starts[:second] - wanted).argmin())
    cuts = int(starts[first]), int(starts[second])
    ordered = links[order]
    return ordered[: cuts[0]], ordered[cuts[0] : cuts[1]], ordered[cuts[1] :]
