"""What can be scored without training: the yardstick that every link prediction table needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from sklearn.feature_extraction.text import TfidfTransformer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data

from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.nn.propagation import normalized_adjacency

# Entries of the rows that are multiplied at once.
_PIECE = 1 << 22
# Rows of the Katz index made at once.
_ROWS = 512


def untrained_embeddings(data: Data) -> Tensor:
    """Unit embeddings normalise(A-hat L2(tf-idf(X))): one propagation of the features, nothing learned.

    Their cosines reach the AUC of many published graph autoencoders on citation graphs.

    Args:
        data: Graph with non-negative features ``x`` [N, F], training links ``edge_index`` [2, E] and, optionally,
            their weights ``edge_weight`` [E].

    Returns:
        Float32 [N, F]; a node without features and featured neighbours is a zero row.

    Raises:
        ValueError: If there are no features, or one is negative or NaN.

    Example:
        >>> data = Data(x=torch.tensor([[1.0, 0.0], [0.0, 1.0]]), edge_index=torch.tensor([[0, 1], [1, 0]]))
        >>> untrained_embeddings(data)
        tensor([[0.7071, 0.7071],
                [0.7071, 0.7071]])
    """
    if data.x is None:
        raise ValueError("data.x: given None, allowed: features [N, F]")
    x = data.x.cpu() if data.x.layout == torch.strided else data.x.cpu().to_dense()
    if not bool((x >= 0).all()):
        raise ValueError(f"x must be non-negative for tf-idf, got a smallest entry of {float(x.min())}")
    weighted = TfidfTransformer(norm="l2").fit_transform(x.double().numpy()).toarray()
    rows = torch.from_numpy(weighted).float().to(data.x.device)
    adjacency = normalized_adjacency(data.edge_index, rows.size(0), edge_weight=data.edge_weight)
    return F.normalize(adjacency @ rows, dim=-1)


def common_neighbors(edge_index: Tensor, num_nodes: int, pairs: Tensor) -> Tensor:
    """Number of nodes that both ends of a pair are linked to: the classic score of an unlinked pair.

    Args:
        edge_index: int64 [2, E], both directions of each training link.
        num_nodes: Number of nodes N.
        pairs: int64 [2, P], the pairs to score.

    Returns:
        Float32 [P], on the device of ``pairs``.

    Raises:
        ValueError: If edges or pairs are no integers [2, E] from 0 to N - 1.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2
        >>> common_neighbors(path, 3, torch.tensor([[0, 0], [2, 1]]))
        tensor([1., 0.])
    """
    return _shared(edge_index, num_nodes, pairs, np.ones_like)


def adamic_adar(edge_index: Tensor, num_nodes: int, pairs: Tensor) -> Tensor:
    """Sum of 1 / log(degree) over the common neighbours of a pair  (Adamic & Adar 2003).

    Args:
        edge_index: int64 [2, E], both directions of each training link.
        num_nodes: Number of nodes N.
        pairs: int64 [2, P], the pairs to score.

    Returns:
        Float32 [P], on the device of ``pairs``.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2
        >>> adamic_adar(path, 3, torch.tensor([[0], [2]]))  # 1 / log(2)
        tensor([1.4427])
    """
    # A node between two others has at least two links; of a pair of one node with itself it may have one.
    return _shared(edge_index, num_nodes, pairs, lambda degree: 1 / np.log(np.maximum(degree, 2)))


def resource_allocation(edge_index: Tensor, num_nodes: int, pairs: Tensor) -> Tensor:
    """Sum of 1 / degree over the common neighbours of a pair  (Zhou, Lu & Zhang 2009).

    Args:
        edge_index: int64 [2, E], both directions of each training link.
        num_nodes: Number of nodes N.
        pairs: int64 [2, P], the pairs to score.

    Returns:
        Float32 [P], on the device of ``pairs``.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2
        >>> resource_allocation(path, 3, torch.tensor([[0], [2]]))
        tensor([0.5000])
    """
    return _shared(edge_index, num_nodes, pairs, lambda degree: 1 / np.maximum(degree, 1))


def katz(edge_index: Tensor, num_nodes: int, pairs: Tensor, beta: float = 0.005) -> Tensor:
    """Sum of beta^l over the walks of l steps between the ends of a pair, l = 1, 2, ...  (Katz 1953).

    Args:
        edge_index: int64 [2, E], both directions of each training link.
        num_nodes: Number of nodes N.
        pairs: int64 [2, P], the pairs to score.
        beta: What each step is worth, > 0, small enough that the sum converges.

    Returns:
        Float32 [P], on the device of ``pairs``; the error is 1e-16 of the largest score, so that ends that are very far
        from each other may have 0.  It takes up to 37 / -log(beta * largest degree) steps: many, if that is near 1.
        Every first end is computed once for all its pairs of a call: give all pairs in one call, not in pieces.

    Raises:
        ValueError: If ``beta`` is not positive, or not below 1 / the largest degree, where convergence is certain; or
            as for ``common_neighbors``.

    Example:
        >>> katz(torch.tensor([[0, 1], [1, 0]]), 2, torch.tensor([[0], [1]]), beta=0.5)  # .5 + .5^3 + .5^5 + ...
        tensor([0.6667])
    """
    adjacency = _adjacency(edge_index, num_nodes)
    most = float(adjacency.sum(axis=1).max(initial=1))
    if not 0 < beta < 1 / most:
        raise ValueError(f"beta must be positive and below 1 / the largest degree, {1 / most:.3g}, got {beta}")
    step = beta * adjacency
    source, target = _ends(pairs, num_nodes)
    scores = np.zeros(source.size)
    ends, place = np.unique(source, return_inverse=True)
    order = np.argsort(place, kind="stable")
    for start in range(0, ends.size, _ROWS):
        mine = order[np.searchsorted(place[order], start) : np.searchsorted(place[order], start + _ROWS)]
        walks = step[ends[start : start + _ROWS]].toarray().T
        total = walks.copy()
        # Every further step is worth at most beta * most of the one before.
        while walks.max(initial=0) > 1e-16 * total.max(initial=0):
            walks = step @ walks
            total += walks
        scores[mine] = total[target[mine], place[mine] - start]
    return torch.from_numpy(scores.astype(np.float32)).to(pairs.device)


def _adjacency(edge_index: Tensor, num_nodes: int) -> csr_array:
    row, column = checked_edge_index(edge_index, num_nodes).cpu().numpy()
    adjacency = coo_array((np.ones(row.size), (row, column)), shape=(num_nodes, num_nodes)).tocsr()
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    adjacency.data[:] = 1  # repeated links were summed
    return adjacency


def _ends(pairs: Tensor, num_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    source, target = checked_edge_index(pairs, num_nodes, "pairs").cpu().numpy()
    return source, target


def _shared(edge_index: Tensor, num_nodes: int, pairs: Tensor, weight: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """Sum over the common neighbours of pairs of a weight by their degrees."""
    adjacency, (source, target) = _adjacency(edge_index, num_nodes), _ends(pairs, num_nodes)
    degree = adjacency.sum(axis=1)
    weighted = csr_array(adjacency * weight(degree))
    # Pieces by their entries: the rows of well linked nodes are long.
    piece = (1 + degree[source] + degree[target]).cumsum() // _PIECE
    shared = [
        np.asarray((adjacency[source[some]] * weighted[target[some]]).sum(axis=1)).ravel()
        for some in np.split(np.arange(source.size), np.flatnonzero(np.diff(piece)) + 1)
    ]
    return torch.from_numpy(np.concatenate([np.zeros(0), *shared]).astype(np.float32)).to(pairs.device)
