"""The likeliest new links of a whole graph, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from spherical_gae.models.graph import VariationalGAE

# Candidates held at once, beside the best so far.
_MAX_CANDIDATES = 1 << 21


class LikeliestPairs(NamedTuple):
    """Pairs of nodes, best first.

    Attributes:
        log_odds: Shape [n].
        pairs: int64 [2, n], each as i < j.
    """

    log_odds: Tensor
    pairs: Tensor


def likeliest_pairs(
    model: VariationalGAE, z: Tensor, k: int, edge_index: Tensor, known: Mapping[str, Any]
) -> LikeliestPairs:
    """The k pairs of the highest log-odds among those without a link; fewer if there are not so many.

    Every pair of the k is among the k likeliest partners of both its ends, so that a search by node finds them all.

    Args:
        model: The model, whose decoder is symmetric.
        z: Embeddings, shape [N, m].
        k: Number of pairs, at least 1.
        edge_index: int64 [2, E], the links.
        known: See ``VariationalGAE.graph_arguments``.
    """
    num_nodes = z.size(0)
    partners = min(k, num_nodes)
    best = LikeliestPairs(z.new_empty(0), torch.empty(2, 0, dtype=torch.long))
    for nodes in torch.arange(num_nodes).split(max(1, _MAX_CANDIDATES // partners)):
        found = model.top_links(z, partners, nodes, edge_index, sigmoid=False, **known)
        source = nodes[:, None].expand_as(found.indices)
        wanted = source < found.indices
        log_odds = torch.cat([best.log_odds, found.scores[wanted]])
        pairs = torch.cat([best.pairs, torch.stack([source[wanted], found.indices[wanted]])], dim=1)
        order = log_odds.sort(descending=True, stable=True).indices[:k]
        best = LikeliestPairs(log_odds[order], pairs[:, order])
    return best
