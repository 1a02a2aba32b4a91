import re

import networkx as nx
import pytest
import torch

from spherical_gae.retrieval import known_partners


@pytest.mark.parametrize("seed", range(3))
def test_by_the_neighbours_of_networkx(seed: int) -> None:
    graph = nx.gnp_random_graph(30, 0.15, seed=seed)
    edge_index = torch.tensor(list(graph.edges)).t()
    nodes = torch.randint(30, (50,), generator=torch.Generator().manual_seed(seed))  # some twice
    expected = {
        (query, node) for query, source in enumerate(nodes.tolist()) for node in (source, *graph.neighbors(source))
    }
    for known in (edge_index, edge_index.flip(0), torch.cat([edge_index, edge_index.flip(0)], dim=1)):
        pairs = known_partners(nodes, 30, known)
        assert set(map(tuple, pairs.t().tolist())) == expected


def test_without_links_the_nodes_themselves() -> None:
    nodes = torch.tensor([4, 0, 4])
    for known in (None, torch.empty(2, 0, dtype=torch.long)):
        assert known_partners(nodes, 5, known).tolist() == [[0, 1, 2], [4, 0, 4]]


def test_no_nodes_no_pairs() -> None:
    assert known_partners(torch.empty(0, dtype=torch.long), 5, torch.tensor([[0], [1]])).shape == (2, 0)


@pytest.mark.parametrize(
    ("nodes", "links", "message"),
    [
        (torch.zeros(2), None, "node_index: given torch.float32 of shape [2], allowed: torch.int64 of shape [Q]"),
        (torch.zeros(2, 1, dtype=torch.long), None, "node_index: given torch.int64 of shape [2, 1], allowed: "),
        (torch.tensor([3, 5]), None, "node_index: given node ids 3 to 5, allowed: 0 to 4"),
        (torch.tensor([-1]), None, "node_index: given node ids -1 to -1, allowed: 0 to 4"),
        (torch.tensor([0]), torch.zeros(3, 2).long(), "known_edge_index: given torch.int64 of shape [3, 2], allowed"),
        (torch.tensor([0]), torch.tensor([[0], [5]]), "known_edge_index: given node ids 0 to 5, allowed: 0 to 4"),
    ],
)
def test_out_of_range_is_refused(nodes: torch.Tensor, links: torch.Tensor | None, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        known_partners(nodes, 5, links)
