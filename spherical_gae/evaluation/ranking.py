"""Ranking metrics: where does a link stand among negatives of its own?"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class RankingScores(NamedTuple):
    """Mean reciprocal rank, share of links among the first k, and mean discounted gain there, all in [0, 1]."""

    mrr: float
    hits: float
    ndcg: float


def link_ranks(positive: Tensor, negative: Tensor) -> Tensor:
    """Rank of every link among its negatives, 1 is best; ties count half.

    Args:
        positive: Scores of links, shape [P]; the higher, the likelier.
        negative: Scores of each link's negatives, shape [P, K].

    Returns:
        Shape [P], from 1 to K + 1; half-integers for ties.

    Raises:
        ValueError: If the shapes do not fit, there is nothing to rank, or a score is NaN.
    """
    if positive.dim() != 1 or negative.dim() != 2 or negative.size(0) != positive.size(0) or negative.numel() == 0:
        raise ValueError(
            f"positive and negative must have shapes [P] and [P, K], not empty, got {tuple(positive.shape)} and "
            f"{tuple(negative.shape)}"
        )
    if bool(positive.isnan().any()) or bool(negative.isnan().any()):
        raise ValueError("positive and negative must hold numbers, got NaN")
    above = (negative > positive[:, None]).sum(1)
    equal = (negative == positive[:, None]).sum(1)
    return 1 + above + 0.5 * equal


def ranking_scores(ranks: Tensor, k: int = 10) -> RankingScores:
    """Mean reciprocal rank, Hits@k and NDCG@k (Jarvelin & Kekalainen 2002).

    Each link is the only relevant item of its list, so that the ideal gain is 1 and NDCG@k is the mean of
    1 / log2(1 + rank) over all links, where those beyond rank k count zero.  The reciprocal rank is not cut off at k.
    Without ties these are the values of ``torch_geometric.metrics``, which takes lists of predicted nodes, so that it
    has to be told an order.

    Args:
        ranks: From ``link_ranks``, shape [P], not empty.
        k: A link counts as a hit if its rank is at most k.

    Raises:
        ValueError: If there are no ranks.
    """
    if ranks.numel() == 0:
        raise ValueError("ranks must hold at least one rank, got none")
    ranks = ranks.double()
    hit = (ranks <= k).double()
    return RankingScores(float((1 / ranks).mean()), float(hit.mean()), float((hit / (1 + ranks).log2()).mean()))
