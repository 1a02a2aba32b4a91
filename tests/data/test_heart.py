from pathlib import Path

import pytest
import torch

from spherical_gae.data import load_heart
from spherical_gae.data.heart import hard_negatives

SIZES = {"cora": (4488, 263, 527), "citeseer": (3870, 227, 455), "pubmed": (37676, 2216, 4432)}


def test_hard_negatives_keep_one_end_each() -> None:
    positives, ends = torch.tensor([[0, 3], [1, 4]]), torch.tensor([[5, 6, 7, 8], [9, 8, 7, 6]])
    pairs = hard_negatives(positives, ends)
    assert pairs[:, 0].tolist() == [[0, 0, 7, 8], [5, 6, 1, 1]]
    assert pairs[:, 1].tolist() == [[3, 3, 7, 6], [9, 8, 4, 4]]


def test_other_graphs_are_refused() -> None:
    with pytest.raises(ValueError, match="name: given 'digits', allowed: cora, citeseer, pubmed"):
        load_heart("digits")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train_pos.txt, .*heart_ends.npz; fetch them with"):
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
