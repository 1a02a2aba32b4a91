import inspect
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from spherical_gae import data
from spherical_gae.cli.train_m1m2 import train_m1m2
from spherical_gae.cli.train_vae import train_vae
from spherical_gae.data import ImageSplit
from spherical_gae.data.names import ROOT_VARIABLE
from spherical_gae.experiments.images import ImageExperiment, M1M2Experiment, VAEExperiment
from spherical_gae.training.images.batches import BatchRun
from tests.helpers.cli_calls import assert_refused_at_once, call
from tests.helpers.run_folders import contents

FILES = {"config.json", "training.json", "model.safetensors", "metrics.json", "samples.png", "latent.png"}
TINY: dict[str, list[Any]] = {
    "train-vae": ["--model", "n-vae", "--latent", "s", "--dim", 3, "--epochs", 12],
    "train-m1m2": [
        "--latents",
        "n+s",
        "--dim1",
        3,
        "--dim2",
        2,
        "--labels",
        20,
        "--alpha",
        3.0,
        "--first-stage-epochs",
        2,
        "--epochs",
        7,
    ],
}
COMMON = ["--seed", 5, "--batch-size", 40, "--learning-rate", 0.002, "--warm-up", 3, "--look-ahead", 9]
FUNCTIONS = {"train-vae": train_vae, "train-m1m2": train_m1m2}
BOTH = pytest.mark.parametrize("command", TINY)
FIRST_STAGE = {"first_stage.ckpt"}
# The one that is read first.
CHECKPOINT = {"train-vae": "train.ckpt", "train-m1m2": "first_stage.ckpt"}


@BOTH
def test_writes_the_run_folder_and_prints_its_figures(small: None, tmp_path: Path, command: str) -> None:
    out = tmp_path / "a" / "run"
    result = call(command, *TINY[command], *COMMON, "--out", out)
    assert result.exit_code == 0, result.output
    assert set(contents(out)) == FILES
    metrics = json.loads((out / "metrics.json").read_text())
    *lines, empty, last = result.stdout.splitlines()
    assert (empty, last) == ("", f"run folder: {out}")
    printed = dict(line.split() for line in lines)
    assert printed == {name: f"{value:.4g}" for name, value in metrics.items() if name != "history"}
    assert ("log_likelihood" in printed) == (command == "train-vae")
    assert ("accuracy" in printed) == (command == "train-m1m2")


@BOTH
def test_options_reach_the_configuration(small: None, tmp_path: Path, command: str) -> None:
    call(command, *TINY[command], *COMMON, "--out", tmp_path / "run", "--dataset", "Digits")
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    training = saved.pop("training")
    assert saved.pop("made")["versions"]
    if command == "train-vae":
        run: Any = VAEExperiment("digits", 5, "n-vae", 3)
    else:
        run = M1M2Experiment("digits", 5, "n", "s", 3, 2, num_labels=20, first_stage_epochs=2)
    expected = run.to_dict()
    assert {**saved, "training": None} == {**expected, "training": None}
    values = {"batch_size": 40, "learning_rate": 0.002, "warm_up": 3, "look_ahead": 9}
    values["max_epochs"] = 12 if command == "train-vae" else 7
    if command == "train-m1m2":
        values["alpha"] = 3.0
    assert training == {**expected["training"], **values}


@BOTH
def test_default_run_folder(small: None, command: str) -> None:
    result = call(command, "--epochs", 1)
    assert result.exit_code == 0, result.output
    (folder,) = Path("runs").iterdir()
    name = {"train-vae": "digits-s-vae-20", "train-m1m2": "digits-m1m2-20"}[command]
    assert folder.name.startswith(name)
    assert result.stdout.splitlines()[-1] == f"run folder: {folder}"
    assert json.loads((folder / "config.json").read_text())["seed"] == 0


def stop_after(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    step = BatchRun.step

    def stop_there(run: BatchRun) -> None:
        if run.epoch == epoch:
            raise RuntimeError("power cut")
        step(run)

    monkeypatch.setattr(BatchRun, "step", stop_there)


@pytest.mark.slow
@BOTH
def test_resumed_run_ends_as_the_uninterrupted(small: None, tmp_path: Path, command: str) -> None:
    """Interrupted past a checkpoint, which is written every 10 and every 5 epochs."""
    arguments = [*TINY[command], *COMMON]
    whole = call(command, *arguments, "--out", tmp_path / "whole")
    stopped = tmp_path / "stopped"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, TINY[command][-1] - 1)
        result = call(command, *arguments, "--out", stopped)
    assert isinstance(result.exception, RuntimeError)
    assert set(contents(stopped)) - FIRST_STAGE == {"config.json", "train.ckpt"}
    for extra in ([], arguments):
        again = call(command, "--resume", "--out", stopped, *extra)
        assert again.exit_code == 0, again.output
        assert again.stdout.replace("stopped", "whole") == whole.stdout
        assert contents(stopped) == contents(tmp_path / "whole")


@BOTH
def test_resumed_run_keeps_its_settings(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop_after(patch, 0)
        call(command, *TINY[command], *COMMON, "--out", out)
    before = contents(out)
    monkeypatch.setattr(ImageExperiment, "run", lambda *_: pytest.fail("went on with other settings"))
    arguments = [*TINY[command], *COMMON]
    had: dict[str, Any] = {"--dataset": "digits", **dict(zip(arguments[::2], arguments[1::2], strict=True))}
    options = {f"--{name.replace('_', '-')}" for name in inspect.signature(FUNCTIONS[command]).parameters}
    assert set(had) == options - {"--context", "--out", "--resume", "--device", "--threads", "--scaled-latent"}
    for option, value in had.items():
        other = {"n-vae": "s-vae", "n+s": "s+n", "digits": "mnist"}.get(value) or 2 * value
        result = call(command, "--resume", "--out", out, option, other)
        assert_refused_at_once(result, option, f"given {other!r}, but the run to go on with has {value!r}")
    result = call(command, "--resume", "--out", out, "--scaled-latent")
    assert_refused_at_once(result, "--scaled-latent", "given True, but the run to go on with has False")
    assert contents(out) == before


@BOTH
def test_run_of_the_other_command_is_refused(small: None, tmp_path: Path, command: str) -> None:
    (other,) = TINY.keys() - {command}
    call(other, *TINY[other], "--epochs", 1, "--out", tmp_path / "run")
    before = contents(tmp_path / "run")
    result = call(command, "--resume", "--out", tmp_path / "run")
    assert_refused_at_once(result, "--resume", "config.json is not the configuration of a run")
    assert contents(tmp_path / "run") == before


@BOTH
def test_checkpoint_of_other_data_is_blamed_on_the_folder(
    few: ImageSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(data, "load_images", lambda name: few)
    with monkeypatch.context() as patch:
        stop_after(patch, TINY[command][-1] - 1)
        call(command, *TINY[command], "--out", out)
    others = few._replace(val=few.test)
    monkeypatch.setattr(data, "load_images", lambda name: others)
    result = call(command, "--resume", "--out", out)
    assert_refused_at_once(result, "--out", CHECKPOINT[command] + " was made by another run")


BAD: list[tuple[list[Any], str, list[str]]] = [
    (["--dataset", "cora"], "--dataset", ["'cora'", "mnist, digits"]),
    (["--seed", -1], "--seed", ["-1", "0 to 2^63 - 1"]),
    (["--seed", 2**63], "--seed", [str(2**63), "0 to 2^63 - 1"]),
    (["--epochs", 0], "--epochs", ["got 0", "at least 1"]),
    (["--batch-size", 0], "--batch-size", ["got 0", "at least 1"]),
    (["--learning-rate", 0], "--learning-rate", ["got 0", "positive"]),
    (["--learning-rate", "nan"], "--learning-rate", ["got nan", "positive and finite"]),
    (["--learning-rate", "inf"], "--learning-rate", ["got inf", "positive and finite"]),
    (["--warm-up", -1], "--warm-up", ["got -1", "at least 0"]),
    (["--look-ahead", 0], "--look-ahead", ["got 0", "at least 1"]),
    (["--threads", 0], "--threads", ["given 0", "1 or more"]),
    (["--device", "abacus"], "--device", ["'abacus'", "cpu"]),
    (["--device", "meta"], "--device", ["'meta'", "cannot be used"]),
    (["--resume"], "--resume", ["--out"]),
    (["--resume", "--out", "nowhere"], "--resume", ["nowhere", "config.json"]),
]


@BOTH
@pytest.mark.parametrize(("arguments", "option", "fragments"), BAD)
def test_bad_value_is_refused_in_one_line_before_anything_is_done(
    no_training: None, command: str, arguments: list[Any], option: str, fragments: list[str]
) -> None:
    assert_refused_at_once(call(command, *arguments), option, *fragments)


@BOTH
@pytest.mark.parametrize("content", ["thesis.txt", "config.json"])
def test_run_folder_that_is_not_empty_is_left_alone(
    no_training: None, tmp_path: Path, command: str, content: str
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / content).write_text("all of it")
    assert_refused_at_once(call(command, "--out", tmp_path / "mine"), "--out", str(tmp_path / "mine"), "--resume")
    assert contents(tmp_path / "mine") == {content: b"all of it"}


@BOTH
def test_missing_mnist_is_refused(
    no_training: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "nowhere"))
    result = call(command, "--dataset", "MNIST")
    assert_refused_at_once(
        result, "--dataset", str(tmp_path / "nowhere"), "train-images-idx3-ubyte", "datasets/fetch.py"
    )


@BOTH
def test_training_that_diverges_blames_the_learning_rate(small: None, command: str) -> None:
    result = call(command, *TINY[command], "--learning-rate", 1e30, "--out", "run")
    assert result.exit_code == 2
    assert result.stdout == ""
    # Above it is the progress bar.
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch(r"Error: --learning-rate: \w+ became (nan|-?inf) in epoch \d+; lower the learning rate", last)
    assert set(os.listdir("run")) - FIRST_STAGE == {".lock", "config.json"}


@BOTH
def test_help_names_every_option(command: str) -> None:
    assert command in call("--help").stdout
    parameters = inspect.signature(FUNCTIONS[command]).parameters
    words = set(call(command, "--help").stdout.replace(",", " ").split())
    assert words >= {f"--{name.replace('_', '-')}" for name in parameters} - {"--context"}
