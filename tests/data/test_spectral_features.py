import networkx as nx
import numpy as np
import pytest
import torch

from spherical_gae.data import from_networkx
from spherical_gae.data.spectral_features import SpectralFeatures, extended_features, spectral_features
from spherical_gae.nn import normalized_adjacency


def graph() -> nx.Graph:
    made = nx.random_geometric_graph(60, 0.25, seed=4)
    assert nx.is_connected(made)
    return made


def dense(edge_index: torch.Tensor, num_nodes: int, weight: torch.Tensor | None = None) -> np.ndarray:
    adjacency = normalized_adjacency(edge_index, num_nodes, torch.float64, weight)
    return (adjacency @ torch.eye(num_nodes, dtype=torch.float64)).numpy()


@pytest.mark.parametrize("weighted", [False, True])
def test_columns_are_the_eigenvectors_of_message_passing(weighted: bool) -> None:
    data = from_networkx(graph())
    weight = None
    if weighted:
        weight = 1 + (data.edge_index.sum(0) % 5).double()
    found = spectral_features(data.edge_index, 60, 7, weight)
    matrix = dense(data.edge_index, 60, weight)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(matrix)[::-1][:7], atol=1e-6)
    x = found.x.double().numpy()
    np.testing.assert_allclose(matrix @ x, x * found.eigenvalues.numpy(), atol=2e-3)
    np.testing.assert_allclose(x.T @ x, np.eye(7) * 60 / 7, atol=1e-4)


def test_a_node_of_the_graph_gets_its_own_row_from_its_neighbours() -> None:
    data = from_networkx(graph())
    found = spectral_features(data.edge_index, 60, 5)
    number = torch.arange(60)
    # The last ten nodes, each alone, come again.
    for node in range(50, 60):
        swapped = number.clone()
        swapped[[node, 59]] = swapped[[59, node]]
        kept = SpectralFeatures(found.x[swapped][:59], found.eigenvalues)
        row = extended_features(kept, swapped[data.edge_index], 60)
        np.testing.assert_allclose(row[0], found.x[node], atol=5e-3)


def test_columns_of_small_eigenvalues_are_none_of_a_later_node() -> None:
    # The nodes of a clique have the same links: eigenvalues of 0, whose vectors set them apart.
    caves = nx.connected_caveman_graph(8, 5)
    data = from_networkx(caves)
    known = spectral_features(data.edge_index, 40, 20)
    small = known.eigenvalues < 1e-4
    assert bool(small.any())
    for length in (1, 7):
        longer = caves.copy()
        nx.add_path(longer, [12, *range(40, 40 + length)])
        later = from_networkx(longer)
        assert later.num_nodes == 40 + length
        rows = extended_features(known, later.edge_index, 40 + length)
        assert bool((rows[:, small] == 0).all())
        assert bool((rows.abs() <= 2 * known.x.abs().amax(0)).all())
        # Its neighbour's side of the ring is its own.
        assert torch.equal(rows[0, :4].sign(), known.x[12, :4].sign())


def test_rows_of_later_nodes_follow_one_after_the_other() -> None:
    path = nx.path_graph(10)
    data = from_networkx(path)
    known = spectral_features(data.edge_index, 10, 2)
    longer = from_networkx(nx.path_graph(13))
    rows = extended_features(known, longer.edge_index, 13)
    # The second eigenvector of a path falls or rises along it; it goes on.
    side = torch.sign(known.x[9, 1])
    assert bool((side * rows[:, 1] > 0).all())
    alone = extended_features(known, data.edge_index, 12)
    assert torch.equal(alone, torch.zeros(2, 2))


def test_small_graphs_have_fewer_columns() -> None:
    data = from_networkx(nx.path_graph(5))
    assert spectral_features(data.edge_index, 5, 64).x.shape == (5, 2)
    with pytest.raises(ValueError, match="num_nodes: given 3, allowed: 4 or more"):
        spectral_features(data.edge_index, 3)
    with pytest.raises(ValueError, match="num_features: given 0, allowed: 1 or more"):
        spectral_features(data.edge_index, 5, 0)


@pytest.mark.parametrize(
    "made",
    [
        nx.random_geometric_graph(60, 0.25, seed=4),
        nx.star_graph(300),
        nx.complete_graph(50),
        nx.disjoint_union_all([nx.path_graph(3)] * 40),
    ],
    ids=["geometric", "star", "complete", "pieces"],
)
def test_same_bits_again(made: nx.Graph) -> None:
    data = from_networkx(made)
    first, second = (spectral_features(data.edge_index, data.num_nodes + 9) for _ in range(2))
    assert torch.equal(first.x, second.x)
    assert bool(first.x.isfinite().all())
    assert not bool(((first.x != 0) & (first.x.abs() < 1e-6)).any())
