import pytest
import torch
from torch import Tensor
from torch_geometric.nn import GCNConv
from torch_geometric.utils import to_undirected

from spherical_gae.nn import NormalizedAdjacency, SparseMatrix, node_degree, normalized_adjacency, sparse_features


def random_links(num_nodes: int, num_links: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_nodes, (2, num_links), generator=generator)


def by_the_formula(edge_index: Tensor, num_nodes: int) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 for an undirected graph without self-loops, densely."""
    adjacency = torch.eye(num_nodes, dtype=torch.float64)
    adjacency[edge_index[0], edge_index[1]] = 1
    scale = adjacency.sum(1).rsqrt()
    return scale[:, None] * adjacency * scale


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-7), (torch.float64, 1e-15)])
def test_undirected_graph_by_the_formula(dtype: torch.dtype, tolerance: float) -> None:
    links = random_links(15, 20, seed=0)
    edge_index = to_undirected(links[:, links[0] != links[1]])
    matrix = normalized_adjacency(edge_index, 20, dtype)  # nodes 15 to 19 are isolated
    assert (matrix.shape, matrix.dtype) == ((20, 20), dtype)
    expected = by_the_formula(edge_index, 20).to(dtype)
    torch.testing.assert_close(matrix.to_dense(), expected, rtol=0, atol=tolerance)
    assert torch.equal(matrix.to_dense()[15:, 15:], torch.eye(5, dtype=dtype))


@pytest.mark.parametrize("seed", range(3))
def test_directed_multigraph_passes_messages_as_pyg_does(seed: int) -> None:
    """Direction, repeated links and self-loops: all as GCNConv, which gathers along edge_index[0] -> [1]."""
    edge_index = random_links(12, 40, seed)
    torch.manual_seed(seed)
    x = torch.randn(14, 3)
    conv = GCNConv(3, 3, bias=False)
    with torch.no_grad():
        conv.lin.weight.copy_(torch.eye(3))
    torch.testing.assert_close(normalized_adjacency(edge_index, 14) @ x, conv(x, edge_index))


def test_one_directed_link_reaches_its_target_only() -> None:
    matrix = normalized_adjacency(torch.tensor([[0], [1]]), 2).to_dense()
    torch.testing.assert_close(matrix, torch.tensor([[1.0, 0.0], [0.5**0.5, 0.5]]))


def test_graph_without_links_is_the_identity() -> None:
    matrix = normalized_adjacency(torch.empty(2, 0, dtype=torch.long), 3)
    assert torch.equal(matrix.to_dense(), torch.eye(3))


def test_matrix_passes_through() -> None:
    matrix = SparseMatrix(torch.eye(3))
    assert normalized_adjacency(matrix, 3) is matrix
    assert sparse_features(matrix) is matrix


def test_degree_by_hand() -> None:
    """Links that end at a node, repeats counted, self-loops not."""
    edge_index = torch.tensor([[0, 1, 2, 0, 0, 3, 1, 1], [1, 0, 1, 1, 3, 3, 1, 0]])
    expected = [2.0, 3.0, 0.0, 1.0, 0.0]
    assert node_degree(edge_index, 5).tolist() == expected
    adjacency = normalized_adjacency(edge_index, 5)
    assert isinstance(adjacency, NormalizedAdjacency)
    assert adjacency.degree.tolist() == expected
    assert node_degree(adjacency, 5) is adjacency.degree
    dense = torch.zeros(5, 5)
    dense[[1, 0, 2, 1, 3], [0, 1, 1, 1, 3]] = 1
    plain = SparseMatrix(dense)
    assert node_degree(plain, 5).tolist() == [1, 1, 1, 0, 0]
    for matrix in (adjacency, plain):
        with pytest.raises(ValueError, match=r"edge_index: given a matrix \(5, 5\), allowed: \(4, 4\)"):
            node_degree(matrix, 4)
    assert node_degree(edge_index[:, :0], 5).tolist() == [0.0] * 5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_degree_is_that_of_the_normalisation(dtype: torch.dtype) -> None:
    """The diagonal of A-hat is 1 / (degree + 1) where the graph has no self-loops."""
    links = random_links(15, 30, seed=1)
    edge_index = to_undirected(links[:, links[0] != links[1]])
    adjacency = normalized_adjacency(edge_index, 20, dtype)
    assert (adjacency.degree.dtype, adjacency.degree.shape) == (dtype, (20,))
    torch.testing.assert_close(adjacency.to_dense().diagonal(), 1 / (adjacency.degree + 1))
    assert torch.equal(adjacency.degree, node_degree(edge_index, 20).to(dtype))
    assert adjacency.degree.sum() == edge_index.size(1)
    assert torch.equal(normalized_adjacency(adjacency, 20).degree, adjacency.degree)


def test_to_moves_the_degrees_too() -> None:
    adjacency = normalized_adjacency(torch.tensor([[0, 1], [1, 0]]), 3)
    moved = adjacency.to("meta")
    assert isinstance(moved, NormalizedAdjacency)
    assert (moved.device.type, moved.degree.device.type) == ("meta", "meta")
    assert (adjacency.device.type, adjacency.degree.device.type) == ("cpu", "cpu")
    here = adjacency.to("cpu")
    assert here.degree.tolist() == [1, 1, 0]
    assert torch.equal(here.to_dense(), adjacency.to_dense())


def test_other_entries_keep_the_degrees_and_the_class() -> None:
    """Whoever changes which links there are has to set the degrees; the original keeps its own."""
    adjacency = normalized_adjacency(torch.tensor([[0, 1], [1, 0]]), 3)
    torch.manual_seed(0)
    for changed in (adjacency.with_values(torch.zeros(adjacency.nnz)), adjacency.dropout(0.5)):
        assert isinstance(changed, NormalizedAdjacency)
        assert changed.degree is adjacency.degree
    changed.degree = torch.zeros(3)
    assert adjacency.degree.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("non_zeros", "max_density", "stored_sparse"),
    [(20, 0.2, True), (21, 0.2, False), (0, 0.2, True), (100, 0.2, False), (100, 1.0, True), (1, 0.0, False)],
)
def test_features_are_stored_by_density(non_zeros: int, max_density: float, stored_sparse: bool) -> None:
    x = torch.zeros(100)
    x[:non_zeros] = 1
    x = x.view(10, 10)
    stored = sparse_features(x, max_density)
    if stored_sparse:
        assert isinstance(stored, SparseMatrix)
        assert torch.equal(stored.to_dense(), x)
        assert stored.nnz == non_zeros
    else:
        assert stored is x


@pytest.mark.filterwarnings("ignore:Sparse CS")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc], ids=str)
def test_sparse_layouts_stay_sparse_at_any_density(layout: torch.layout) -> None:
    x = torch.rand(4, 3)
    stored = sparse_features(x.to_sparse(layout=layout))
    assert isinstance(stored, SparseMatrix)
    assert torch.equal(stored.to_dense(), x)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-15)])
def test_weighted_graph_by_the_formula(dtype: torch.dtype, tolerance: float) -> None:
    """D^-1/2 (A + I) D^-1/2, with the weights in A and the row sums of A + I in D; degrees still count links."""
    links = torch.unique(random_links(15, 20, seed=0).sort(dim=0).values, dim=1)
    links = links[:, links[0] != links[1]]
    weight = 10 ** torch.empty(links.size(1), dtype=torch.float64).uniform_(-2, 2, generator=torch.Generator())
    adjacency = torch.eye(20, dtype=torch.float64)
    adjacency[links[0], links[1]] = adjacency[links[1], links[0]] = weight
    scale = adjacency.sum(1).rsqrt()
    edge_index = torch.cat([links, links.flip(0)], dim=1)
    matrix = normalized_adjacency(edge_index, 20, dtype, weight.repeat(2))
    expected = (scale[:, None] * adjacency * scale).to(dtype)
    torch.testing.assert_close(matrix.to_dense(), expected, rtol=0, atol=tolerance)
    assert isinstance(matrix, NormalizedAdjacency)
    assert matrix.dtype == dtype
    assert torch.equal(matrix.degree, node_degree(edge_index, 20).to(dtype))


def test_weights_of_one_are_no_weights() -> None:
    edge_index = to_undirected(random_links(12, 30, seed=3))
    plain = normalized_adjacency(edge_index, 12)
    weighted = normalized_adjacency(edge_index, 12, edge_weight=torch.ones(edge_index.size(1), dtype=torch.long))
    assert torch.equal(weighted.to_dense(), plain.to_dense())


def test_weighted_messages_are_those_of_pyg() -> None:
    torch.manual_seed(0)
    edge_index, weight = random_links(12, 40, seed=1), torch.rand(40) + 0.1
    x = torch.randn(14, 3)
    conv = GCNConv(3, 3, bias=False)
    with torch.no_grad():
        conv.lin.weight.copy_(torch.eye(3))
    torch.testing.assert_close(
        normalized_adjacency(edge_index, 14, edge_weight=weight) @ x, conv(x, edge_index, weight)
    )


def test_bad_weights_are_refused() -> None:
    edge_index = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"edge_weight: given -1\.0 for the edge 1 - 0"):
        normalized_adjacency(edge_index, 2, edge_weight=torch.tensor([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"edge_weight: given torch.float32 of shape \[3\]"):
        normalized_adjacency(edge_index, 2, edge_weight=torch.ones(3))
    with pytest.raises(ValueError, match="edge_weight: given with an adjacency"):
        normalized_adjacency(normalized_adjacency(edge_index, 2), 2, edge_weight=torch.ones(2))


@pytest.mark.parametrize("edges", [[[-1, 0], [0, 1]], [[0, 1], [1, -2]], [[0, 1], [1, 4]]])
def test_nodes_that_are_not_there_are_refused(edges: list[list[int]]) -> None:
    """They were read from other places in memory."""
    edge_index = torch.tensor(edges)
    for call in (normalized_adjacency, node_degree):
        with pytest.raises(ValueError, match=r"edge_index: given nodes .* allowed: 0 to 3"):
            call(edge_index, 4)


def test_a_matrix_is_no_list_of_edges() -> None:
    with pytest.raises(ValueError, match=r"edge_index: given a matrix, torch.sparse_coo of shape \[4, 4\]"):
        normalized_adjacency(torch.eye(4).to_sparse(), 4)
