"""A loss for the order of scores: each link should be above its own negatives."""

from __future__ import annotations

import torch
from torch import Tensor


def listwise_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """Mean of -log softmax of each link among its own negatives: log(1 + sum_k exp(negative_k - positive)).

    What all scores of a list share, such as how popular the common end is, cancels; negatives far below the link count
    for nothing.

    Args:
        positive: Log-odds of links, shape [P].
        negative: Log-odds of each link's negatives, shape [P, K].

    Returns:
        Shape ().

    Raises:
        ValueError: If the shapes do not fit, or there is nothing to compare.

    Example:
        >>> listwise_loss(torch.zeros(2), torch.zeros(2, 3))  # log 4: the link may be any of four
        tensor(1.3863)
    """
    if positive.dim() != 1 or negative.dim() != 2 or negative.size(0) != positive.size(0) or negative.numel() == 0:
        raise ValueError(
            f"positive and negative must have shapes [P] and [P, K], not empty, got {tuple(positive.shape)} and "
            f"{tuple(negative.shape)}"
        )
    return (torch.cat([positive[:, None], negative], dim=1).logsumexp(dim=1) - positive).mean()
