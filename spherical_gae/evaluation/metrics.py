"""Metrics of link prediction."""

from __future__ import annotations

from typing import NamedTuple

import torch
from sklearn import config_context
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor


class LinkScores(NamedTuple):
    """AUC and AP, both in [0, 1].

    Example:
        >>> scores = auc_ap(torch.tensor([0.9, 0.4]), torch.tensor([0.5, 0.1]))
        >>> scores.auc
        0.75
    """

    auc: float
    ap: float


def auc_ap(positive: Tensor, negative: Tensor) -> LinkScores:
    """Area under the ROC curve and average precision, by scikit-learn.

    Args:
        positive: Scores of true links, any shape; the higher, the likelier.  At least one.
        negative: Scores of non-links, any shape.  At least one.

    Returns:
        The pair (auc, ap).

    Raises:
        ValueError: If either is empty, or a score is NaN or infinite.

    Example:
        >>> auc_ap(torch.tensor([0.9, 0.4]), torch.tensor([0.5, 0.1]))
        LinkScores(auc=0.75, ap=0.8333333333333333)
    """
    for name, scores in (("positive", positive), ("negative", negative)):
        if scores.numel() == 0:
            raise ValueError(f"{name} must hold at least one score, got none")
        finite_scores(name, scores)
    ranked = torch.cat([positive.flatten(), negative.flatten()]).detach().double().cpu().numpy()
    labels = torch.cat([torch.ones(positive.numel()), torch.zeros(negative.numel())]).numpy()
    # The scores were checked above, and this is called in every epoch.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        return LinkScores(float(roc_auc_score(labels, ranked)), float(average_precision_score(labels, ranked)))


def finite_scores(name: str, scores: Tensor) -> Tensor:
    """The scores; a ValueError that names the argument if one is NaN or infinite."""
    unusable = int((~scores.isfinite()).sum())
    if unusable:
        raise ValueError(f"{name} must hold finite scores, got {unusable} of {scores.numel()} NaN or infinite")
    return scores
