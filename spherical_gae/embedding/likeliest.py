"""The likeliest new links, of nodes and of a whole graph, in bounded memory."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from spherical_gae.data.kinds import pair_space
from spherical_gae.embedding.state import EmbeddedGraph
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.pair_blocks import score_block
from spherical_gae.retrieval import TopK, known_partners
from spherical_gae.retrieval.top_k import blockwise_top_k

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


def likeliest_partners(model: VariationalGAE, graph: EmbeddedGraph, k: int, nodes: Tensor) -> TopK:
    """The k nodes of the highest log-odds for each of some nodes, among those without a link to it.

    Of a bipartite graph they are on the other side.

    Args:
        model: The model.
        graph: The graph.
        k: Number of partners, 1 to N.
        nodes: int64 [Q].

    Returns:
        As ``VariationalGAE.top_links``, with log-odds.
    """
    if (space := pair_space(graph.data)) is None:
        known = dict(graph.known)
        return model.top_links(graph.z, k, nodes, graph.data.edge_index, sigmoid=False, **known)  # type: ignore[arg-type]
    everyone = torch.arange(graph.num_nodes)

    def score(rows: slice, columns: slice) -> Tensor:
        source, target = nodes[rows], everyone[columns]
        scores = score_block(model.decoder, graph.z, source, target, sigmoid=False, **graph.known)
        return scores.masked_fill(~space.contains(source[:, None], target[None]), -math.inf)

    exclude = known_partners(nodes, graph.num_nodes, graph.data.edge_index)
    with torch.no_grad():
        return blockwise_top_k(score, nodes.numel(), graph.num_nodes, k, exclude=exclude, width=graph.z.size(1))


def likeliest_pairs(model: VariationalGAE, graph: EmbeddedGraph, k: int) -> LikeliestPairs:
    """The k pairs of the highest log-odds among those without a link; fewer if there are not so many.

    Every pair of the k is among the k likeliest partners of both its ends, so that a search by node finds them all.

    Args:
        model: The model, whose decoder is symmetric.
        graph: The graph.
        k: Number of pairs, at least 1.
    """
    partners = min(k, graph.num_nodes)
    best = LikeliestPairs(graph.z.new_empty(0), torch.empty(2, 0, dtype=torch.long))
    for nodes in torch.arange(graph.num_nodes).split(max(1, _MAX_CANDIDATES // partners)):
        found = likeliest_partners(model, graph, partners, nodes)
        source = nodes[:, None].expand_as(found.indices)
        wanted = source < found.indices
        log_odds = torch.cat([best.log_odds, found.scores[wanted]])
        pairs = torch.cat([best.pairs, torch.stack([source[wanted], found.indices[wanted]])], dim=1)
        order = log_odds.sort(descending=True, stable=True).indices[:k]
        best = LikeliestPairs(log_odds[order], pairs[:, order])
    return best
