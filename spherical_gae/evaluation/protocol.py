"""Every score of a link predictor on a test part, against three kinds of negatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from spherical_gae.data.corruption import corrupt_links
from spherical_gae.data.degree_matched import DegreeMatchedSampler
from spherical_gae.data.kinds import kind_of_graph, pair_space
from spherical_gae.data.splits import LinkSplit
from spherical_gae.evaluation.calibration import brier_score, expected_calibration_error
from spherical_gae.evaluation.metrics import auc_ap, finite_scores
from spherical_gae.evaluation.ranking import link_ranks, ranking_scores
from spherical_gae.nn.propagation import node_degree

# Keeps these random numbers apart from those of the split and the training with the same seed.
_EVALUATION_STREAM = 2


class LinkEvaluation:
    """The test of a link predictor, the same pairs for every predictor that is scored with it.

    Against the split's own uniform negatives: ``auc``, ``ap``.  Against one negative per link whose ends have the
    training degrees of the link's ends: ``auc_degree_matched``, ``ap_degree_matched``; a score that only knows
    degrees has an AUC of one half there, or nearly so (see ``DegreeMatchedSampler``).  Among ``num_ranked`` pairs
    that share an end with the link: ``mrr``, ``hits_at_10``, ``ndcg_at_10``.  The five names with ``_connected``
    appended leave out all links, and for AUC and AP all negatives, of which an end has no training link.  For
    predictors of log-odds: ``ece`` and ``brier``, on links and the split's negatives, as many if
    ``split_links`` made it.

    Args:
        split: From ``split_links``.
        seed: Seed of the negatives drawn here, at least 0.
        num_ranked: Number of negatives that each link is ranked among, at least 1.

    Raises:
        ValueError: If ``num_ranked`` is below 1, ``seed`` is negative, a part of the graph is too dense to draw
            negatives from, or the graph is directed, bipartite or a batch of graphs, where most of these negatives
            could not be links.

    Example:
        >>> from spherical_gae import load_graph, split_links
        >>> split = split_links(load_graph("digits"))
        >>> x = split.test.x
        >>> scores = LinkEvaluation(split).scores(lambda p: -(x[p[0]] - x[p[1]]).norm(dim=1), log_odds=False)
        >>> round(scores["auc"], 2), round(scores["mrr"], 2)
        (0.85, 0.38)
    """

    def __init__(self, split: LinkSplit, seed: int = 0, num_ranked: int = 100) -> None:
        if pair_space(split.train) is not None:
            given = kind_of_graph(split.train).split(":")[0]
            raise ValueError(
                f"split: given {given.lower()}, allowed: one undirected graph of one kind of nodes, as negatives are "
                f"drawn among all pairs here"
            )
        shape = list(split.test.neg_edge_label_index.shape)
        if len(shape) != 2:
            raise ValueError(
                f"split.test.neg_edge_label_index: given shape {shape}, negatives of each link, allowed: [2, Q], "
                "shared by all; ranking_scores is for the former"
            )
        if num_ranked < 1:
            raise ValueError(f"num_ranked: given {num_ranked}, allowed: 1 or more")
        if seed < 0:
            raise ValueError(f"seed: given {seed}, allowed: 0 or more")
        num_nodes = split.train.num_nodes
        links = torch.cat([part.pos_edge_label_index.cpu() for part in split], dim=1)
        degree = node_degree(split.train.edge_index.cpu(), num_nodes)
        (hashed,) = np.random.SeedSequence([seed, _EVALUATION_STREAM]).generate_state(1, np.uint64).tolist()
        generator = torch.Generator().manual_seed(hashed)
        self.positive = split.test.pos_edge_label_index.cpu()
        self.uniform = split.test.neg_edge_label_index.cpu()
        self.degree_matched = DegreeMatchedSampler(links, degree).sample(self.positive, generator)
        self.ranked = corrupt_links(self.positive, links, num_nodes, num_ranked, generator)
        self._connected = degree > 0

    @torch.no_grad()
    def scores(
        self, predictor: Callable[[Tensor], Tensor], log_odds: bool = True, max_pairs: int = 1 << 17
    ) -> dict[str, float]:
        """Scores a predictor.

        Args:
            predictor: Maps pairs, int64 [2, E] on the CPU, to scores [E]; the higher, the likelier a link.
            log_odds: Whether the scores are log-odds of a link, so that calibration means something.
            max_pairs: Number of pairs scored at once, at least 1: an embedding gathers both ends of each, which takes
                memory.  What computes a source once for all its pairs, as ``katz`` does, is faster with more.

        Returns:
            The values named above, all in [0, 1].

        Raises:
            ValueError: If ``max_pairs`` is below 1, there is not one score for each pair, a score is not finite, or no
                test link, or no negative, has two ends with training links.
        """
        if max_pairs < 1:
            raise ValueError(f"max_pairs: given {max_pairs}, allowed: 1 or more")
        positive, uniform, matched, ranked = (
            torch.cat([pair_predictions(predictor, piece) for piece in pairs.flatten(1).split(max_pairs, dim=1)])
            for pairs in (self.positive, self.uniform, self.degree_matched, self.ranked)
        )
        ranks = link_ranks(positive, ranked.view(positive.numel(), -1))
        has_links, negative_has_links = (self._connected[pairs].all(0) for pairs in (self.positive, self.uniform))
        result: dict[str, float] = {}
        for suffix, kept, negative in (
            ("", torch.ones_like(has_links), uniform),
            ("_connected", has_links, uniform[negative_has_links]),
        ):
            result |= {
                f"{name}{suffix}": value for name, value in pair_scores(positive[kept], negative, ranks[kept]).items()
            }
        result["auc_degree_matched"], result["ap_degree_matched"] = auc_ap(positive, matched)
        if log_odds:
            result |= calibration_scores(positive, uniform)
        return result


def pair_predictions(predictor: Callable[[Tensor], Tensor], pairs: Tensor) -> Tensor:
    """What a predictor says of pairs [2, E], float64 [E] on the CPU.

    Raises:
        ValueError: If there is not one score for each pair, or a score is not finite.
    """
    scores = predictor(pairs)
    if scores.shape != pairs.shape[1:]:
        raise ValueError(
            f"predictor: given scores of shape {list(scores.shape)} for {pairs.size(1)} pairs, allowed: one for each"
        )
    return finite_scores("predictor", scores.double().cpu())


def pair_scores(positive: Tensor, negative: Tensor, ranks: Tensor) -> dict[str, float]:
    """What a predictor is worth on links: ``auc``, ``ap``, ``mrr``, ``hits_at_10``, ``ndcg_at_10``.

    Args:
        positive: Scores of links, shape [P].
        negative: Scores of non-links, shape [Q].
        ranks: From ``link_ranks``, shape [P].

    Raises:
        ValueError: If there is no score, or one that is not finite.
    """
    area, ranking = auc_ap(positive, negative), ranking_scores(ranks)
    return {
        "auc": area.auc,
        "ap": area.ap,
        "mrr": ranking.mrr,
        "hits_at_10": ranking.hits,
        "ndcg_at_10": ranking.ndcg,
    }


def calibration_scores(positive: Tensor, negative: Tensor) -> dict[str, float]:
    """``ece`` and ``brier`` of log-odds, float64 [P] of links and [Q] of non-links."""
    probability = torch.cat([positive, negative]).sigmoid()
    label = torch.cat([torch.ones_like(positive), torch.zeros_like(negative)])
    return {"ece": expected_calibration_error(probability, label), "brier": brier_score(probability, label)}
