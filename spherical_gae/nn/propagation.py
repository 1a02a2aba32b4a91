"""The normalised adjacency of Kipf and Welling, and what the encoders take as their graph."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import degree, remove_self_loops

from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.data.undirected import checked_edge_weight
from spherical_gae.nn.sparse import SparseMatrix


class NormalizedAdjacency(SparseMatrix):
    """A-hat = D^-1/2 (A + I) D^-1/2  (Kipf & Welling 2017, eq. 2), and the degrees it was made with.

    Args:
        matrix: A-hat itself, see ``normalized_adjacency``.
        degree: See below.
        is_weighted: See below.

    Attributes:
        degree: Number of links of every node, self-loops and weights left out, shape [N], of the entries' dtype.
        is_weighted: Whether A holds weights.

    Example:
        >>> from spherical_gae.nn import normalized_adjacency
        >>> normalized_adjacency(torch.tensor([[0, 1], [1, 0]]), num_nodes=3).degree
        tensor([1., 1., 0.])
    """

    def __init__(self, matrix: Tensor, degree: Tensor, is_weighted: bool = False) -> None:
        super().__init__(matrix)
        self.degree, self.is_weighted = degree, is_weighted

    def to(self, device: torch.device | str) -> NormalizedAdjacency:
        """Returns the matrix on ``device``."""
        new = super().to(device)
        new.degree = self.degree.to(device)
        return new


def normalized_adjacency(
    edge_index: Tensor | SparseMatrix,
    num_nodes: int,
    dtype: torch.dtype = torch.float32,
    edge_weight: Tensor | None = None,
) -> SparseMatrix:
    """A-hat = D^-1/2 (A + I) D^-1/2  (Kipf & Welling 2017, eq. 2), by PyG's ``gcn_norm``.

    With weights, A holds them, and D the row sums of A + I: a link of weight 1 counts as much as the node itself.
    A node with a self-loop has that in place of I's.

    Args:
        edge_index: int64 [2, E], both directions of each link; or an adjacency made by this function, which
            is returned as it is, so that a training loop normalises once.
        num_nodes: Number of nodes N.
        dtype: Dtype of the entries.
        edge_weight: Weights [E], finite and above 0; all 1 if None.

    Returns:
        The matrix of shape [N, N].

    Raises:
        ValueError: If edges are no integers [2, E] from 0 to N - 1, the weights are out of range or not one for each
            edge, or they are given with an adjacency.

    Example:
        >>> normalized_adjacency(torch.tensor([[0, 1], [1, 0]]), num_nodes=3).to_dense()
        tensor([[0.5000, 0.5000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.0000, 0.0000, 1.0000]])
    """
    if isinstance(edge_index, SparseMatrix):
        if edge_weight is not None:
            raise ValueError("edge_weight: given with an adjacency, which has its weights, allowed: None")
        return edge_index
    # Ids outside would be other places in memory.
    edge_index = checked_edge_index(edge_index, num_nodes)
    if edge_weight is not None:
        edge_weight = checked_edge_weight(edge_weight, edge_index).to(dtype)
    index, weight = gcn_norm(edge_index, edge_weight, num_nodes, dtype=dtype)
    # Row i gathers from its neighbours: PyG sends from edge_index[0] to edge_index[1].
    matrix = torch.sparse_coo_tensor(index.flip(0), weight, (num_nodes, num_nodes), check_invariants=False)
    return NormalizedAdjacency(matrix, node_degree(edge_index, num_nodes).to(dtype), edge_weight is not None)


def node_degree(edge_index: Tensor | SparseMatrix, num_nodes: int) -> Tensor:
    """Number of links that end at every node, self-loops left out; weights play no part.

    Args:
        edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it, or another matrix
            [N, N] that encoders take, of which the entries off the diagonal are counted.
        num_nodes: Number of nodes N.

    Returns:
        Shape [N]; an edge that is listed twice counts twice.

    Raises:
        ValueError: If edges are no integers [2, E] from 0 to N - 1, or a matrix is not [N, N].

    Example:
        >>> node_degree(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=4)
        tensor([1., 2., 1., 0.])
    """
    if isinstance(edge_index, SparseMatrix):
        if tuple(edge_index.shape) != (num_nodes, num_nodes):
            raise ValueError(f"edge_index: given a matrix {tuple(edge_index.shape)}, allowed: {(num_nodes, num_nodes)}")
        if isinstance(edge_index, NormalizedAdjacency):
            return edge_index.degree
        edge_index = edge_index.indices.flip(0)
    links, _ = remove_self_loops(checked_edge_index(edge_index, num_nodes))
    return degree(links[1], num_nodes)


def sparse_features(x: Tensor | SparseMatrix, max_density: float = 0.2) -> Tensor | SparseMatrix:
    """Stores features as sparse where that is faster: in a sparse layout already, or with many zeros.

    Args:
        x: Node features, shape [N, F].
        max_density: Largest share of non-zero entries that is stored as sparse, in [0, 1].

    Returns:
        A :class:`~spherical_gae.nn.sparse.SparseMatrix`, or ``x`` itself.

    Example:
        >>> type(sparse_features(torch.eye(10))).__name__, type(sparse_features(torch.ones(10, 10))).__name__
        ('SparseMatrix', 'Tensor')
    """
    if isinstance(x, SparseMatrix):
        return x
    if x.layout != torch.strided:
        return SparseMatrix(x)
    density = float(torch.count_nonzero(x)) / max(1, x.numel())
    return SparseMatrix(x) if density <= max_density else x
