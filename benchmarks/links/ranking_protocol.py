"""Two tests of a link predictor by ranks, with HeaRT's formulas: the existing setting, and the hard negatives.

Existing setting: every positive against all shared negatives, with AUC, AP, MRR and Hits@k, of which the last counts
the positives strictly above the k-th best negative, as OGB's evaluator does.  HeaRT: every positive against its own 500
negatives, 250 with each end kept; Hits@k counts ranks of at most k.  In both, rank = 1 + (negatives above + negatives
at or above) / 2, so that ties count half.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from spherical_gae.evaluation.metrics import auc_ap
from spherical_gae.evaluation.ranking import link_ranks

EXISTING_HITS = (1, 3, 10, 20, 50, 100)
HEART_HITS = (1, 3, 10, 20, 100)
METRICS = (
    "auc",
    "ap",
    "mrr",
    *(f"hits_at_{k}" for k in EXISTING_HITS),
    "heart_mrr",
    *(f"heart_hits_at_{k}" for k in HEART_HITS),
)


class PartTest:
    """The pairs of a validation or test part, and the metrics of their scores.

    Args:
        positive: Links, int64 [2, P].
        negative: Shared negatives, int64 [2, Q].
        hard: Hard negatives of each link, int64 [2, P, K]; None where there are none.
    """

    def __init__(self, positive: Tensor, negative: Tensor, hard: Tensor | None = None) -> None:
        self.sizes = positive.size(1), negative.size(1)
        self.shared = torch.cat([positive, negative], dim=1)
        self.hard = positive[:, :0] if hard is None else hard.flatten(1)

    def metrics(self, scores: Tensor) -> dict[str, float]:
        """The metrics of the scores of the pairs, those of ``shared`` and then those of ``hard``."""
        positive, negative, hard = scores.double().cpu().split([*self.sizes, scores.numel() - sum(self.sizes)])
        area = auc_ap(positive, negative)
        result = {"auc": area.auc, "ap": area.ap, "mrr": mean_reciprocal(shared_ranks(positive, negative))}
        result |= {f"hits_at_{k}": hits_above(positive, negative, k) for k in EXISTING_HITS}
        if hard.numel():
            ranks = link_ranks(positive, hard.view(positive.numel(), -1))
            result["heart_mrr"] = mean_reciprocal(ranks)
            result |= {f"heart_hits_at_{k}": float((ranks <= k).double().mean()) for k in HEART_HITS}
        return result

    @torch.no_grad()
    def score(self, predictor: Callable[[Tensor], Tensor], max_pairs: int | None = None) -> dict[str, float]:
        """The metrics of a predictor, which maps pairs [2, E] to scores [E].

        Args:
            predictor: What scores pairs.
            max_pairs: Number of pairs scored at once, None for all: for what shares work between pairs, as a score
                of all pairs of a source does.
        """
        pairs = torch.cat([self.shared, self.hard], dim=1)
        pieces = [pairs] if max_pairs is None else pairs.split(max_pairs, dim=1)
        return self.metrics(torch.cat([predictor(piece) for piece in pieces]))


def shared_ranks(positive: Tensor, negative: Tensor) -> Tensor:
    """Rank of each positive [P] among the same negatives [Q], ties counting half; in n log n time."""
    ordered = negative.sort().values
    above = ordered.numel() - torch.searchsorted(ordered, positive, right=True)
    at_or_above = ordered.numel() - torch.searchsorted(ordered, positive)
    return 1 + (above + at_or_above) / 2


def mean_reciprocal(ranks: Tensor) -> float:
    """Mean reciprocal rank."""
    return float((1 / ranks.double()).mean())


def hits_above(positive: Tensor, negative: Tensor, k: int) -> float:
    """Share of the positives that are strictly above the k-th best negative; 1 if there are fewer negatives."""
    if negative.numel() < k:
        return 1.0
    return float((positive > negative.topk(k).values[-1]).double().mean())
