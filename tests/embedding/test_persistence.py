import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import read_graph
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.embedding import featureless
from tests.helpers.embeddings import fitted, words_and_links
from tests.helpers.fresh_processes import in_fresh_process


def what_it_says(embedding: SphericalGraphEmbedding) -> dict[str, np.ndarray]:
    """Everything that is kept, as arrays."""
    return {
        "embedding": embedding.embedding_,
        "concentration": embedding.concentration_,
        "ids": np.array(embedding.node_ids_),
        "scores": embedding.score_links([("n00", "n01"), ("n02", "n33")]),
        "suggested": np.array(embedding.suggest_all(9).values.tolist(), dtype=str),
    }


def read_and_say(folder: Path) -> dict[str, np.ndarray]:
    return what_it_says(SphericalGraphEmbedding.load(folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    fitted(nx.karate_club_graph()).save(folder)
    return folder


@pytest.mark.slow
def test_another_process_reads_the_same_bits(tmp_path: Path) -> None:
    embedding = fitted(*words_and_links(), preset="frontier-product", dim=12)
    embedding.save(tmp_path / "saved")
    expected, read = what_it_says(embedding), in_fresh_process(read_and_say, tmp_path / "saved")
    assert read.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(read[name], value), name


@pytest.mark.parametrize("sparse", [False, True])
def test_loaded_is_what_was_saved(sparse: bool, tmp_path: Path) -> None:
    edges, features = words_and_links()
    if sparse:
        features[features < 1.2] = 0
    embedding = fitted(edges.assign(weight=np.linspace(0.5, 2, len(edges))), features, latent="p", patience=5)
    embedding.save(tmp_path)
    loaded = SphericalGraphEmbedding.load(tmp_path)
    assert loaded.get_params() == embedding.get_params()
    assert (loaded.preset_, loaded.history_, loaded.best_epoch_) == (
        embedding.preset_,
        embedding.history_,
        embedding.best_epoch_,
    )
    assert loaded.concentration_ is embedding.concentration_ is None
    assert loaded.to_frame().equals(embedding.to_frame())
    assert loaded.neighbors("n07").equals(embedding.neighbors("n07"))
    late = features.iloc[:2].set_axis(["late", "n03"])
    assert loaded.transform([("late", "n03")], late).equals(embedding.transform([("late", "n03")], late))
    assert loaded.score([("n00", "n13")]) == embedding.score([("n00", "n13")])
    # Once more, from what was read.
    loaded.save(tmp_path / "again")
    for path in tmp_path.glob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_later_nodes_are_saved_too(tmp_path: Path) -> None:
    whole = fitted(nx.karate_club_graph()).extended([("late", 3), ("late", 0)])
    whole.save(tmp_path)
    loaded = SphericalGraphEmbedding.load(tmp_path)
    assert loaded.to_frame().equals(whole.to_frame())
    assert loaded.transform([("later", "late")]).equals(whole.transform([("later", "late")]))


def test_hash_of_a_large_graph_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featureless, "LARGE", 77)
    embedding = fitted(nx.karate_club_graph())
    embedding.save(tmp_path)
    loaded = SphericalGraphEmbedding.load(tmp_path)
    assert float(loaded._graph.data.x.abs().min()) == 1
    assert loaded.transform([("late", 3)]).equals(embedding.transform([("late", 3)]))


def test_sides_are_saved(tmp_path: Path) -> None:
    embedding = fitted(nx.davis_southern_women_graph())
    embedding.save(tmp_path)
    assert SphericalGraphEmbedding.load(tmp_path).suggest_all(9).equals(embedding.suggest_all(9))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["model.safetensors", "graph.safetensors", "node_ids.json"])
def test_tampered_file_is_named(folder: Path, name: str, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    flip(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: given a file that was changed after it was saved"):
        SphericalGraphEmbedding.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}: not found"):
        SphericalGraphEmbedding.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(version=2), "given version 2, allowed: 1"),
        (lambda m: m.update(format="other"), "given another kind of file"),
        (lambda m: m.update(more=1), r"given too much or too little \(more\)"),
        (lambda m: m.pop("preset"), r"given too much or too little \(preset\)"),
        (lambda m: m["preset"].update(num_steps=[3]), "given a file that was changed after it was saved"),
        (lambda m: m["files"].pop("model.safetensors"), "given a file that was changed after it was saved"),
    ],
)
def test_manifest_of_another_kind_is_refused(folder: Path, change: Callable, message: str, tmp_path: Path) -> None:
    manifest = json.loads((folder / "embedding.json").read_text())
    change(manifest)
    (tmp_path / "embedding.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=rf"embedding\.json: {message}"):
        SphericalGraphEmbedding.load(tmp_path)


def test_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"embedding\.json: not found"):
        SphericalGraphEmbedding.load(tmp_path)
    (tmp_path / "embedding.json").write_text("{")
    with pytest.raises(ValueError, match=r"embedding\.json: not JSON"):
        SphericalGraphEmbedding.load(tmp_path)


def test_reading_is_saved_and_folders_of_before_have_none(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("person;friend\nann;bob\nbob;cid\ncid;dan\n")
    embedding = fitted(read_graph(tmp_path / "links.csv", delimiter=";", header=True), val_share=0)
    embedding.save(tmp_path / "saved")
    loaded = SphericalGraphEmbedding.load(tmp_path / "saved")
    assert loaded.reading_ == embedding.reading_
    assert loaded.reading_.options == ReadingOptions(delimiter=";", header=True)
    assert loaded.reading_.header == ("person", "friend")
    path = tmp_path / "saved" / "embedding.json"
    manifest = {name: value for name, value in json.loads(path.read_text()).items() if name != "sha256"}
    del manifest["graph"]["reading"]
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**manifest, "sha256": digest}))
    old = SphericalGraphEmbedding.load(tmp_path / "saved")
    assert old.reading_ is None
    assert old.to_frame().equals(embedding.to_frame())


def test_numbers_of_numpy_are_saved_as_numbers(tmp_path: Path) -> None:
    graph = nx.karate_club_graph()
    embedding = fitted(graph, epochs=np.int64(3), dim=np.int64(4), val_share=np.float64(0.1), patience=np.int32(2))
    embedding.save(tmp_path)
    loaded = SphericalGraphEmbedding.load(tmp_path)
    assert loaded.get_params() == embedding.get_params()
    assert type(loaded.epochs) is int
    assert loaded.to_frame().equals(embedding.to_frame())


def test_what_cannot_be_saved_leaves_the_earlier_embedding(tmp_path: Path) -> None:
    embedding = fitted(nx.karate_club_graph())
    embedding.save(tmp_path)
    other = fitted(nx.path_graph(40)).set_params(patience=object())
    with pytest.raises(TypeError, match="given object, allowed: what JSON can hold"):
        other.save(tmp_path)
    assert SphericalGraphEmbedding.load(tmp_path).to_frame().equals(embedding.to_frame())


def test_full_disk_leaves_the_earlier_embedding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fitted(nx.karate_club_graph())
    first.save(tmp_path)

    def full(path: Any, write: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spherical_gae.embedding.persistence.write_atomically", full)
    with pytest.raises(OSError, match="No space left"):
        fitted(nx.path_graph(12)).save(tmp_path)
    monkeypatch.undo()
    assert SphericalGraphEmbedding.load(tmp_path).to_frame().equals(first.to_frame())
    assert not list(tmp_path.glob(".*"))


def test_classes_that_are_the_sides_are_saved(tmp_path: Path) -> None:
    """One tensor for both, which safetensors does not take."""
    side = torch.tensor([0, 1, 0, 1, 0, 1])
    edges = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
    fitted(Data(edge_index=edges, num_nodes=6, side=side, y=side)).save(tmp_path)
    data = SphericalGraphEmbedding.load(tmp_path)._graph.data
    assert data.side.tolist() == data.y.tolist() == side.tolist()
