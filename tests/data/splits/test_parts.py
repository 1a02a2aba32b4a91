import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.splits.parts import make_split

# The link 4 -> 0 of the validation part is the first training link turned round.
POSITIVES = [torch.tensor([[0, 1, 2], [4, 2, 3]]), torch.tensor([[4, 3], [0, 1]]), torch.tensor([[0], [2]])]
NEGATIVES = [torch.tensor([[1, 2], [0, 0]]), torch.tensor([[[0, 3], [3, 2]]])]


def graph(**more: object) -> Data:
    return Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=5, name="five", **more)


def pairs(edge_index: Tensor) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in edge_index.t()]


def test_an_undirected_graph_has_both_directions_with_their_weights_and_times() -> None:
    weight, time = torch.tensor([0.5, 2.0, 3.0]), torch.tensor([7, 8, 9])
    split = make_split(graph(y=torch.arange(5)), POSITIVES, NEGATIVES, weight, time)
    for part in split:
        values = zip(part.edge_weight.tolist(), part.edge_time.tolist(), strict=True)
        found = dict(zip(pairs(part.edge_index), values, strict=True))
        assert found == {
            (0, 4): (0.5, 7),
            (4, 0): (0.5, 7),
            (1, 2): (2.0, 8),
            (2, 1): (2.0, 8),
            (2, 3): (3.0, 9),
            (3, 2): (3.0, 9),
        }
        assert (part.num_nodes, part.name, part.y.tolist()) == (5, "five", [0, 1, 2, 3, 4])
        assert "reversed_edge_label_index" not in part


def test_each_part_has_its_own_links_and_negatives_as_given() -> None:
    split = make_split(graph(), POSITIVES, NEGATIVES)
    for part, own in zip(split, POSITIVES, strict=True):
        assert torch.equal(part.pos_edge_label_index, own)
    assert "neg_edge_label_index" not in split.train
    assert torch.equal(split.val.neg_edge_label_index, NEGATIVES[0])
    assert torch.equal(split.test.neg_edge_label_index, NEGATIVES[1])
    assert "edge_weight" not in split.train
    assert "edge_time" not in split.train


def test_a_directed_graph_has_one_direction_and_the_pairs_that_are_no_link_of_any_part() -> None:
    split = make_split(graph(directed=True), POSITIVES, NEGATIVES, torch.tensor([0.5, 2.0, 3.0]))
    assert pairs(split.train.edge_index) == [(0, 4), (1, 2), (2, 3)]
    assert split.train.edge_weight.tolist() == [0.5, 2.0, 3.0]
    assert "reversed_edge_label_index" not in split.train
    # 0 -> 4 is a training link, so it is no pair without a link for the validation link 4 -> 0.
    assert pairs(split.val.reversed_edge_label_index) == [(1, 3)]
    assert pairs(split.test.reversed_edge_label_index) == [(2, 0)]


@pytest.mark.parametrize("kept", ["batch", "side"])
def test_what_the_nodes_have_is_shared(kept: str) -> None:
    value = torch.tensor([0, 0, 1, 1, 1])
    split = make_split(graph(**{kept: value}), POSITIVES, NEGATIVES)
    assert all(torch.equal(part[kept], value) for part in split)
