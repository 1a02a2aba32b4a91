"""Features of the nodes of a graph that has none: the smoothest functions on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import eigsh
from torch import Tensor

NUM_SPECTRAL_FEATURES = 64
"""Features of a node, unless the graph is smaller."""
_TOLERANCE = 1e-4
# Equal eigenvalues end Lanczos' method early, and ARPACK then goes on at random.  So much, far below the tolerance, is
# added to the diagonal that no two are equal.
_APART = 1e-6
# What is so near to 0 is an error; and the squares of much smaller numbers are 0 in float32, which models divide by.
_ZERO = 1e-6
LEAST_SPECTRAL_NODES = 4
# The column of a smaller eigenvalue jumps along every link, and what neighbours say of a later node is divided by it.
_LEAST_EIGENVALUE = 0.05
# Rows of nodes in a chain follow from each other: each is held near the size of what is known.
_MOST = 2.0


class SpectralFeatures(NamedTuple):
    """Eigenvectors of a graph, and what extends them to later nodes.

    Attributes:
        x: Float32 [N, k], columns of mean square 1 / k.
        eigenvalues: Float64 [k], the largest first.
    """

    x: Tensor
    eigenvalues: Tensor


def spectral_features(
    edge_index: Tensor,
    num_nodes: int,
    num_features: int = NUM_SPECTRAL_FEATURES,
    edge_weight: Tensor | None = None,
) -> SpectralFeatures:
    """Eigenvectors of the largest eigenvalues of A-hat = D^(-1/2) (A + I) D^(-1/2), the matrix of message passing.

    Each is a function on the nodes that changes as little as possible along the links and is orthogonal to those before
    (spectral clustering; Ng, Jordan & Weiss 2001): nodes that are near in the graph have near rows.

    They are found by Lanczos' method (ARPACK) from a vector of ones, to four digits, the same bits again and again.  Of
    an eigenvalue that many components of the graph share, isolated nodes above all, this finds few vectors, and that is
    wanted: the others say which component a node is in, nothing else.  On a graph with symmetries (a path, a ring, a
    cube) some of the vectors that change their sign under one may be missing where few are asked for; with the default
    number, none was on paths, rings and grids of 400 nodes or more.

    Args:
        edge_index: int64 [2, E], both directions of each link; links that are to be predicted must not be among them.
        num_nodes: Number N of nodes, at least 4.
        num_features: Number of eigenvectors, at least 1; at most N / 2 are taken.
        edge_weight: Positive weights, shape [E]; None for 1.

    Raises:
        ValueError: If there are less than 4 nodes, or ``num_features`` is below 1.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4], [1, 0, 2, 1, 3, 2, 4, 3]])
        >>> spectral_features(path, 5, 2).x.shape
        torch.Size([5, 2])
    """
    if num_nodes < LEAST_SPECTRAL_NODES:
        raise ValueError(f"num_nodes: given {num_nodes}, allowed: {LEAST_SPECTRAL_NODES} or more")
    if num_features < 1:
        raise ValueError(f"num_features: given {num_features}, allowed: 1 or more")
    count = min(num_features, num_nodes // 2)
    # Multiples of the golden ratio, less their whole parts, are spread evenly in [0, 1).
    apart = sparse.diags_array(_APART * ((1 + 5**0.5) / 2 * np.arange(num_nodes) % 1))
    matrix = _message_passing(edge_index, num_nodes, edge_weight) + apart
    eigenvalues, vectors = eigsh(matrix, count, which="LA", v0=np.ones(num_nodes), tol=_TOLERANCE)
    order = np.argsort(-eigenvalues, kind="stable")
    x = np.sqrt(num_nodes / count) * vectors[:, order]
    return SpectralFeatures(_without_dust(x), torch.from_numpy(eigenvalues[order].copy()))


def extended_features(
    known: SpectralFeatures, edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None = None
) -> Tensor:
    """Rows of nodes that come later, from their links; those of the others do not change.

    An eigenvector v of the eigenvalue l satisfies (l - a_ii) v_i = sum over j of a_ij v_j, j other than i, so that the
    value of a new node follows from those of its neighbours (Nystroem's method; Bengio et al. 2003).  A node of the
    graph itself gets its own row this way, up to rounding, where l >= 2 a_ii; elsewhere l / 2 stands for l - a_ii,
    which may be near 0.  No value is more than twice the largest of its column in the graph, and columns with l < .05
    are 0: they are noise at a later node.  Nodes without a link to a node of the graph follow from neighbours that got
    their row before; without any link the row is 0.

    Args:
        known: The features of the first N nodes.
        edge_index: int64 [2, E], both directions of each link of the graph with the new nodes, which come last.
        num_nodes: Number of all nodes.
        edge_weight: Positive weights, shape [E]; None for 1.

    Returns:
        Float32 [num_nodes - N, k].
    """
    num_old = known.x.size(0)
    matrix = _message_passing(edge_index, num_nodes, edge_weight)
    own = matrix.diagonal()
    x = np.zeros((num_nodes, known.x.size(1)))
    x[:num_old] = known.x.numpy()
    values, limit = known.eigenvalues.numpy(), _MOST * np.abs(x).max(axis=0)
    links = matrix - sparse.diags_array(own)
    done = np.arange(num_nodes) < num_old
    while True:
        reached = ~done & (abs(links) @ done.astype(np.float64) > 0)
        if not reached.any():
            return _without_dust(x[num_old:])
        divisor = np.where(values < _LEAST_EIGENVALUE, np.inf, np.maximum(values - own[reached, None], values / 2))
        x[reached] = np.clip((links[reached] @ x) / divisor, -limit, limit)
        done |= reached


def _without_dust(x: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.where(np.abs(x) < _ZERO, 0, x).astype(np.float32))


def _message_passing(edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None) -> sparse.csr_array:
    weight = np.ones(edge_index.size(1)) if edge_weight is None else edge_weight.double().cpu().numpy()
    source, target = edge_index.cpu().numpy()
    adjacency = sparse.coo_array((weight, (source, target)), shape=(num_nodes, num_nodes)).tocsr()
    adjacency = adjacency + sparse.eye_array(num_nodes, format="csr")
    scale = sparse.diags_array(np.asarray(adjacency.sum(axis=1)).ravel() ** -0.5)
    return sparse.csr_array(scale @ adjacency @ scale)
