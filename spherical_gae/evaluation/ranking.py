"""Ranking metrics: where does a link stand among negatives, its own or those that all links share?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class RankingScores(NamedTuple):
    """Mean reciprocal rank, share of links among the first k, and mean discounted gain there, all in [0, 1].

    Example:
        >>> ranking_scores(torch.tensor([1.0, 4.0])).mrr
        0.625
    """

    mrr: float
    hits: float
    ndcg: float


def link_ranks(positive: Tensor, negative: Tensor) -> Tensor:
    """Rank of every link among its negatives, 1 is best; ties count half.

    Args:
        positive: Scores of links, shape [P]; the higher, the likelier.
        negative: Scores of each link's own negatives, shape [P, K]; or of those that all links share, shape [Q].

    Returns:
        Shape [P], from 1 to K + 1 or Q + 1; half-integers for ties.

    Raises:
        ValueError: If the shapes do not fit, there is nothing to rank, or a score is NaN.

    Example:
        >>> link_ranks(torch.tensor([0.9, 0.1]), torch.tensor([[0.5, 0.2], [0.1, 0.0]]))  # of their own
        tensor([1.0000, 1.5000])
        >>> link_ranks(torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.2, 0.1, 0.0]))  # shared
        tensor([1.0000, 3.5000])
    """
    _check_scores(positive, negative)
    if negative.dim() == 1:
        dtype = torch.promote_types(positive.dtype, negative.dtype)
        ordered, positive = negative.to(dtype).sort().values, positive.to(dtype).contiguous()
        not_above = torch.searchsorted(ordered, positive, right=True)
        below = torch.searchsorted(ordered, positive, right=False)
        return 1 + (ordered.numel() - not_above) + 0.5 * (not_above - below)
    above = (negative > positive[:, None]).sum(1)
    equal = (negative == positive[:, None]).sum(1)
    return 1 + above + 0.5 * equal


def hits_at_k(positive: Tensor, negative: Tensor, k: int) -> float:
    """Share of links among the first k, in [0, 1].

    Among shared negatives this is the Hits@K of the Open Graph Benchmark (Hu et al. 2020): a link is a hit if its score
    is strictly above the k-th best negative, and if there are fewer than k negatives every link is.  Among negatives
    of its own, a link is a hit if its rank is at most k, see :func:`link_ranks`.

    Args:
        positive: Scores of links, shape [P]; the higher, the likelier.
        negative: Scores of the negatives that all links share, shape [Q]; or of each link's own, shape [P, K].
        k: At least 1.

    Raises:
        ValueError: If ``k`` is below 1, the shapes do not fit, there is nothing to rank, or a score is NaN.

    Example:
        >>> hits_at_k(torch.tensor([0.9, 0.5, 0.1]), torch.tensor([0.5, 0.2, 0.0]), k=1)
        0.3333333333333333
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if negative.dim() == 2:
        return float((link_ranks(positive, negative) <= k).double().mean())
    _check_scores(positive, negative)
    if negative.numel() < k:
        return 1.0
    return float((positive > negative.topk(k).values[-1]).double().mean())


def ranking_scores(ranks: Tensor, k: int = 10) -> RankingScores:
    """Mean reciprocal rank, Hits@k and NDCG@k (Jarvelin & Kekalainen 2002).

    Each link is the only relevant item of its list, so that the ideal gain is 1 and NDCG@k is the mean of
    1 / log2(1 + rank) over all links, where those beyond rank k count zero.  The reciprocal rank is not cut off at k.
    Without ties these are the values of ``torch_geometric.metrics``, which takes lists of predicted nodes, so that it
    has to be told an order.

    Args:
        ranks: From ``link_ranks``, shape [P], not empty, at least 1.
        k: A link counts as a hit if its rank is at most k, at least 1.

    Raises:
        ValueError: If there are no ranks, one is below 1 or not finite, or ``k`` is below 1.

    Example:
        >>> ranking_scores(torch.tensor([1.0, 4.0, 20.0]), k=10)
        RankingScores(mrr=0.43333333333333335, hits=0.6666666666666666, ndcg=0.47689218602446437)
    """
    if ranks.numel() == 0:
        raise ValueError("ranks must hold at least one rank, got none")
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    ranks = ranks.double()
    if not bool((ranks.isfinite() & (ranks >= 1)).all()):
        raise ValueError(f"ranks must be finite and at least 1, got {float(ranks.min())} to {float(ranks.max())}")
    hit = (ranks <= k).double()
    return RankingScores(float((1 / ranks).mean()), float(hit.mean()), float((hit / (1 + ranks).log2()).mean()))


def _check_scores(positive: Tensor, negative: Tensor) -> None:
    fits = negative.dim() == 1 or (negative.dim() == 2 and negative.shape[:1] == positive.shape)
    if positive.dim() != 1 or not fits or positive.numel() == 0 or negative.numel() == 0:
        raise ValueError(
            f"positive and negative must have shapes [P] and [P, K] or [Q], not empty, got {tuple(positive.shape)} and "
            f"{tuple(negative.shape)}"
        )
    if bool(positive.isnan().any()) or bool(negative.isnan().any()):
        raise ValueError("positive and negative must hold numbers, got NaN")
