import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from spherical_gae import load_graph, split_links
from spherical_gae.data import clean_graph
from spherical_gae.experiments import links as links_module
from spherical_gae.experiments.baseline import score_baseline
from spherical_gae.experiments.links import (
    Experiment,
    ExperimentConfig,
    gae_config,
    model_inputs,
    train_once,
)
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.nn import SparseMatrix, normalized_adjacency
from spherical_gae.training.links.full_batch import FullBatchRun
from tests.helpers.run_folders import contents

KINDS = ("csv", "json", "safetensors")
SCORES = {"auc", "ap", "auc_last", "ap_last", "val_auc", "val_ap", "best_epoch"}


@pytest.fixture(scope="module")
def data() -> Data:
    """The first 300 digits: an epoch takes milliseconds."""
    whole = load_graph("digits")
    edge_index, _ = subgraph(torch.arange(300), whole.edge_index)
    return Data(x=whole.x[:300], y=whole.y[:300], edge_index=edge_index)


def make(folder: Path, seeds: tuple[int, ...] = (2, 0), **changes: Any) -> Experiment:
    preset = load_preset("paper").with_changes(**{"latent_dim": 4, "epochs": 4, **changes})
    return Experiment(ExperimentConfig("digits", "paper", preset, seeds), folder, progress=False)


@pytest.fixture(scope="module")
def finished(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    result = make(tmp_path_factory.mktemp("run") / "folder")
    result.run(data)
    return result


def test_run_folder_holds_what_is_documented_and_nothing_else(finished: Experiment) -> None:
    models = [f"cells/{method}-{seed}.{kind}" for method in ("s-vgae", "n-vgae") for seed in (0, 2) for kind in KINDS]
    expected = {"config.json", "history.csv", "metrics.json", "embeddings.npy", "classes.json", "latent.png", *models}
    expected |= {"cells/cosine-0.json", "cells/cosine-2.json"}
    assert set(contents(finished.folder)) == {name.replace("/", os.sep) for name in expected}
    assert (finished.folder / "latent.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_classes_are_those_of_the_rows(finished: Experiment, data: Data) -> None:
    classes = json.loads((finished.folder / "classes.json").read_text())
    assert classes == [str(digit) for digit in data.y.tolist()]


def test_metrics_have_one_entry_per_seed(finished: Experiment, data: Data) -> None:
    metrics = json.loads((finished.folder / "metrics.json").read_text())
    assert metrics.pop("dataset") == "digits"
    assert metrics.pop("seeds") == [2, 0]
    assert list(metrics) == ["s-vgae", "n-vgae", "cosine"]
    for method, columns in metrics.items():
        expected = {"auc", "ap"} if method == "cosine" else SCORES
        assert set(columns) == expected
        assert all(len(values) == 2 for values in columns.values())
        assert all(0 <= value <= 1 for name in expected - {"best_epoch"} for value in columns[name])
    for k, seed in enumerate((2, 0)):
        assert (metrics["cosine"]["auc"][k], metrics["cosine"]["ap"][k]) == score_baseline(split_links(data, seed=seed))


@pytest.mark.parametrize("method", ["s-vgae", "n-vgae"])
@pytest.mark.parametrize("seed", [0, 2])
def test_saved_weights_have_the_reported_scores(finished: Experiment, data: Data, method: str, seed: int) -> None:
    model = finished.load_model(method, seed, data.num_features)
    assert not model.training
    split = split_links(data, seed=seed)
    z = model.encode(*model_inputs(split.train))
    reported = json.loads((finished.folder / "cells" / f"{method}-{seed}.json").read_text())
    for part, prefix in ((split.test, ""), (split.val, "val_")):
        auc, ap = model.test(z, part.pos_edge_label_index, part.neg_edge_label_index)
        assert (auc, ap) == (reported[f"{prefix}auc"], reported[f"{prefix}ap"])


def test_embeddings_are_the_first_seeds_mean_directions(finished: Experiment, data: Data) -> None:
    embeddings = np.load(finished.folder / "embeddings.npy")
    assert embeddings.shape == (300, 4)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    model = finished.load_model("s-vgae", 2, data.num_features)
    with torch.no_grad():
        z = model.encode(*model_inputs(split_links(data, seed=2).train))
    assert np.array_equal(embeddings, z.numpy())


def test_same_configuration_same_files(finished: Experiment, data: Data, tmp_path: Path) -> None:
    make(tmp_path).run(data)
    expected, actual = contents(finished.folder), contents(tmp_path)
    expected.pop("latent.png"), actual.pop("latent.png")
    assert actual == expected


@pytest.mark.slow
def test_two_jobs_write_the_same_files(data: Data, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    alone, shared = make(tmp_path / "alone"), make(tmp_path / "shared")
    assert alone.run(data) == shared.run(data, jobs=2)
    expected, actual = contents(alone.folder), contents(shared.folder)
    del expected["config.json"], actual["config.json"]  # They have the date.
    assert actual == expected


def test_jobs_that_cannot_be_are_refused_before_anything_is_written(data: Data, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jobs: given 0, allowed: 1 or more"):
        make(tmp_path / "run").run(data, jobs=0)
    experiment = make(tmp_path / "run")
    experiment.device = "meta"
    with pytest.raises(ValueError, match="jobs: given 2, allowed: 1 on meta"):
        experiment.run(data, jobs=2)
    assert not (tmp_path / "run").exists()


def test_seeds_do_not_touch_each_other(finished: Experiment, data: Data, tmp_path: Path) -> None:
    make(tmp_path, seeds=(0,)).run(data)
    for name in ("s-vgae-0.safetensors", "n-vgae-0.json", "cosine-0.json"):
        assert (tmp_path / "cells" / name).read_bytes() == (finished.folder / "cells" / name).read_bytes()


def spy_on_training(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    trained: list[tuple[str, int, int]] = []
    original: Callable[..., Any] = links_module.train_once

    def spy(split: Any, preset: Any, method: str, seed: int, **rest: Any) -> Any:
        trained.append((method, seed, preset.latent_dim))
        return original(split, preset, method, seed, **rest)

    monkeypatch.setattr(links_module, "train_once", spy)
    return trained


def test_only_what_is_missing_is_computed(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = spy_on_training(monkeypatch)
    metrics = make(tmp_path).run(data)
    assert trained == [("s-vgae", 2, 4), ("n-vgae", 2, 4), ("s-vgae", 0, 4), ("n-vgae", 0, 4), ("s-vgae", 2, 3)]
    before = contents(tmp_path)
    trained.clear()
    assert make(tmp_path).run(data) == metrics
    assert trained == []
    (tmp_path / "cells" / "n-vgae-2.json").unlink()
    (tmp_path / "metrics.json").unlink()
    # Checkpoints that a run left which was killed right after it had saved the results.
    for name in ("s-vgae-0.ckpt", "picture.ckpt"):
        (tmp_path / "cells" / name).write_bytes(b"")
    make(tmp_path).run(data)
    assert trained == [("n-vgae", 2, 4)]
    assert contents(tmp_path) == before


def test_three_coordinates_are_drawn_as_they_are(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = spy_on_training(monkeypatch)
    drawn: list[np.ndarray] = []
    original = links_module.plot_sphere
    monkeypatch.setattr(links_module, "plot_sphere", lambda z, y, **rest: drawn.append(z) or original(z, y, **rest))
    make(tmp_path, seeds=(1,), latent_dim=3).run(data)
    assert trained == [("s-vgae", 1, 3), ("n-vgae", 1, 3)]
    assert np.array_equal(drawn[0], np.load(tmp_path / "embeddings.npy"))


def test_folder_of_another_configuration_is_refused(data: Data, tmp_path: Path) -> None:
    make(tmp_path, seeds=(1,), epochs=1).run(data)
    before = contents(tmp_path)
    for other in (make(tmp_path, seeds=(1, 2), epochs=1), make(tmp_path, seeds=(1,), epochs=2)):
        with pytest.raises(ValueError, match="holds a run of another configuration"):
            other.run(data)
    assert contents(tmp_path) == before


def test_configuration_from_before_files_of_ones_own(finished: Experiment) -> None:
    saved = finished.config.to_dict()
    for name in ("features", "dataset_sha256", "features_sha256"):
        assert saved.pop(name) is None
    assert ExperimentConfig.from_dict(saved) == finished.config


def test_model_inputs_are_what_the_encoders_take(data: Data) -> None:
    x, adjacency = model_inputs(data)
    assert x is data.x  # half of the pixels are not zero
    expected = normalized_adjacency(data.edge_index, 300)
    assert torch.equal(adjacency.to_dense(), expected.to_dense())
    rare = Data(x=(data.x > 0.95).double(), edge_index=data.edge_index)
    x, adjacency = model_inputs(rare)
    assert isinstance(x, SparseMatrix)
    assert torch.equal(x.to_dense(), rare.x)
    assert adjacency.dtype == torch.float64


@pytest.mark.parametrize("preset_name", ["paper", "frontier", "scalable"])
def test_weights_reach_the_encoder_and_training(data: Data, preset_name: str) -> None:
    weight = 1 + data.edge_index.sum(0) / 100
    split = split_links(Data(x=data.x, edge_index=data.edge_index, edge_weight=weight))
    train = split.train
    _, adjacency = model_inputs(train)
    expected = normalized_adjacency(train.edge_index, 300, edge_weight=1 + train.edge_index.sum(0) / 100)
    torch.testing.assert_close(adjacency.to_dense(), expected.to_dense())
    preset = load_preset(preset_name).with_changes(latent_dim=4, epochs=2)
    train.edge_weight = None
    _, without = train_once(split, preset, "s-vgae", 0, progress=False)
    train.edge_weight = 1 + train.edge_index.sum(0) / 100
    _, scores = train_once(split, preset, "s-vgae", 0, progress=False)
    assert scores != without


def test_masked_training_draws_weighted_adjacencies(data: Data) -> None:
    def weight(edges: Tensor) -> Tensor:
        return 1 + edges.sum(0) / 100

    split = split_links(Data(x=data.x, edge_index=data.edge_index, edge_weight=weight(data.edge_index)))
    train, preset = split.train, load_preset("frontier")
    model = build_model(preset, "s-vgae", data.num_features)
    run = FullBatchRun(model, split, gae_config(preset), model_inputs(train), 0, torch.device("cpu"))
    assert run.masking is not None
    adjacency, hidden = run.masking.sample()
    links = torch.zeros(300, 300, dtype=torch.bool).index_put_(tuple(train.edge_index), torch.tensor(True))
    links[hidden[0], hidden[1]] = links[hidden[1], hidden[0]] = False
    visible = links.nonzero().t()
    expected = normalized_adjacency(visible, 300, edge_weight=weight(visible))
    torch.testing.assert_close(adjacency.to_dense(), expected.to_dense())


def test_train_once_is_a_function_of_its_arguments(data: Data) -> None:
    split, preset = split_links(data), load_preset("paper").with_changes(latent_dim=4, epochs=4)
    model, scores = train_once(split, preset, "s-vgae", 3, progress=False)
    torch.manual_seed(99)
    twin, same_scores = train_once(split, preset, "s-vgae", 3, progress=False)
    assert scores == same_scores
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    assert set(scores) == SCORES
    assert train_once(split, preset, "s-vgae", 4, progress=False)[1] != scores


def test_graph_of_ones_own_without_classes_or_features(tmp_path: Path) -> None:
    """Its ids are written beside the embeddings, and the picture has one colour."""
    nodes = torch.arange(60)
    names = [f"node {k}" for k in range(60)]
    own = clean_graph(Data(edge_index=torch.stack([nodes, (nodes + 1) % 60]), node_ids=names))
    make(tmp_path, seeds=(0,), latent_dim=3, epochs=1).run(own)
    assert json.loads((tmp_path / "node_ids.json").read_text()) == names
    assert not (tmp_path / "classes.json").exists()
    assert np.load(tmp_path / "embeddings.npy").shape == (60, 3)
    assert (tmp_path / "latent.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
