from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import to_undirected

from spherical_gae import GAEConfig, GCNEncoder, SphericalGAE, fit_gae, split_links
from spherical_gae.data import LinkSplit, checked_split


@pytest.fixture
def split() -> LinkSplit:
    generator = torch.Generator().manual_seed(0)
    data = Data(x=torch.rand(30, 4), edge_index=to_undirected(torch.randint(30, (2, 80), generator=generator)))
    return LinkSplit(*(part.clone() for part in split_links(data, 0.1, 0.1)))


def test_a_split_is_returned_as_it_is(split: LinkSplit) -> None:
    assert checked_split(split) is split


def leak(split: LinkSplit) -> None:
    test = split.test.pos_edge_label_index
    split.train.edge_index = torch.cat([split.train.edge_index, test, test.flip(0)], dim=1)


def leak_of_validation_turned_round(split: LinkSplit) -> None:
    val = split.val.pos_edge_label_index.flip(0)
    split.train.edge_index = torch.cat([split.train.edge_index, val, val.flip(0)], dim=1)


def trained_on(split: LinkSplit) -> None:
    split.train.pos_edge_label_index = torch.cat([split.train.pos_edge_label_index, split.val.pos_edge_label_index], 1)


def tested_on_validation(split: LinkSplit) -> None:
    split.test.pos_edge_label_index = split.val.pos_edge_label_index


def one_direction(split: LinkSplit) -> None:
    split.train.edge_index = split.train.pos_edge_label_index


def no_negatives(split: LinkSplit) -> None:
    del split.test.neg_edge_label_index


def no_positives(split: LinkSplit) -> None:
    del split.val.pos_edge_label_index


def wrong_count(split: LinkSplit) -> None:
    split.val.neg_edge_label_index = torch.zeros(3, 5, 2, dtype=torch.long)


def out_of_range(split: LinkSplit) -> None:
    split.val.neg_edge_label_index = torch.tensor([[0], [30]])


def floats(split: LinkSplit) -> None:
    split.val.neg_edge_label_index = torch.rand(2, 4)


def within_a_graph(split: LinkSplit) -> None:
    split.train.batch = torch.arange(30) // 15
    split.train.edge_index = split.train.edge_index


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (leak, r"^split.test.pos_edge_label_index: given 6 links that message passing sees .*, a leak"),
        (leak_of_validation_turned_round, r"^split.val.pos_edge_label_index: given 6 links that message passing sees"),
        (trained_on, r"^split.val.pos_edge_label_index: given 6 links that are training links too"),
        (tested_on_validation, r"^split.test.pos_edge_label_index: given 6 links that are validation links too"),
        (one_direction, r"^split.train.edge_index: given links in one direction only, allowed: both directions"),
        (no_negatives, r"^split.test.neg_edge_label_index: given none, allowed: pairs of nodes"),
        (no_positives, r"^split.val.pos_edge_label_index: given none"),
        (
            wrong_count,
            r"^split.val.neg_edge_label_index: given \[3, 5, 2\], .* \[P, K, 2\] with the P = 6",
        ),
        (out_of_range, r"^split.val.neg_edge_label_index: given nodes 0 to 30, allowed: 0 to 29"),
        (floats, r"^split.val.neg_edge_label_index: given torch.float32 of shape \[2, 4\]"),
        (within_a_graph, r"^split.val.neg_edge_label_index: given \d+ pairs that are no pairs within a graph"),
    ],
)
def test_faults_are_found_before_training(split: LinkSplit, spoil: Any, message: str) -> None:
    spoil(split)
    model = SphericalGAE(GCNEncoder(4, 4, (3, 1)))
    model.encoder.register_forward_hook(lambda *_: pytest.fail("trained"))
    with pytest.raises(ValueError, match=message):
        fit_gae(model, split, GAEConfig(1), progress=False)


def test_numpy_arrays_in_a_part_are_refused(split: LinkSplit) -> None:
    split.train.x = np.zeros((30, 4))
    with pytest.raises(TypeError, match=r"^split.train.x must be a tensor, got a NumPy array"):
        checked_split(split)
    split.train.x = torch.zeros(30, 4)
    split.val.neg_edge_label_index = np.zeros((2, 3), dtype=np.int64)
    with pytest.raises(TypeError, match=r"^split.val.neg_edge_label_index must be a tensor, got ndarray: link_split"):
        checked_split(split)


def test_fit_gae_takes_pygs_own_split() -> None:
    """Once an AttributeError: 'tuple' object has no attribute 'train'."""
    generator = torch.Generator().manual_seed(0)
    data = Data(x=torch.rand(30, 4), edge_index=to_undirected(torch.randint(30, (2, 80), generator=generator)))
    parts = RandomLinkSplit(is_undirected=True)(data)
    result = fit_gae(SphericalGAE(GCNEncoder(4, 4, (3, 1))), parts, GAEConfig(2), progress=False)
    assert 0 <= result.test.auc <= 1
    assert result.best_epoch in (1, 2)


def one_direction_of_one_link(split: LinkSplit) -> None:
    split.train.edge_index = split.train.edge_index[:, 1:]


def a_part_of_another_graph(split: LinkSplit) -> None:
    split.test.pos_edge_label_index = split.test.pos_edge_label_index + 20


def a_link_seen_in_one_direction(split: LinkSplit) -> None:
    seen = split.test.pos_edge_label_index[:, :1]
    split.train.edge_index = torch.cat([split.train.edge_index, seen, seen.flip(0)], dim=1)


def everything_seen(split: LinkSplit) -> None:
    """As where ``data.edge_index`` is taken for all parts."""
    pairs = torch.cat([part.pos_edge_label_index for part in split], dim=1)
    split.train.edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)


def validation_is_the_test(split: LinkSplit) -> None:
    split.val.pos_edge_label_index = split.test.pos_edge_label_index.flip(0)


def empty_negatives(split: LinkSplit) -> None:
    split.val.neg_edge_label_index = torch.empty(2, 0, dtype=torch.long)


def no_message_passing(split: LinkSplit) -> None:
    split.train.edge_index = None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_direction_of_one_link, r"^split.train.edge_index: given links in one direction only"),
        (a_part_of_another_graph, r"^split.test.pos_edge_label_index: given nodes \d+ to \d+, allowed: 0 to 29"),
        (a_link_seen_in_one_direction, r"^split.test.pos_edge_label_index: given 1 links that message passing sees"),
        (everything_seen, r"^split.val.pos_edge_label_index: given 6 links that message passing sees"),
        (validation_is_the_test, r"^split.test.pos_edge_label_index: given 6 links that are validation links too"),
        (empty_negatives, r"^split.val.neg_edge_label_index: given torch.int64 of shape \[2, 0\], .*not empty"),
        (no_message_passing, r"^split.train.edge_index: given none, allowed: the links for message passing"),
    ],
)
def test_neighbours_of_these_faults(split: LinkSplit, spoil: Any, message: str) -> None:
    spoil(split)
    with pytest.raises(ValueError, match=message):
        checked_split(split)
