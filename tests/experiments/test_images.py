import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spherical_gae.data import ImageSet, ImageSplit, binarize, draw_labelled, load_images
from spherical_gae.evaluation.vae_scores import score_vae
from spherical_gae.experiments import images as image_experiments
from spherical_gae.experiments.images import (
    ImageExperiment,
    M1M2Experiment,
    VAEExperiment,
)
from spherical_gae.training import M1M2Config, VAEConfig, fit_m1m2, fit_vae
from spherical_gae.training.images.batches import BatchRun
from tests.helpers.run_folders import contents

CPU = torch.device("cpu")
FILES = {"config.json", "training.json", "model.safetensors", "metrics.json", "samples.png", "latent.png"}
BATCH: dict[str, Any] = {"batch_size": 50, "learning_rate": 1e-2, "look_ahead": 50}
# Checkpoints are written every 10 and every 5 epochs, and at the end.
VAE = VAEExperiment("digits", 3, "s-vae", 3, (8,), VAEConfig(max_epochs=13, warm_up=2, **BATCH))
M1M2 = M1M2Experiment(
    "digits", 4, "s", "n", 3, 2, 32, 40, M1M2Config(max_epochs=8, labelled_batch_size=40, alpha=10.0, **BATCH)
)
EXPERIMENTS = {"vae": (VAE, 10), "m1m2": (M1M2, 5)}

Finished = tuple[ImageExperiment, Path, dict[str, Any]]


class StopHereError(Exception):
    pass


@pytest.fixture(scope="module")
def images() -> ImageSplit:
    """A few digits: an epoch takes milliseconds."""
    whole = load_images("digits")
    sizes = (200, 60, 80)
    return ImageSplit(*(ImageSet(*(t[:n] for t in part)) for part, n in zip(whole, sizes, strict=True)))


@pytest.fixture(scope="module", params=EXPERIMENTS)
def finished(request: Any, images: ImageSplit, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    experiment, _ = EXPERIMENTS[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "new" / "run"
    return experiment, folder, experiment.run(images, folder, CPU, progress=False)


def copy_to(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setattr(ImageExperiment, name, lambda *_, name=name: pytest.fail(f"called {name}"))


def binary(part: ImageSet) -> torch.Tensor:
    """The test images of every experiment."""
    return binarize(part.images, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "experiment", [VAE, M1M2, VAEExperiment(), M1M2Experiment()], ids=["vae", "m1m2", "vae-defaults", "m1m2-defaults"]
)
def test_configuration_goes_through_json(experiment: Any) -> None:
    values = json.loads(json.dumps(experiment.to_dict()))
    assert type(experiment).from_dict(values) == experiment
    assert values["kind"] == {VAEExperiment: "vae", M1M2Experiment: "m1m2"}[type(experiment)]
    # All that can be set is in it: another value gives another configuration.
    changes = {"dataset": "mnist", "seed": 9, "dim": 7, "dim1": 7, "latent2": "s", "num_labels": 20}
    for name in changes.keys() & values.keys():
        changed = replace(experiment, **{name: changes[name]})
        assert type(experiment).from_dict(json.loads(json.dumps(changed.to_dict()))) == changed != experiment
    longer = replace(experiment, training=replace(experiment.training, max_epochs=77))
    assert longer.to_dict()["training"]["max_epochs"] == 77


def test_run_folder_holds_what_is_documented_and_nothing_else(finished: Finished) -> None:
    experiment, folder, metrics = finished
    files = contents(folder)
    assert set(files) == FILES
    assert json.loads(files["config.json"]) == experiment.to_dict()
    for name in ("samples.png", "latent.png"):
        assert files[name][:8] == b"\x89PNG\r\n\x1a\n"
    assert json.loads(files["metrics.json"]) == metrics
    training = json.loads(files["training.json"])
    assert metrics == {**metrics, **training}
    assert set(metrics) - set(training) == (
        {"log_likelihood", "bound", "reconstruction", "kl"} if experiment.kind == "vae" else {"accuracy"}
    )


def test_training_is_reported_epoch_by_epoch(finished: Finished) -> None:
    experiment, _, metrics = finished
    scores = metrics["history"]["val_bound" if experiment.kind == "vae" else "val_accuracy"]
    assert metrics["epochs"] == experiment.training.max_epochs
    assert {len(values) for values in metrics["history"].values()} == {metrics["epochs"]}
    assert metrics["best_score"] == max(scores)
    assert metrics["best_epoch"] == 1 + scores.index(max(scores))


def test_metrics_are_the_loaded_models(finished: Finished, images: ImageSplit) -> None:
    experiment, folder, metrics = finished
    model = experiment.load_model(images, folder)
    assert not model.training
    x, labels = binary(images.test), images.test.labels
    if experiment.kind == "vae":
        scores = score_vae(model, x)._asdict()
        assert {name: metrics[name] for name in scores} == scores
        assert metrics["log_likelihood"] > metrics["bound"]
    else:
        right = [int(model.predict(row.unsqueeze(0))) == int(label) for row, label in zip(x, labels, strict=True)]
        assert metrics["accuracy"] == pytest.approx(sum(right) / 80, abs=1e-12)
        # A constant has 1 in 10 right.
        assert metrics["accuracy"] > 0.2


def test_loaded_model_is_the_trained_one(finished: Finished, images: ImageSplit) -> None:
    """Loading draws nothing from the global generator, and twice the same; training changed the weights."""
    experiment, folder, _ = finished
    before = torch.get_rng_state()
    first, second = (experiment.load_model(images, folder).state_dict() for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(experiment.seed)
    untrained = experiment.make_model(64).state_dict()
    assert untrained.keys() == first.keys()
    assert not any(torch.equal(first[name], untrained[name]) for name in first)


@pytest.mark.slow
def test_same_configuration_same_files(finished: Finished, images: ImageSplit, tmp_path: Path) -> None:
    """Whatever the state of the global generator, which is left as it was."""
    experiment, folder, metrics = finished
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert experiment.run(images, tmp_path, CPU, progress=False) == metrics
    assert torch.equal(torch.get_rng_state(), before)
    assert contents(tmp_path) == contents(folder)


@pytest.mark.slow
def test_seeds_give_other_runs(finished: Finished, images: ImageSplit, tmp_path: Path) -> None:
    experiment, _, metrics = finished
    short = replace(experiment, training=replace(experiment.training, max_epochs=1), seed=experiment.seed + 1)
    other = short.run(images, tmp_path, CPU, progress=False)
    assert all(
        values[0] != metrics["history"][name][0] for name, values in other["history"].items() if "val" not in name
    )


def test_finished_run_is_only_read(finished: Finished, images: ImageSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, folder, metrics = finished
    before = contents(folder)
    forbid(monkeypatch, "_train", "load_model", "_draw")
    assert experiment.run(images, folder, CPU, progress=False) == metrics
    assert contents(folder) == before


def test_without_metrics_the_model_is_scored_again(
    finished: Finished, images: ImageSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the same numbers; a checkpoint left by a run that was stopped right after training goes."""
    experiment, folder, metrics = finished
    files = contents(folder)
    copy_to(tmp_path, {name: files[name] for name in FILES - {"metrics.json", "samples.png"}})
    (tmp_path / "train.ckpt").write_bytes(b"left over")
    forbid(monkeypatch, "_train")
    torch.manual_seed(5)
    assert experiment.run(images, tmp_path, CPU, progress=False) == metrics
    assert contents(tmp_path) == files


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXPERIMENTS)
@pytest.mark.parametrize("past", [-2, 2])
def test_interrupted_run_ends_as_the_uninterrupted(
    images: ImageSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, past: int
) -> None:
    """Two epochs before the first checkpoint, and two after it."""
    experiment, every = EXPERIMENTS[kind]
    epochs: list[int] = []
    step = BatchRun.step

    def stop_there(run: BatchRun) -> None:
        if run.epoch == every + past:
            raise StopHereError
        step(run)

    def count(run: BatchRun) -> None:
        epochs.append(run.epoch)
        step(run)

    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    monkeypatch.setattr(BatchRun, "step", stop_there)
    with pytest.raises(StopHereError):
        experiment.run(images, stopped, CPU, progress=False)
    left = set(contents(stopped))
    assert left == ({"config.json"} if past < 0 else {"config.json", "train.ckpt"})
    monkeypatch.setattr(BatchRun, "step", count)
    torch.manual_seed(17)
    experiment.run(images, stopped, CPU, progress=False)
    assert epochs == list(range(0 if past < 0 else every, experiment.training.max_epochs))
    experiment.run(images, whole, CPU, progress=False)
    assert contents(stopped) == contents(whole)


def test_folder_of_another_configuration_is_refused(finished: Finished, images: ImageSplit, tmp_path: Path) -> None:
    experiment, folder, _ = finished
    copy_to(tmp_path, contents(folder))
    other_kind = M1M2 if experiment.kind == "vae" else VAE
    others = [replace(experiment, seed=0), replace(experiment, training=VAEConfig()), other_kind]
    for other in others:
        with pytest.raises(ValueError, match="holds a run of another configuration"):
            other.run(images, tmp_path, CPU, progress=False)
    assert contents(tmp_path) == contents(folder)


def test_folder_from_before_a_setting_was_there_is_read(finished: Finished, images: ImageSplit, tmp_path: Path) -> None:
    experiment, folder, metrics = finished
    copy_to(tmp_path, contents(folder))
    config = json.loads((tmp_path / "config.json").read_text())
    del config["training"]["weight_average"]
    config.pop("scaled_latent", None)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert experiment.run(images, tmp_path, CPU, progress=False) == metrics


def test_only_drawn_labels_are_trained_on(images: ImageSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    fit = image_experiments.fit_m1m2
    monkeypatch.setattr(image_experiments, "fit_m1m2", lambda *a, **k: given.append(a) or fit(*a, **k))
    replace(M1M2, training=M1M2Config(max_epochs=1)).run(images, tmp_path, CPU, progress=False)
    ((_, unlabelled, labelled, val, _),) = given
    expected = draw_labelled(images.train, 40, seed=4)
    assert torch.equal(labelled.images, expected.images)
    assert labelled.labels.tolist() == [digit for digit in range(10) for _ in range(4)]
    assert unlabelled is images.train.images
    assert val is images.val


@pytest.mark.parametrize(
    ("model", "dim", "axes"),
    [
        ("s-vae", 1, "rectilinear"),
        ("s-vae", 2, "hammer"),
        ("s-vae", 3, "rectilinear"),
        ("n-vae", 2, "rectilinear"),
        ("n-vae", 3, "rectilinear"),
    ],
)
def test_latents_are_drawn_where_they_are(
    images: ImageSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, dim: int, axes: str
) -> None:
    """S^2 by longitude and latitude, two coordinates as they are, more by their principal components."""
    drawn: list[Any] = []
    monkeypatch.setattr(image_experiments, "save_figure", lambda ax, path, title: drawn.append((path.name, ax)))
    points: list[np.ndarray] = []
    for name in ("plot_plane", "plot_sphere"):
        plot = getattr(image_experiments, name)
        monkeypatch.setattr(
            image_experiments, name, lambda p, y, plot=plot: points.append((np.asarray(p), y)) or plot(p, y)
        )
    experiment = VAEExperiment("digits", 0, model, dim, (8,), VAEConfig(max_epochs=1))
    experiment.run(images, tmp_path, CPU, progress=False)
    assert [name for name, _ in drawn] == ["samples.png", "latent.png"]
    assert drawn[1][1].name == axes
    ((shown, labels),) = points
    assert np.array_equal(labels, images.test.labels.numpy())
    with torch.no_grad():
        modes = experiment.load_model(images, tmp_path).posterior(binary(images.test)).mode.double().numpy()
    assert modes.shape[1] == (dim + 1 if model == "s-vae" else dim)
    if axes == "hammer" or modes.shape[1] == 2:
        np.testing.assert_array_equal(shown, modes)
    else:
        centred = modes - modes.mean(0)
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
        np.testing.assert_allclose(np.abs(shown), np.abs(centred @ directions[:2].T), atol=1e-9)


def test_samples_of_m1m2_have_a_style_in_each_row_and_a_class_in_each_column() -> None:
    torch.manual_seed(0)
    model = M1M2.make_model(64).eval()
    torch.manual_seed(1)
    sheet = M1M2.samples(model).view(10, 10, 64)
    torch.manual_seed(1)
    styles = model.sample_styles(10)
    for row in (0, 3, 9):
        for column in (0, 4, 9):
            expected = model.generate(styles[row : row + 1], torch.tensor([column]))[0]
            torch.testing.assert_close(sheet[row, column], expected)
    assert not torch.allclose(sheet[0, 0], sheet[1, 0])
    assert not torch.allclose(sheet[0, 0], sheet[0, 1])


def test_first_stage_is_trained_before_all_of_it(images: ImageSplit, tmp_path: Path) -> None:
    """An experiment of one epoch starts where the first stage, fitted by hand, ends."""
    experiment = replace(M1M2, first_stage_epochs=3, training=replace(M1M2.training, max_epochs=1))
    metrics = experiment.run(images, tmp_path / "run", CPU, progress=False)
    torch.manual_seed(4)
    model = experiment.make_model(64)
    config = VAEConfig(3, warm_up=0)
    result = fit_vae(model.first_stage(), images.train.images, images.val.images, config, seed=4, progress=False)
    labelled = draw_labelled(images.train, 40, 4)
    expected = fit_m1m2(model, images.train.images, labelled, images.val, experiment.training, seed=4, progress=False)
    assert result.epochs == 3
    assert metrics["history"] == expected.history
    # Its checkpoint is gone with the other.
    assert set(contents(tmp_path / "run")) == FILES


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["VAERun", "M1M2Run"])
def test_two_stages_go_on_bit_for_bit(
    images: ImageSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Stopped in either of them, after a checkpoint."""
    experiment = replace(M1M2, first_stage_epochs=13)
    whole = experiment.run(images, tmp_path / "whole", CPU, progress=False)
    step = BatchRun.step

    def stop(run: BatchRun) -> None:
        step(run)
        if type(run).__name__ == stage and run.epoch == {"VAERun": 12, "M1M2Run": 7}[stage]:
            raise StopHereError

    with monkeypatch.context() as patch:
        patch.setattr(BatchRun, "step", stop)
        with pytest.raises(StopHereError):
            experiment.run(images, tmp_path / "run", CPU, progress=False)
    assert experiment.run(images, tmp_path / "run", CPU, progress=False) == whole
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_decoder_of_m1m2_sees_a_scaled_latent() -> None:
    models = []
    for scaled in (False, True):
        torch.manual_seed(2)
        models.append(replace(M1M2, scaled_latent=scaled).make_model(64))
    z1 = torch.nn.functional.normalize(torch.randn(5, 4), dim=-1)
    torch.testing.assert_close(models[1].decoder1(z1), models[0].decoder1(2 * z1))
