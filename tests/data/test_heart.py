import re
from pathlib import Path

import numpy as np
import pytest
import torch

from spherical_gae.data import ChecksumError, load_heart
from spherical_gae.data.heart import hard_negatives
from spherical_gae.data.heart_files import HEART_ENDS_MADE, HEART_SHA256, HEART_URLS, heart_files

CARD = Path(__file__).parents[2] / "datasets" / "heart.md"
SIZES = {"cora": (4488, 263, 527), "citeseer": (3870, 227, 455), "pubmed": (37676, 2216, 4432)}


def test_hard_negatives_keep_one_end_each() -> None:
    positives, ends = torch.tensor([[0, 3], [1, 4]]), torch.tensor([[5, 6, 7, 8], [9, 8, 7, 6]])
    pairs = hard_negatives(positives, ends)
    assert pairs[:, 0].tolist() == [[0, 0, 7, 8], [5, 6, 1, 1]]
    assert pairs[:, 1].tolist() == [[3, 3, 7, 6], [9, 8, 4, 4]]


def test_the_card_has_all_sums_and_addresses() -> None:
    card = CARD.read_text()
    assert {f"{file} {digest}" for file, digest in HEART_SHA256.items()} == {
        f"{file} {digest}" for file, digest in re.findall(r"\| `([\w/.]+)` \| `([0-9a-f]{64})` \|", card)
    }
    assert all(url in card for url in HEART_URLS.values())


def test_other_graphs_are_refused() -> None:
    with pytest.raises(ValueError, match="name: given 'digits', allowed: cora, citeseer, pubmed"):
        load_heart("digits")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train_pos.txt, .*heart_ends.npz; fetch them with"):
        load_heart("cora", tmp_path)


@pytest.mark.real_data
def test_damage_is_found(real_data_root: Path, tmp_path: Path) -> None:
    source, folder = real_data_root / "HeaRT" / "cora", tmp_path / "HeaRT" / "cora"
    folder.mkdir(parents=True)
    for file in (*heart_files("cora"), "heart_ends.npz"):
        (folder / file).write_bytes((source / file).read_bytes())
    with np.load(source / "heart_ends.npz") as archive:
        np.savez(folder / "heart_ends.npz", valid=archive["valid"], test=archive["test"][::-1])
    with pytest.raises(ChecksumError, match="does not hold the expected hard negatives"):
        load_heart("cora", tmp_path)
    (folder / "test_pos.txt").write_text("0\t1\n")
    with pytest.raises(ChecksumError, match=r"test_pos\.txt is not the published file"):
        load_heart("cora", tmp_path)


@pytest.mark.real_data
def test_negatives_made_here_are_read_with_a_warning(real_data_root: Path, tmp_path: Path) -> None:
    source, folder = real_data_root / "HeaRT" / "cora", tmp_path / "HeaRT" / "cora"
    folder.mkdir(parents=True)
    (tmp_path / "Planetoid").symlink_to(real_data_root / "Planetoid")
    for file in heart_files("cora"):
        (folder / file).write_bytes((source / file).read_bytes())
    with np.load(source / "heart_ends.npz") as archive:
        valid, test = archive["valid"], archive["test"]
    np.savez(folder / HEART_ENDS_MADE, valid=valid[::-1], test=test)
    with pytest.warns(UserWarning, match=r"hard negatives of cora in .*heart_ends_made\.npz were made here"):
        made = load_heart("cora", tmp_path)
    known = load_heart("cora", real_data_root)
    assert torch.equal(made.test_hard, known.test_hard)
    assert made.val_hard[0, 0, 250:].tolist() == known.val_hard[0, -1, 250:].tolist()
    np.savez(folder / HEART_ENDS_MADE, valid=valid[:5], test=test)
    with pytest.raises(
        ChecksumError, match=r"given arrays of shape \(5, 500\) and .*; delete it, and it is made again"
    ):
        load_heart("cora", tmp_path)


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_splits_are_whole_and_hide_what_they_test(real_data_root: Path, name: str) -> None:
    split, *hard = load_heart(name, real_data_root)
    assert tuple(part.pos_edge_label_index.size(1) for part in split) == SIZES[name]
    num_nodes = split.train.num_nodes

    def keys(pairs: torch.Tensor) -> torch.Tensor:
        return (pairs.amin(0) * num_nodes + pairs.amax(0)).flatten()

    links = [keys(part.pos_edge_label_index) for part in split]
    assert torch.cat(links).unique().numel() == sum(SIZES[name])
    assert torch.equal(keys(split.test.edge_index).unique(), links[0].unique())
    for part, negatives in zip(split[1:], hard, strict=True):
        assert negatives.shape == (2, part.pos_edge_label_index.size(1), 500)
        kept = negatives == part.pos_edge_label_index[:, :, None]
        assert bool(kept[0, :, :250].all())
        assert bool(kept[1, :, 250:].all())
        # No hard negative, and no shared one, is a training link.
        assert not torch.isin(keys(negatives.flatten(1)), links[0]).any()
        assert not torch.isin(keys(part.neg_edge_label_index), torch.cat(links)).any()
