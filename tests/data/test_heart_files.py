import re
from pathlib import Path

import numpy as np
import pytest
import torch

from spherical_gae.data import ChecksumError, load_graph, load_heart
from spherical_gae.data.heart_files import (
    HEART_ENDS_MADE,
    HEART_SHA256,
    HEART_URLS,
    heart_files,
    heart_pairs,
    make_heart_ends_file,
)

CARD = Path(__file__).parents[2] / "datasets" / "heart.md"


def test_the_card_has_all_sums_and_addresses() -> None:
    card = CARD.read_text()
    assert {f"{file} {digest}" for file, digest in HEART_SHA256.items()} == {
        f"{file} {digest}" for file, digest in re.findall(r"\| `([\w/.]+)` \| `([0-9a-f]{64})` \|", card)
    }
    assert all(url in card for url in HEART_URLS.values())


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
def test_only_self_loops_of_training_links_are_left_out(real_data_root: Path) -> None:
    folder = real_data_root / "HeaRT" / "citeseer"
    pairs = heart_pairs("citeseer", folder)
    left_out = {file: len(np.loadtxt(folder / file)) - links.size(1) for file, links in pairs.items()}
    assert {file: number for file, number in left_out.items() if number} == {"train_pos.txt": 48}


@pytest.mark.real_data
@pytest.mark.slow
def test_a_file_is_made_once_and_holds_what_the_benchmark_s_own_holds(real_data_root: Path, tmp_path: Path) -> None:
    source = real_data_root / "HeaRT" / "cora"
    for file in heart_files("cora"):
        (tmp_path / file).write_bytes((source / file).read_bytes())
    x = load_graph("cora", real_data_root).x
    assert make_heart_ends_file("cora", tmp_path, x)
    assert not make_heart_ends_file("cora", tmp_path, x)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*heart_files("cora"), HEART_ENDS_MADE])
    with np.load(source / "heart_ends.npz") as known, np.load(tmp_path / HEART_ENDS_MADE) as made:
        for part in ("valid", "test"):
            halves = zip(made[part].reshape(-1, 250), known[part].reshape(-1, 250), strict=True)
            assert np.mean([np.isin(mine, theirs).mean() for mine, theirs in halves]) > 0.998
