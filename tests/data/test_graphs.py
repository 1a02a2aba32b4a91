import hashlib
import os
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from torch_geometric.io import read_planetoid_data

from spherical_gae.data import ChecksumError, graphs, load_graph, roots
from spherical_gae.data.graphs import raw_files, raw_folder
from spherical_gae.data.names import ROOT_VARIABLE

# Nodes, features, undirected links without self-loops and duplicates, isolated nodes, class sizes.
FACTS = {
    "cora": (2_708, 1_433, 5_278, 0, [351, 217, 418, 818, 426, 298, 180]),
    "citeseer": (3_327, 3_703, 4_552, 48, [264, 590, 668, 701, 596, 508]),
    "pubmed": (19_717, 500, 44_324, 0, [4_103, 7_739, 7_875]),
}


@pytest.fixture
def cora_copy(real_data_root: Path, tmp_path: Path) -> Path:
    """A root of our own with the real Cora files, free to be damaged."""
    raw_folder("cora", tmp_path).parent.mkdir(parents=True)
    shutil.copytree(raw_folder("cora", real_data_root), raw_folder("cora", tmp_path))
    for path in raw_folder("cora", tmp_path).iterdir():
        path.chmod(0o644)
    return tmp_path


def snapshot(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in root.rglob("*")
    }


@pytest.mark.real_data
@pytest.mark.parametrize("name", FACTS)
def test_known_facts(real_data_root: Path, name: str) -> None:
    data = load_graph(name, real_data_root)
    nodes, features, links, isolated, class_sizes = FACTS[name]
    assert data.x.shape == (nodes, features)
    assert data.x.dtype == torch.float32
    assert data.edge_index.shape == (2, 2 * links)
    assert data.edge_index.dtype == torch.int64
    assert data.is_undirected()
    assert data.is_coalesced()
    assert not data.has_self_loops()
    assert int((data.edge_index[0].bincount(minlength=nodes) == 0).sum()) == isolated
    assert data.y.bincount().tolist() == class_sizes
    assert data.name == name
    assert sorted(data.keys()) == ["edge_index", "label_names", "name", "test_mask", "train_mask", "val_mask", "x", "y"]
    # The public split: 20 nodes of each class, and no node twice.
    assert data.y[data.train_mask].bincount().tolist() == [20] * len(class_sizes)
    assert (int(data.val_mask.sum()), int(data.test_mask.sum())) == (500, 1_000)
    assert int((data.train_mask | data.val_mask | data.test_mask).sum()) == 20 * len(class_sizes) + 1_500


# Of the papers of a subject, as the authors of the data sets name and count them; CiteSeer's as far as it is linked.
SUBJECTS = {
    "cora": {"Neural networks": 818, "Theory": 351, "Rule learning": 180, "Genetic algorithms": 418, "Case based": 298},
    "citeseer": {"Agents": 596, "Databases": 701, "Information retrieval": 668, "Machine learning": 590},
    "pubmed": {"Diabetes, experimental": 4103, "Diabetes, type 1": 7739, "Diabetes, type 2": 7875},
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", FACTS)
def test_subjects_have_their_published_numbers_of_papers(real_data_root: Path, name: str) -> None:
    data = load_graph(name, real_data_root)
    sizes = dict(zip(data.label_names, data.y.bincount().tolist(), strict=True))
    assert sizes.items() >= SUBJECTS[name].items()


@pytest.mark.real_data
@pytest.mark.parametrize("name", FACTS)
def test_agrees_with_pyg(real_data_root: Path, name: str) -> None:
    data = load_graph(name, real_data_root)
    with warnings.catch_warnings():
        expected = read_planetoid_data(str(raw_folder(name, real_data_root)), name)
    assert torch.equal(data.x, expected.x)
    assert torch.equal(data.y, expected.y)
    assert torch.equal(data.edge_index, expected.coalesce().edge_index)


@pytest.mark.real_data
def test_features_are_raw(real_data_root: Path) -> None:
    for name in ("cora", "citeseer"):
        assert load_graph(name, real_data_root).x.unique().tolist() == [0.0, 1.0]
    assert load_graph("pubmed", real_data_root).x.max() > 1.26


@pytest.mark.real_data
def test_citeseer_placeholders_are_as_the_card_says(real_data_root: Path) -> None:
    data = load_graph("citeseer", real_data_root)
    empty = (data.x == 0).all(dim=1)
    assert int(empty.sum()) == 15
    assert data.y[empty].unique().tolist() == [0]
    assert bool(torch.isin(empty.nonzero().squeeze(1), data.edge_index[0]).all())


@pytest.mark.real_data
def test_named_root_is_only_read(cora_copy: Path) -> None:
    before = snapshot(cora_copy)
    load_graph("Cora", cora_copy)
    assert snapshot(cora_copy) == before


@pytest.mark.real_data
def test_environment_names_the_root_and_the_argument_wins(
    cora_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(cora_copy))
    assert load_graph("CORA").num_nodes == 2_708
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        load_graph("cora", tmp_path / "elsewhere")


@pytest.mark.real_data
@pytest.mark.parametrize("file", raw_files("cora"))
def test_damaged_file_is_never_unpickled(cora_copy: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = raw_folder("cora", cora_copy) / file
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr(graphs, "read_planetoid_data", lambda *_: pytest.fail("was unpickled"))
    with pytest.raises(ChecksumError, match=file):
        load_graph("cora", cora_copy)


@pytest.mark.real_data
def test_cache_folder_with_intact_files_needs_no_network(cora_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(roots, "cache_root", lambda: cora_copy)
    assert load_graph("cora").num_nodes == 2_708


@pytest.mark.real_data
def test_warning_filters_are_left_alone(real_data_root: Path) -> None:
    before = list(warnings.filters)
    load_graph("cora", real_data_root)
    assert list(warnings.filters) == before


@pytest.mark.parametrize("from_environment", [False, True])
def test_missing_files_in_a_named_root_say_where_and_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_environment: bool
) -> None:
    monkeypatch.setattr(graphs, "download_file", lambda *_: pytest.fail("tried to download"))
    if from_environment:
        monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        load_graph("pubmed", None if from_environment else tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "Planetoid" / "PubMed" / "raw") in message
    assert all(file in message for file in raw_files("pubmed"))
    assert f"python datasets/fetch.py --root {tmp_path}" in message
    assert list(tmp_path.iterdir()) == []


def test_only_the_cache_folder_is_downloaded_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: str, folder: Path) -> bool:
        raise OSError(f"{file} -> {folder}")

    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(roots, "cache_root", lambda: tmp_path)
    monkeypatch.setattr(graphs, "download_file", refuse)
    folder = os.path.join(tmp_path, "Planetoid", "CiteSeer", "raw")
    with pytest.raises(OSError, match=rf"ind\.citeseer\.x -> {folder}"):
        load_graph("citeseer")


def test_digits_need_no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert load_graph("Digits").num_nodes == 1_797


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"name: given 'karate', allowed: cora, .*, digits"):
        load_graph("karate")
