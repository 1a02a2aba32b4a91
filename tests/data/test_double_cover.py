import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, HeteroData

from spherical_gae import split_links
from spherical_gae.data import checked_split, clean_graph, cover_split, double_cover, link_split
from spherical_gae.nn.propagation import node_degree


@pytest.fixture
def data() -> Data:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(30, (2, 90), generator=generator)
    time = torch.randint(1000, (90,), generator=generator)
    weight = torch.rand(90, generator=generator) + 0.5
    x, y = torch.rand(30, 4, generator=generator), torch.arange(30)
    return clean_graph(Data(edge_index=edges, edge_weight=weight, edge_time=time, x=x, y=y, name="it"), directed=True)


def test_each_link_joins_its_source_and_its_target(data: Data) -> None:
    cover = double_cover(data)
    assert (cover.num_nodes, cover.name, cover.double_cover) == (60, "it", True)
    assert "directed" not in cover
    adjacency = torch.zeros(60, 60)
    adjacency[tuple(cover.edge_index)] = cover.edge_weight
    expected = torch.zeros(30, 30)
    expected[tuple(data.edge_index)] = data.edge_weight
    assert torch.equal(adjacency[:30, 30:], expected)
    assert torch.equal(adjacency, adjacency.t())
    assert not adjacency[:30, :30].any()
    assert not adjacency[30:, 30:].any()
    assert torch.equal(cover.edge_time, data.edge_time.repeat(2))
    assert torch.equal(cover.y, torch.arange(30).repeat(2))


def test_degrees_of_the_cover_are_out_and_in_degrees(data: Data) -> None:
    out_degree, in_degree = node_degree(double_cover(data).edge_index, 60).chunk(2)
    assert torch.equal(out_degree.long(), torch.bincount(data.edge_index[0], minlength=30))
    assert torch.equal(in_degree.long(), torch.bincount(data.edge_index[1], minlength=30))


@pytest.mark.parametrize("sparse", [False, True])
def test_features_are_others_for_sources_and_targets(data: Data, sparse: bool) -> None:
    given = data.clone()
    given.x = data.x.to_sparse() if sparse else data.x
    x = double_cover(given).x
    assert (x.layout == torch.sparse_coo) is sparse
    x = x.to_dense()
    assert torch.equal(x[:30, :4], data.x)
    assert torch.equal(x[30:, 4:], data.x)
    assert not x[:30, 4:].any()
    assert not x[30:, :4].any()


def pairs(index: Tensor) -> list[tuple[int, int]]:
    return [(i, j) for i, j in index.t().tolist()]


def test_parts_of_a_split_keep_their_pairs(data: Data) -> None:
    split = split_links(data, 0.2, 0.2)
    cover = cover_split(split)
    assert checked_split(cover) is cover
    for part, of_cover in zip(split, cover, strict=True):
        assert of_cover.x is cover.train.x
        for key in ("pos_edge_label_index", "neg_edge_label_index", "reversed_edge_label_index"):
            assert (key in part) == (key in of_cover)
            if key in part:
                assert pairs(of_cover[key]) == [(i, 30 + j) for i, j in pairs(part[key])]
    assert torch.equal(cover.test.is_unseen, split.test.is_unseen)


def test_negatives_of_each_link_and_a_part_that_stands_for_two() -> None:
    own = torch.tensor([[[0, 2], [3, 0]], [[2, 0], [0, 3]]])
    directed = Data(x=torch.rand(4, 2), edge_index=torch.empty(2, 0, dtype=torch.long), directed=True)
    parts = link_split(
        directed,
        train=[[0], [1]],
        val=[[1, 2], [2, 3]],
        test=[[1, 2], [0, 1]],
        val_negatives=own,
        test_negatives=own,
    )
    cover = cover_split(parts._replace(test=parts.val))
    assert cover.test is cover.val
    assert cover.val.neg_edge_label_index.tolist() == [[[0, 6], [3, 4]], [[2, 4], [0, 7]]]
    other = cover_split(parts._replace(val=parts.val.clone().update({"x": torch.zeros(4, 2)})))
    assert not other.val.x.any()


def test_a_batch_of_directed_graphs_is_a_batch_of_covers() -> None:
    one = Data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]), num_nodes=3, directed=True, x=torch.ones(3, 1))
    batch = Batch.from_data_list([one, one])
    batch.directed = True
    cover = double_cover(batch)
    assert cover.batch.tolist() == [0, 0, 0, 1, 1, 1] * 2
    source, target = cover.edge_index
    assert torch.equal(cover.batch[source], cover.batch[target])


def test_what_is_not_directed_is_refused(data: Data) -> None:
    undirected = clean_graph(data, directed=False)
    with pytest.raises(ValueError, match=r"^data: given an undirected graph, allowed: one whose directed is True"):
        double_cover(undirected)
    with pytest.raises(ValueError, match=r"^data: given an undirected graph"):
        cover_split(split_links(undirected))
    with pytest.raises(ValueError, match=r"^data: given an undirected graph"):
        double_cover(double_cover(data))
    with pytest.raises(TypeError, match=r"^data must be a torch_geometric Data, .* got HeteroData"):
        double_cover(HeteroData())  # type: ignore[arg-type]
