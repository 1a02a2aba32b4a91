"""What an epoch can be selected by: one number from the scores of links and of negatives."""

from __future__ import annotations

import re

from torch import Tensor

from spherical_gae.evaluation.metrics import auc_ap
from spherical_gae.evaluation.ranking import hits_at_k, link_ranks, ranking_scores


def check_criterion(name: str) -> None:
    """Refuses what is no criterion.

    Raises:
        ValueError: If ``name`` is not ``"auc+ap"``, ``"auc"``, ``"mrr"`` or ``"hits@K"`` with a number K >= 1.

    Example:
        >>> check_criterion("hits@10")
    """
    if not isinstance(name, str) or not re.fullmatch(r"auc\+ap|auc|mrr|hits@[1-9][0-9]*", name):
        raise ValueError(f"select_by must be 'auc+ap', 'auc', 'mrr' or 'hits@K' with a number K >= 1, got {name!r}")


def check_negatives(name: str, negatives: Tensor) -> None:
    """Refuses ``"hits@K"`` where every link is among the first K, so that no epoch is better than another.

    Args:
        name: A criterion.
        negatives: The pairs that links are held against, int64 [2, Q] or [P, K, 2].

    Raises:
        ValueError: If all links share fewer than K negatives, or each has fewer than K of its own.
    """
    if not name.startswith("hits@"):
        return
    count = negatives.size(1)
    if count < int(name.removeprefix("hits@")):
        whose = "that all links share" if negatives.dim() == 2 else "of each link's own"
        raise ValueError(f"select_by must be at most hits@{count}, with the {count} negatives {whose}, got {name!r}")


def criterion_value(name: str, positive: Tensor, negative: Tensor) -> float:
    """The value of a criterion; the higher, the better.

    Args:
        name: ``"auc+ap"`` or ``"auc"``: against all negatives.  ``"mrr"``: the mean reciprocal rank of each link among
            its negatives, see :func:`~spherical_gae.evaluation.ranking.link_ranks`.  ``"hits@K"``: see
            :func:`~spherical_gae.evaluation.ranking.hits_at_k`.
        positive: Scores of links, shape [P].
        negative: Scores of the negatives that all links share, shape [Q]; or of each link's own, shape [P, K].

    Returns:
        A number in [0, 1]; of ``"auc+ap"`` in [0, 2].

    Raises:
        ValueError: If the name is unknown, the shapes do not fit or are empty, or a score is NaN or, for
            AUC and AP, infinite.

    Example:
        >>> import torch
        >>> criterion_value("mrr", torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.2, 0.0]))
        0.6666666666666666
    """
    check_criterion(name)
    if name == "mrr":
        return ranking_scores(link_ranks(positive, negative)).mrr
    if name.startswith("hits@"):
        return hits_at_k(positive, negative, int(name.removeprefix("hits@")))
    scores = auc_ap(positive, negative)
    return scores.auc if name == "auc" else sum(scores)
