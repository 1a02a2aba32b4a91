from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import to_undirected

from spherical_gae.data import LinkSplit, from_random_link_split


@pytest.fixture
def data() -> Data:
    generator = torch.Generator().manual_seed(0)
    edge_index = to_undirected(torch.randint(40, (2, 120), generator=generator))
    return Data(x=torch.rand(40, 3, generator=generator), edge_index=edge_index)


def pairs(edge_index: Tensor) -> set[tuple[int, ...]]:
    return {tuple(sorted(pair)) for pair in edge_index.t().tolist() if pair[0] != pair[1]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"split_labels": True},
        {"add_negative_train_samples": False},
        {"disjoint_train_ratio": 0.3},
        {"neg_sampling_ratio": 2.0},
        {"num_val": 0.2, "num_test": 0.3, "split_labels": True, "add_negative_train_samples": False},
    ],
)
def test_links_and_negatives_are_those_of_pyg(data: Data, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    parts = RandomLinkSplit(is_undirected=True, **options)(data)
    split = from_random_link_split(parts)
    assert isinstance(split, LinkSplit)
    for part, own in zip(split[1:], parts[1:], strict=True):
        if "edge_label" in own:
            positive, negative = (own.edge_label_index[:, own.edge_label == k] for k in (1, 0))
        else:
            positive, negative = own.pos_edge_label_index, own.neg_edge_label_index
        assert pairs(part.pos_edge_label_index) == pairs(positive)
        assert torch.equal(part.neg_edge_label_index, negative)
    held_out = pairs(split.val.pos_edge_label_index) | pairs(split.test.pos_edge_label_index)
    # PyG shows the validation links to the test part.
    for part in split:
        assert pairs(part.edge_index) == pairs(data.edge_index) - held_out
    assert pairs(split.train.pos_edge_label_index) == pairs(data.edge_index) - held_out


def test_weights_are_kept_where_pyg_leaves_them_out_of_a_part_too(data: Data) -> None:
    data.edge_weight = (1 + data.edge_index[0] + data.edge_index[1]).float()
    split = from_random_link_split(RandomLinkSplit(is_undirected=True)(data))
    assert torch.equal(split.train.edge_weight, (1 + split.train.edge_index.sum(0)).float())
    parts = RandomLinkSplit(is_undirected=True, disjoint_train_ratio=0.3)(data)
    disjoint = from_random_link_split(parts).train
    # The validation part lists all training links, self-loops too.
    assert disjoint.edge_index.size(1) == (parts[1].edge_index[0] != parts[1].edge_index[1]).sum()
    assert torch.equal(disjoint.edge_weight, (1 + disjoint.edge_index.sum(0)).float())


def test_directed_split_of_a_directed_graph(data: Data) -> None:
    data.edge_index = data.edge_index[
        :, torch.randperm(data.num_edges, generator=torch.Generator().manual_seed(1))[:80]
    ]
    data.directed = True
    parts = RandomLinkSplit()(data)
    split = from_random_link_split(parts)
    assert split.train.directed
    assert split.train.edge_index.size(1) == (parts[0].edge_index[0] != parts[0].edge_index[1]).sum()


def test_an_undirected_graph_split_as_directed_is_a_leak(data: Data) -> None:
    with pytest.raises(ValueError, match=r"^split.val: given \d+ links .* in train too, .* needs is_undirected=True"):
        from_random_link_split(RandomLinkSplit()(data))


def test_what_is_no_such_split_is_refused(data: Data) -> None:
    for given, message in (
        ((data, data), "got 2 parts"),
        (data, "got Data"),
        (None, "got NoneType"),
        ((data, data, HeteroData()), "^split.test must be a torch_geometric Data, .* got HeteroData"),
    ):
        with pytest.raises(TypeError, match=message):
            from_random_link_split(given)
    with pytest.raises(ValueError, match=r"^split.train: given neither pos_edge_label_index nor edge_label_index"):
        from_random_link_split((data, data, data))
    none = RandomLinkSplit(is_undirected=True, neg_sampling_ratio=0)(data)
    with pytest.raises(ValueError, match=r"^split.val.neg_edge_label_index: given none, allowed: negatives"):
        from_random_link_split(none)
