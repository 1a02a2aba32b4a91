from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData

from spherical_gae import link_split

TRAIN = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
PARTS: dict[str, Any] = {
    "train": TRAIN,
    "val": torch.tensor([[5, 6], [6, 7]]),
    "test": torch.tensor([[7, 8], [8, 9]]),
    "val_negatives": torch.tensor([[0, 0, 1], [5, 6, 6]]),
    "test_negatives": torch.tensor([[0, 2], [9, 9]]),
}


def graph(**more: Any) -> Data:
    return Data(x=torch.eye(10), edge_index=torch.empty(2, 0, dtype=torch.long), y=torch.arange(10), **more)


def test_parts_are_what_was_given() -> None:
    split = link_split(graph(), **PARTS)
    both = torch.cat([TRAIN, TRAIN.flip(0)], dim=1)
    for name, part in zip(("train", "val", "test"), split, strict=True):
        assert torch.equal(part.pos_edge_label_index, PARTS[name])
        assert torch.equal(part.edge_index, both)
        assert part.num_nodes == 10
        assert torch.equal(part.y, torch.arange(10))
    assert torch.equal(split.val.neg_edge_label_index, PARTS["val_negatives"])
    assert torch.equal(split.test.neg_edge_label_index, PARTS["test_negatives"])
    assert "neg_edge_label_index" not in split.train


@pytest.mark.parametrize("how", ["both directions", "turned round", "repeated", "arrays", "int32", "lists"])
def test_the_same_split_however_it_is_given(how: str) -> None:
    """One direction only once cost 12 points of AUC, without a word."""
    links: dict[str, Any] = dict(PARTS)
    for name in ("train", "val", "test"):
        given = links[name]
        links[name] = {
            "both directions": torch.cat([given, given.flip(0)], dim=1),
            "turned round": given,
            "repeated": torch.cat([given, given[:, :1]], dim=1),
            "arrays": given.numpy(),
            "int32": given.int(),
            "lists": given.tolist(),
        }[how]
    split, expected = link_split(graph(), **links), link_split(graph(), **PARTS)
    for part, other in zip(split, expected, strict=True):
        assert torch.equal(part.edge_index, other.edge_index)
        assert torch.equal(part.pos_edge_label_index, other.pos_edge_label_index)


def test_files_of_every_kind(tmp_path: Path) -> None:
    np.save(tmp_path / "train.npy", TRAIN.numpy())
    np.savez(tmp_path / "val.npz", links=PARTS["val"].numpy())
    torch.save(PARTS["test"], tmp_path / "test.pt")
    (tmp_path / "val_negatives.csv").write_text("0,5\n0,6\n1,6\n")
    (tmp_path / "test_negatives.txt").write_text("0\t9\n2 9\n")
    files = {name: next(tmp_path.glob(f"{name}.*")) for name in PARTS}
    split, expected = link_split(graph(), **files), link_split(graph(), **PARTS)
    for part, other in zip(split, expected, strict=True):
        assert all(
            torch.equal(part[key], other[key]) for key in other.to_dict() if isinstance(other[key], torch.Tensor)
        )


def test_negatives_of_each_link_keep_their_shape() -> None:
    own = torch.tensor([[[0, 6], [5, 9], [0, 5]], [[0, 7], [6, 9], [1, 7]]])
    split = link_split(graph(), **{**PARTS, "val_negatives": own})
    assert torch.equal(split.val.neg_edge_label_index, own)


def test_directed_links_keep_their_direction() -> None:
    links = {**PARTS, "val": TRAIN[:, :2].flip(0)}
    split = link_split(graph(directed=True), **links)
    assert torch.equal(split.train.edge_index, TRAIN)
    assert torch.equal(split.val.pos_edge_label_index, TRAIN[:, :2].flip(0))
    with pytest.raises(ValueError, match=r"^val: given 2 links that are in train too, such as 0 - 1, a leak"):
        link_split(graph(), **links)


def test_weights_go_with_the_training_links() -> None:
    edges = torch.cat([TRAIN.flip(0), PARTS["val"], TRAIN], dim=1)
    weight = torch.tensor([2.0, 3, 4, 5, 6, 9, 9, 2, 3, 4, 5, 6])
    data = Data(x=torch.eye(10), edge_index=edges, edge_weight=weight)
    assert link_split(data, **PARTS).train.edge_weight.tolist() == [2, 3, 4, 5, 6] * 2
    data = Data(x=torch.eye(10), edge_index=edges[:, :4], edge_weight=weight[:4])
    with pytest.raises(ValueError, match=r"^train: given 1 links without a weight in data, such as 4 - 5"):
        link_split(data, **PARTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": torch.tensor([[7, 1], [8, 0]])}, r"test: given 1 links that are in train too, such as 0 - 1, a leak"),
        ({"test": torch.tensor([[7, 6], [8, 5]])}, r"test: given 1 links that are in val too, such as 5 - 6, a leak"),
        ({"val": torch.tensor([[3], [2]])}, r"val: given 1 links that are in train too, such as 2 - 3, a leak"),
        ({"val": torch.tensor([[5], [10]])}, r"val: given nodes 5 to 10, allowed: 0 to 9"),
        ({"train": torch.tensor([[-1], [1]])}, r"train: given nodes -1 to 1, allowed: 0 to 9"),
        ({"train": torch.tensor([[0.0], [1.0]])}, r"train: given torch.float32 of shape \[2, 1\]"),
        ({"train": TRAIN.t()}, r"train: given torch.int64 of shape \[5, 2\], .* pass its transpose"),
        ({"train": torch.empty(2, 0, dtype=torch.long)}, r"train: given torch.int64 of shape \[2, 0\], .* not empty"),
        ({"train": torch.tensor([[0, 4], [1, 4]])}, r"train: given a link of node 4 with itself"),
        ({"train": torch.zeros(2, 3, 2, dtype=torch.long)}, r"train: given shape \[2, 3, 2\], allowed: \[2, P\]"),
        ({"val_negatives": torch.zeros(3, 4, 2, dtype=torch.long)}, r"val_negatives: given \[3, 4, 2\], for 3 links, "),
        (
            {"val_negatives": torch.tensor([[1], [0]])},
            r"val_negatives: given 1 pairs that are links of train, .* 1 - 0",
        ),
        ({"test_negatives": torch.tensor([[8], [7]])}, r"test_negatives: given 1 pairs that are links of test"),
        ({"test_negatives": torch.tensor([[3], [3]])}, r"test_negatives: given node 3 with itself"),
        ({"test_negatives": torch.empty(2, 0, dtype=torch.long)}, r"test_negatives: given .* not empty"),
        ({"test": "test.xlsx"}, r"test: given test.xlsx, allowed: .npy, .npz, .pt, .csv, .tsv, .txt"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}"):
        link_split(graph(), **{**PARTS, **change})


def test_a_link_given_twice_cannot_have_negatives_of_its_own() -> None:
    val = torch.tensor([[5, 6], [6, 5]])
    with pytest.raises(ValueError, match=r"^val: given 2 links, of which 1 repeat another one, in this or the other"):
        link_split(graph(), **{**PARTS, "val": val, "val_negatives": torch.tensor([[[0, 6]], [[0, 5]]])})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            {"side": torch.arange(10) % 2},
            r"val_negatives: given 1 pairs that are no pairs across the two sides, .* 0 - 6",
        ),
        ({"batch": torch.arange(10) // 8}, r"test: given 1 pairs that are no pairs within a graph, such as 7 - 8"),
    ],
)
def test_pairs_of_another_kind_are_refused(kind: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}"):
        link_split(graph(**kind), **PARTS)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n")
    np.savez(tmp_path / "two.npz", a=TRAIN.numpy(), b=TRAIN.numpy())
    with pytest.raises(ValueError, match=r"^train: .*bad.csv cannot be read as pairs of node numbers"):
        link_split(graph(), **{**PARTS, "train": tmp_path / "bad.csv"})
    with pytest.raises(ValueError, match=r"^train: .*two.npz cannot be read .*: it holds 2 arrays, not one"):
        link_split(graph(), **{**PARTS, "train": tmp_path / "two.npz"})
    with pytest.raises(FileNotFoundError):
        link_split(graph(), **{**PARTS, "train": tmp_path / "none.csv"})


def test_no_graph_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^data must be a torch_geometric Data, .* got HeteroData"):
        link_split(HeteroData(), **PARTS)  # type: ignore[arg-type]


def test_a_graph_that_says_how_many_nodes_it_has() -> None:
    """Once a TypeError: two values for num_nodes."""
    data = Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=12, x=torch.zeros(12, 2))
    assert [part.num_nodes for part in link_split(data, **PARTS)] == [12, 12, 12]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # A link in both directions, one of them in another part.
        (
            {"train": torch.cat([TRAIN, torch.tensor([[6], [5]])], 1)},
            r"val: given 1 links that are in train too, such as 5 - 6",
        ),
        # A link twice in the test, once of them turned round, and once in validation.
        ({"test": torch.tensor([[7, 8, 7], [8, 7, 6]])}, r"test: given 1 links that are in val too, such as 6 - 7"),
        # All of the test.
        ({"test": TRAIN[:, 2:4]}, r"test: given 2 links that are in train too, such as 2 - 3, a leak"),
        # A negative of each link that is a link.
        (
            {"val_negatives": torch.tensor([[[0, 5], [9, 5]], [[0, 7], [5, 4]]])},
            r"val_negatives: given 1 pairs that are links of train, such as 5 - 4",
        ),
        # A negative that is a training link turned round.
        ({"test_negatives": torch.tensor([[0, 5], [9, 4]])}, r"test_negatives: given 1 pairs that are links of train"),
        # As many negatives as links, but a list of pairs.
        ({"val_negatives": torch.tensor([[0, 5], [0, 6], [1, 6]])}, r"val_negatives: given .*\[3, 2\], allowed"),
        # One direction of the negatives' places: [P, 2, K].
        ({"val_negatives": torch.zeros(2, 2, 5, dtype=torch.long)}, r"val_negatives: given .*\[2, 2, 5\], allowed"),
        # Named nodes.
        ({"train": [["a", "b"], ["b", "c"]]}, r"train: given <U1 of shape \[2, 2\], allowed: integers"),
        # A missing value.
        ({"val": [[5, float("nan")], [6, 7]]}, r"val: given float64 of shape \[2, 2\], allowed: integers"),
        ({"val": torch.tensor([[True], [False]])}, r"val: given torch.bool"),
    ],
)
def test_neighbours_of_a_leak_and_of_a_wrong_shape(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}"):
        link_split(graph(), **{**PARTS, **change})


def test_a_negative_may_be_a_link_turned_round_where_links_are_directed() -> None:
    turned = {**PARTS, "test_negatives": PARTS["test"].flip(0)}
    assert torch.equal(link_split(graph(directed=True), **turned).test.neg_edge_label_index, PARTS["test"].flip(0))
    with pytest.raises(ValueError, match=r"^test_negatives: given 2 pairs that are links of test"):
        link_split(graph(), **turned)


def test_weights_of_parallel_edges_are_summed_and_of_directions_must_agree() -> None:
    edges = torch.tensor([[0, 1, 0, 1, 2, 3, 4, 5], [1, 0, 1, 2, 3, 4, 5, 4]])
    weight = torch.tensor([6.0, 6, 5, 2, 3, 4, 1, 1])
    data = Data(x=torch.eye(10), edge_index=edges, edge_weight=weight)
    with pytest.raises(ValueError, match="differs between the directions of a link, such as 6 for 1 - 0 and 11 for"):
        link_split(data, **PARTS)
    weight[1] = 11
    assert link_split(data, **PARTS).train.edge_weight.tolist() == [11, 2, 3, 4, 1] * 2
    # Of a directed graph, directions are links of their own.
    weight[1] = 1
    data.directed = True
    assert link_split(data, **PARTS).train.edge_weight.tolist() == [11, 2, 3, 4, 1]
