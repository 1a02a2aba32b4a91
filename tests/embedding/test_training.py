import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae.data import clean_graph, from_networkx
from spherical_gae.embedding.training import default_share, hold_out, num_held_out


def test_held_out_links_and_the_others_make_the_graph() -> None:
    data = from_networkx(nx.les_miserables_graph())
    split = hold_out(data, 0.1, seed=2)
    kept, held = split.train.pos_edge_label_index, split.val.pos_edge_label_index
    assert held.size(1) == 25
    assert split.val.edge_index.size(1) == 2 * kept.size(1)
    both = torch.cat([kept, held], dim=1)
    assert both.size(1) == 254
    expected = data.edge_index[:, data.edge_index[0] < data.edge_index[1]]
    assert {*map(tuple, both.t().tolist())} == {*map(tuple, expected.t().tolist())}
    linked = {frozenset(edge) for edge in data.edge_index.t().tolist()}
    negatives = {frozenset(edge) for edge in split.val.neg_edge_label_index.t().tolist()}
    assert len(negatives) == 25
    assert not negatives & linked
    # Weights stay with their links, in both directions.
    weight = dict(zip(map(tuple, data.edge_index.t().tolist()), data.edge_weight.tolist(), strict=True))
    train = zip(map(tuple, split.train.edge_index.t().tolist()), split.train.edge_weight.tolist(), strict=True)
    assert all(weight[edge] == value for edge, value in train)


def test_share_depends_on_the_seed_and_is_one_link_at_least() -> None:
    data = from_networkx(nx.karate_club_graph())
    first, again, other = (hold_out(data, 0.05, seed).val.pos_edge_label_index for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert hold_out(data, 1e-6, 0).val.pos_edge_label_index.size(1) == 1


def test_number_of_held_out_links() -> None:
    assert [num_held_out(*given) for given in ((78, 0.2), (1000, 0.05), (10, 0.01))] == [16, 50, 1]


def test_too_small_a_graph_is_refused() -> None:
    with pytest.raises(ValueError, match=r"val_share: given 0\.05 for a graph of 2 links among 3 pairs"):
        hold_out(from_networkx(nx.path_graph(3)), 0.05, 0)
    with pytest.raises(ValueError, match=r"val_share: given 0\.05 for a graph of 10 links among 10 pairs"):
        hold_out(from_networkx(nx.complete_graph(5)), 0.05, 0)


def test_small_graphs_hold_out_more() -> None:
    assert [default_share(n) for n in (10, 249, 500, 1000, 10**6)] == [0.2, 0.2, 0.1, 0.05, 0.05]


def test_negatives_of_a_batch_are_of_the_links_own_graph() -> None:
    """A dense graph beside a ring: a score that only knows which graph it is must have an AUC of 1/2."""
    dense = torch.combinations(torch.arange(20)).t()
    dense = dense[:, torch.rand(dense.size(1), generator=torch.Generator().manual_seed(0)) < 0.8]
    ring = 20 + torch.stack([torch.arange(20), (torch.arange(20) + 1) % 20])
    data = clean_graph(Data(edge_index=torch.cat([dense, ring], 1), num_nodes=40, batch=torch.arange(40) // 20))
    split = hold_out(data, 0.2, 0)
    positive, negative = split.val.pos_edge_label_index, split.val.neg_edge_label_index
    assert torch.equal(data.batch[negative[0]], data.batch[negative[1]])
    assert torch.equal(data.batch[positive[0]].bincount(), data.batch[negative[0]].bincount())
    num_links = data.edge_index.size(1) // 2
    assert split.train.pos_edge_label_index.size(1) + positive.size(1) == num_links


def test_links_without_a_negative_are_trained_on() -> None:
    """A triangle has no unlinked pair; where all held-out links are of such graphs, that is said."""
    triangle, ring = torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.stack([torch.arange(9), (torch.arange(9) + 1) % 9])
    data = clean_graph(
        Data(edge_index=torch.cat([triangle, 3 + ring], 1), num_nodes=12, batch=torch.tensor([0] * 3 + [1] * 9))
    )
    for seed in range(8):
        split = hold_out(data, 0.5, seed)
        held = split.val.pos_edge_label_index
        assert bool((data.batch[held] == 1).all())
        assert split.train.pos_edge_label_index.size(1) == 12 - held.size(1)
