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

from spherical_gae.nn.propagation import normalized_adjacency

# Pairs whose rows are multiplied at once.
_PIECE = 1 << 18


def untrained_embeddings(data: Data) -> Tensor:
    """Unit embeddings normalise(A-hat L2(tf-idf(X))): one propagation of the features, nothing learned.

    Their cosines reach the AUC of many published graph autoencoders on citation graphs.

    Args:
        data: Graph with non-negative features ``x`` [N, F], training links ``edge_index`` [2, E] and, optionally,
            their weights ``edge_weight`` [E].

    Returns:
        Float32 [N, F]; a node without features and featured neighbours is a zero row.

    Raises:
        ValueError: If a feature is negative or NaN.
    """
    x = data.x.cpu()
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
    """
    return _shared(edge_index, num_nodes, pairs, lambda degree: 1 / np.maximum(degree, 1))


def katz(edge_index: Tensor, num_nodes: int, pairs: Tensor, beta: float = 0.005) -> Tensor:
    """Sum of beta^l over the simple paths of a pair of length l, up to three  (Katz 1953, cut off).

    Args:
        edge_index: int64 [2, E], both directions of each training link.
        num_nodes: Number of nodes N.
        pairs: int64 [2, P], the pairs to score.
        beta: What each step is worth, > 0.

    Returns:
        Float32 [P], on the device of ``pairs``.

    Raises:
        ValueError: If ``beta`` is not positive.

    Example:
        >>> square = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0], [1, 0, 2, 1, 3, 2, 0, 3]])
        >>> katz(square, 4, torch.tensor([[0, 0], [2, 1]]), beta=0.5)
        tensor([0.5000, 0.6250])
    """
    if not beta > 0:
        raise ValueError(f"beta must be positive, got {beta}")
    adjacency = _adjacency(edge_index, num_nodes)
    degree = adjacency.sum(axis=1)
    squared = adjacency @ adjacency
    source, target = pairs.cpu().numpy()
    scores = []
    for start in range(0, source.size, _PIECE):
        a, b = source[start : start + _PIECE], target[start : start + _PIECE]
        linked, twos = (_entries(matrix, a, b) for matrix in (adjacency, squared))
        threes = np.asarray((squared[a] * adjacency[b]).sum(axis=1)).ravel()
        # Walks of three steps between linked nodes that go to and fro are no paths.
        threes = threes - linked * (degree[a] + degree[b] - 1)
        scores.append(beta * linked + beta**2 * twos + beta**3 * threes)
    return torch.from_numpy(np.concatenate([np.zeros(0), *scores]).astype(np.float32)).to(pairs.device)


def _adjacency(edge_index: Tensor, num_nodes: int) -> csr_array:
    row, column = edge_index.cpu().numpy()
    adjacency = coo_array((np.ones(row.size), (row, column)), shape=(num_nodes, num_nodes)).tocsr()
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    adjacency.data[:] = 1  # repeated links were summed
    return adjacency


def _entries(matrix: csr_array, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    return np.asarray(matrix[row, column]).ravel()


def _shared(edge_index: Tensor, num_nodes: int, pairs: Tensor, weight: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """Sum over the common neighbours of pairs of a weight by their degrees."""
    adjacency = _adjacency(edge_index, num_nodes)
    weighted = csr_array(adjacency * weight(adjacency.sum(axis=1)))
    source, target = pairs.cpu().numpy()
    shared = [
        np.asarray((adjacency[source[i : i + _PIECE]] * weighted[target[i : i + _PIECE]]).sum(axis=1)).ravel()
        for i in range(0, source.size, _PIECE)
    ]
    return torch.from_numpy(np.concatenate([np.zeros(0), *shared]).astype(np.float32)).to(pairs.device)
