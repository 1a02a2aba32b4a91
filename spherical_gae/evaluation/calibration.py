"""Calibration: does a predicted probability mean what it says?"""

from __future__ import annotations

import torch
from torch import Tensor


def brier_score(probability: Tensor, label: Tensor) -> float:
    """Mean squared difference of probability and outcome (Brier 1950), in [0, 1]; 0 is best.

    Args:
        probability: Predicted probabilities in [0, 1], shape [E].
        label: 1 for links, 0 for non-links, shape [E].

    Raises:
        ValueError: If the shapes differ, are empty, or a probability is outside [0, 1], a label not 0 or 1.

    Example:
        >>> brier_score(torch.tensor([0.9, 0.2]), torch.tensor([1, 0]))
        0.025000002980232527
    """
    _check(probability, label)
    return float((probability.double() - label.double()).square().mean())


def expected_calibration_error(probability: Tensor, label: Tensor, num_bins: int = 15) -> float:
    """Mean of |share of links - mean probability| over bins of equal width (Guo et al. 2017, eq. 5), in [0, 1].

    Args:
        probability: Predicted probabilities in [0, 1], shape [E].
        label: 1 for links, 0 for non-links, shape [E].
        num_bins: Number of bins, at least 1; a boundary belongs to the bin above it.

    Returns:
        The error, each bin weighted by the number of pairs in it.

    Raises:
        ValueError: If the shapes differ, are empty, a probability is outside [0, 1], a label not 0 or 1, or
            ``num_bins`` is below 1.

    Example:
        >>> expected_calibration_error(torch.tensor([0.8, 0.8, 0.8, 0.8]), torch.tensor([1, 1, 1, 0]))
        0.050000011920928955
    """
    _check(probability, label)
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1, got {num_bins}")
    probability, label = probability.double(), label.double()
    which = (probability * num_bins).long().clamp(max=num_bins - 1)
    gap = torch.zeros(num_bins, dtype=torch.float64, device=which.device).index_add_(0, which, label - probability)
    return float(gap.abs().sum() / probability.numel())


def _check(probability: Tensor, label: Tensor) -> None:
    if probability.shape != label.shape or probability.dim() != 1 or probability.numel() == 0:
        raise ValueError(
            f"probability and label must have one shape [E], not empty, got {tuple(probability.shape)} and "
            f"{tuple(label.shape)}"
        )
    if not bool(((probability >= 0) & (probability <= 1)).all()):
        raise ValueError(f"probability must be in [0, 1], got {float(probability.min())} to {float(probability.max())}")
    if not bool(((label == 0) | (label == 1)).all()):
        raise ValueError(f"label must be 0 or 1, got {sorted(set(label.tolist()))[:5]}")
