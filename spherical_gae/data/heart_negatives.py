"""HeaRT's hard negatives made anew by the benchmark's procedure, where they are not published as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

_ALPHA = 0.15  # teleportation of the PageRank
_SEED = 42
# What is left of the PageRank after so many steps, .85^180 = 2e-13, is below the rounding of float32.
_NUM_STEPS = 180
_BLOCK = 512

Floats = NDArray[np.float32]


def make_heart_ends(
    x: Tensor, train_links: Tensor, parts: Sequence[tuple[Tensor, Tensor]], num_hard: int = 500
) -> list[NDArray[np.int64]]:
    """Other ends of the hard negatives of links, by the procedure of HeaRT (Li et al. 2023, section 4 and their code).

    For each end of a link all nodes are ranked three times: by common neighbours divided by the node's own degree, by
    personalised PageRank (teleportation .15) and by the cosine of the features.  A node counts by the best of its three
    ranks, and the ``num_hard / 2`` best are taken.  Neighbours, the end itself and the other end are left out.  If too
    few nodes have a score, the others are drawn from the rest, seed 42.

    Two things are done as the benchmark's code does them, since other negatives would be another benchmark.  Common
    neighbours are divided by the degree of the node that is ranked, not by their own, as resource allocation would.
    And the ranks by features of a node are kept, and are ranked again when it is the end of another link: every second
    time they count the other way round.  The order of the links and of the parts therefore matters.

    PageRank and cosines are computed in float64 and rounded to float32, and equal ranks are taken in the order of
    ``torch.topk``, so that the result hardly depends on the machine.  It does depend on such ties: of CiteSeer's
    published hard negatives 99.9% are made again.

    Memory: 8 bytes for each pair of an end and a node, that is 1.1 GB for PubMed, and up to half of that for ends that
    come again.

    Args:
        x: Features, floating point [N, F].
        train_links: The links that are known, each once, int64 [2, E], without self-loops.
        parts: For each part, such as validation and test, its links, int64 [2, P], and the links [2, K] whose ends are
            not to be negatives of each other.
        num_hard: Negatives of a link, an even number of at most 2 (N - 1).

    Returns:
        For each part int64 [P, num_hard]: of a link (a, b) first the nodes c of the pairs (a, c), then those of (c, b).

    Raises:
        ValueError: ``num_hard`` is odd or too large.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0], [1.0, 9.0]])
        >>> path = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
        >>> (ends,) = make_heart_ends(x, path, [(torch.tensor([[0], [4]]), path)], num_hard=4)
        >>> ends.tolist()  # of (0, 4): (0, 2), (0, 3), (5, 4), (2, 4)
        [[2, 3, 5, 2]]
    """
    num_nodes = x.size(0)
    if num_hard % 2 or not 2 <= num_hard <= 2 * (num_nodes - 1):
        raise ValueError(f"num_hard: given {num_hard}, allowed: even numbers from 2 to {2 * (num_nodes - 1)}")
    adjacency = _adjacency(train_links, num_nodes)
    visits = np.concatenate([links.t().reshape(-1).numpy() for links, _ in parts])
    nodes = np.unique(visits)
    place = {int(node): k for k, node in enumerate(nodes)}
    common = _common_neighbors(adjacency)
    pagerank = personalized_pagerank(adjacency, nodes)
    cosine = _cosines(x, nodes)

    to_come = Counter(visits.tolist())
    kept: dict[int, Floats] = {}
    random = np.random.RandomState(_SEED)

    def hardest(node: int, other: int, known: sp.csr_array) -> NDArray[np.int64]:
        left_out = np.zeros(num_nodes, dtype=bool)
        left_out[known.indices[known.indptr[node] : known.indptr[node + 1]]] = True
        left_out[[node, other]] = True
        features = kept.pop(node, cosine[place[node]])
        scores = [common[[node]].toarray()[0].astype(np.float32), pagerank[place[node]], features]
        scores = [np.where(left_out, np.float32(-1), score) for score in scores]
        has_none = np.logical_and.reduce([score == 0 for score in scores])
        ranks = [_ranks(score) for score in scores]
        to_come[node] -= 1
        if to_come[node]:
            kept[node] = ranks[2]
        best = torch.from_numpy(-np.minimum.reduce(ranks))
        num_scored = min(num_hard // 2, int(num_nodes - has_none.sum() - left_out.sum()))
        taken = torch.topk(best, num_scored).indices.numpy()
        if num_scored == num_hard // 2:
            return taken
        return np.concatenate([taken, random.choice(np.flatnonzero(has_none), num_hard // 2 - num_scored)])

    made = []
    for links, known_links in parts:
        known = _adjacency(known_links, num_nodes)
        pairs = links.t().tolist()
        made.append(np.stack([np.concatenate([hardest(a, b, known), hardest(b, a, known)]) for a, b in pairs]))
    return made


def personalized_pagerank(adjacency: sp.csr_array, nodes: NDArray[np.int64]) -> Floats:
    """Where a walk from each of ``nodes`` ends that stops with probability .15 before each step.

    The sum of .15 (.85)^t (D^-1 A)^t over t (Page et al. 1999), of as many terms as float32 can tell.

    Args:
        adjacency: Symmetric matrix of zeros and ones, [N, N].
        nodes: The nodes to start from, [S].

    Returns:
        float32 [S, N]: probabilities, computed in float64, of a relative error of 1e-7.  A walk from a node without
        neighbours ends there or is lost.
    """
    degree = np.asarray(adjacency.sum(axis=0), dtype=np.float64)
    step = (adjacency @ sp.diags_array(1 / np.maximum(degree, 1))).tocsr()  # column j: where a walk goes from j
    result = np.empty((len(nodes), len(degree)), dtype=np.float32)
    for first in range(0, len(nodes), _BLOCK):
        block = nodes[first : first + _BLOCK]
        walking = np.zeros((len(degree), len(block)))
        walking[block, np.arange(len(block))] = _ALPHA
        ended = walking.copy()
        for _ in range(_NUM_STEPS):
            walking = (1 - _ALPHA) * (step @ walking)
            ended += walking
        result[first : first + len(block)] = ended.T
    return result


def _adjacency(links: Tensor, num_nodes: int) -> sp.csr_array:
    a, b = links.numpy()
    ones = np.ones(2 * links.size(1))
    matrix = sp.coo_array((ones, (np.r_[a, b], np.r_[b, a])), shape=(num_nodes, num_nodes)).tocsr()
    matrix.data[:] = 1
    return matrix


def _common_neighbors(adjacency: sp.csr_array) -> sp.csr_array:
    degree = np.asarray(adjacency.sum(axis=0))
    return (adjacency @ adjacency @ sp.diags_array(1 / np.maximum(degree, 1))).tocsr()


def _cosines(x: Tensor, nodes: NDArray[np.int64]) -> Floats:
    features = x.to_dense().double()
    features = features / features.norm(dim=1, keepdim=True).clamp(min=1e-300)
    return torch.cat([(features[part] @ features.T).float() for part in torch.from_numpy(nodes).split(_BLOCK)]).numpy()


def _ranks(scores: Floats) -> Floats:
    """Ranks from 1, the highest score first; behind them those of score 0, and behind these the negative ones."""
    has_one = scores > 0
    ranks = rankdata(scores[has_one], method="min")
    ranks = ranks.max(initial=0) - ranks + 1
    last = ranks.max(initial=0)
    result = np.where(scores < 0, last + 2, last + 1).astype(np.float32)
    result[has_one] = ranks
    return result
