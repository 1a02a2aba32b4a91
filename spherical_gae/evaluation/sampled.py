"""Scores of a link predictor on many links, against negatives that are drawn, scored and forgotten in chunks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from spherical_gae.data.corruption import corrupt_links
from spherical_gae.data.edge_sets import EdgeSet
from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.evaluation.protocol import calibration_scores, pair_predictions, pair_scores
from spherical_gae.evaluation.ranking import link_ranks

# Keeps these random numbers apart from those of the split, the training and ``LinkEvaluation`` with the same seed.
_SAMPLED_STREAM = 3


@torch.no_grad()
def evaluate_links(
    predictor: Callable[[Tensor], Tensor],
    links: Tensor,
    edge_index: Tensor,
    num_nodes: int,
    *,
    num_ranked: int = 100,
    log_odds: bool = True,
    seed: int = 0,
    max_pairs: int = 1 << 17,
) -> dict[str, float]:
    """Scores a predictor on links of a large graph.

    Against one uniform non-link per link: ``auc``, ``ap``, and for log-odds ``ece`` and ``brier``.  Among
    ``num_ranked`` negatives per link, half of which share its one end, half the other: ``mrr``, ``hits_at_10``,
    ``ndcg_at_10``.  The definitions are those of ``LinkEvaluation``, which draws all negatives at once and keeps them
    to compare predictors; here no more than ``max_pairs`` pairs are held, which takes some 100 bytes each besides what
    the predictor needs, and some 100 bytes for each of the P links and E edges, but none for the P ``num_ranked``
    pairs.

    Args:
        predictor: Maps pairs, int64 [2, n] on the CPU, to scores [n]; the higher, the likelier a link.
        links: int64 [2, P], the links to score, at least one.
        edge_index: int64 [2, E], all links of the graph, also those to score, in either or both directions; none of
            them is a negative.
        num_nodes: Number of nodes N.
        num_ranked: Number of negatives that each link is ranked among, at least 1.
        log_odds: Whether the scores are log-odds of a link, so that calibration means something.
        seed: Seed of the negatives, at least 0.  They depend on ``max_pairs`` and ``num_ranked``, too, but not on the
            predictor.
        max_pairs: Number of pairs drawn and scored at once, at least ``num_ranked``.

    Returns:
        The values named above, all in [0, 1].

    Raises:
        ValueError: If an argument is out of range, a score is not finite, or a node is linked to nearly all others.

    Example:
        >>> edges = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])  # a ring
        >>> near = lambda pairs: 5.0 - (pairs[0] - pairs[1]).abs().remainder(28)
        >>> scores = evaluate_links(near, edges[:, :5], edges, num_nodes=30, num_ranked=10)
        >>> scores["auc"]
        1.0
    """
    if links.dim() != 2 or links.size(0) != 2 or links.size(1) == 0 or links.dtype != torch.long:
        raise ValueError(
            f"links: given {links.dtype} of shape {list(links.shape)}, allowed: torch.int64 of shape [2, P], not empty"
        )
    if int(links.min()) < 0 or int(links.max()) >= num_nodes:
        raise ValueError(
            f"links: given node ids {int(links.min())} to {int(links.max())}, allowed: 0 to {num_nodes - 1}"
        )
    if num_ranked < 1:
        raise ValueError(f"num_ranked: given {num_ranked}, allowed: 1 or more")
    if seed < 0:
        raise ValueError(f"seed: given {seed}, allowed: 0 or more")
    if max_pairs < num_ranked:
        raise ValueError(f"max_pairs: given {max_pairs}, allowed: num_ranked = {num_ranked} or more")
    links, edge_index = links.cpu(), edge_index.cpu()
    uniform_sampler, edges = NonEdgeSampler(edge_index, num_nodes), EdgeSet(edge_index, num_nodes)
    (hashed,) = np.random.SeedSequence([seed, _SAMPLED_STREAM]).generate_state(1, np.uint64).tolist()
    generator = torch.Generator().manual_seed(hashed)

    def score(pairs: Tensor) -> Tensor:
        return pair_predictions(predictor, pairs)

    parts: list[tuple[Tensor, Tensor]] = []
    for some in links.split(max_pairs, dim=1):
        parts.append((score(some), score(uniform_sampler.sample(some.size(1), generator))))
    positive, negative = (torch.cat(scores) for scores in zip(*parts, strict=True))
    ranks = []
    at_once = max_pairs // num_ranked
    for some, own in zip(links.split(at_once, dim=1), positive.split(at_once), strict=True):
        among = corrupt_links(some, edges, num_nodes, num_ranked, generator)
        ranks.append(link_ranks(own, score(among.flatten(1)).view(-1, num_ranked)))
    result = pair_scores(positive, negative, torch.cat(ranks))
    return {**result, **calibration_scores(positive, negative)} if log_odds else result
