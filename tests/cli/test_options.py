import json
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

from spherical_gae.cli.options import (
    fail,
    make_folder,
    new_folder,
    refuse_changes,
    saved_config,
    usable_device,
    use_threads,
)
from spherical_gae.experiments.images import VAEExperiment
from tests.helpers.cli_calls import cli_runner


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls what must end with exit code 2 and one line on stderr, nothing on stdout; returns the line."""

    def line_of(function: Callable[..., Any], *arguments: Any) -> str:
        with pytest.raises(typer.Exit) as caught:
            function(*arguments)
        assert caught.value.exit_code == 2
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        return line

    return line_of


def test_error_is_one_line_that_names_the_option(refused: Callable[..., str]) -> None:
    assert refused(fail, "--dim", "given 0, allowed: 1 or more") == "Error: --dim: given 0, allowed: 1 or more"


def test_usable_device_is_the_device() -> None:
    assert usable_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("device", ["meta", "abacus", "", "cpu:x"])
def test_device_that_cannot_compute_is_refused(refused: Callable[..., str], device: str) -> None:
    assert refused(usable_device, device).startswith(f"Error: --device: {device!r} cannot be used here: ")


def test_threads_are_set() -> None:
    for threads in (2, 1):
        use_threads(threads)
        assert torch.get_num_threads() == threads


@pytest.mark.parametrize("threads", [0, -3])
def test_no_threads_are_refused(refused: Callable[..., str], threads: int) -> None:
    torch.set_num_threads(1)
    assert refused(use_threads, threads) == f"Error: --threads: given {threads}, allowed: 1 or more"
    assert torch.get_num_threads() == 1


def test_new_folder_is_named_but_not_made(tmp_path: Path) -> None:
    assert new_folder(tmp_path / "new" / "run", "digits-s-vae") == tmp_path / "new" / "run"
    before = datetime.now().replace(microsecond=0)
    folder = new_folder(None, "digits-s-vae")
    assert folder.parent == Path("runs")
    made = datetime.strptime(folder.name, "digits-s-vae-%Y%m%d-%H%M%S")
    assert before <= made <= datetime.now()
    assert os.listdir() == []


def test_only_empty_folders_are_new(refused: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert new_folder(folder, "x") == folder
    (folder / "file").write_text("")
    for path in (folder, folder / "file"):
        expected = f"Error: --out: {path} is not empty: choose another folder, or add --resume"
        assert refused(new_folder, path, "x") == expected
        assert refused(partial(new_folder, has_resume=False), path, "x") == expected.removesuffix(", or add --resume")


def test_folders_are_made_with_their_parents(refused: Callable[..., str], tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "run"
    assert refused(make_folder, path) == f"Error: --out: {path} cannot be made: Not a directory"


def test_saved_configuration_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"seed": 3}')
    assert saved_config(tmp_path, lambda values: values["seed"] + 1) == (tmp_path, 4)


def test_without_configuration_there_is_nothing_to_resume(refused: Callable[..., str], tmp_path: Path) -> None:
    assert refused(saved_config, None, dict) == "Error: --resume: needs --out, the run folder to go on with"
    assert refused(saved_config, tmp_path, dict) == f"Error: --resume: {tmp_path} holds no config.json to go on with"
    (tmp_path / "config.json").mkdir()
    assert "holds no config.json" in refused(saved_config, tmp_path, dict)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "JSONDecodeError"),
        (b"{", "JSONDecodeError"),
        (b"\xff\xfe", "UnicodeDecodeError"),
        (b"{}", "KeyError('training')"),
        (b'{"training": {"epochs": 3}}', "TypeError"),
        (b'{"training": 3}', "TypeError"),
        (b"[]", "AttributeError"),
        (b"null", "AttributeError"),
        (b'{"training": {"max_epochs": 0}}', "ValueError('max_epochs must be at least 1"),
    ],
)
def test_broken_configuration_is_refused(
    refused: Callable[..., str], tmp_path: Path, content: bytes, error: str
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    line = refused(saved_config, tmp_path, VAEExperiment.from_dict)
    assert line.startswith(f"Error: --resume: {path} is not the configuration of a run: {error}")


SAVED = {"dataset": "digits", "look_ahead": 4, "rate": 0.5}


def resume(*arguments: Any) -> Any:
    """A command whose run has ``SAVED``, none of which are the defaults; ``dataset`` is read without its case."""
    app = typer.Typer(pretty_exceptions_enable=False)

    def read(text: str) -> str:
        if not text.isalpha():
            raise ValueError(f"{text!r} is no name")
        return text.lower()

    @app.command()
    def command(
        context: typer.Context, dataset: str = "mnist", look_ahead: int = 50, rate: float = 1.0, threads: int = 1
    ) -> None:
        refuse_changes(context, SAVED, {"dataset": read})
        typer.echo(json.dumps(context.params))

    return cli_runner().invoke(app, [*map(str, arguments)])


@pytest.mark.parametrize(
    "arguments",
    [[], ["--dataset", "DIGITS"], ["--look-ahead", 4, "--rate", 0.5], ["--threads", 7], ["--rate", "5e-1"]],
)
def test_resuming_with_the_same_settings_or_none_is_allowed(arguments: list[Any]) -> None:
    result = resume(*arguments)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["threads"] == (7 if "--threads" in arguments else 1)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--dataset", "mnist"], "--dataset: given 'mnist', but the run to go on with has 'digits'"),
        (["--dataset", "Iris"], "--dataset: given 'iris', but the run to go on with has 'digits'"),
        (["--dataset", "1"], "--dataset: '1' is no name"),
        (["--look-ahead", 50], "--look-ahead: given 50, but the run to go on with has 4"),
        (["--rate", "nan"], "--rate: given nan, but the run to go on with has 0.5"),
        (["--dataset", "digits", "--rate", 1], "--rate: given 1.0, but the run to go on with has 0.5"),
    ],
)
def test_resuming_with_other_settings_is_refused(arguments: list[Any], line: str) -> None:
    """Even with the default, if it is written out."""
    result = resume(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"Error: {line}\n"


def test_folders_that_cannot_be_looked_at_are_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    """A name that no file system takes, here; likewise without permission."""
    folder = tmp_path / ("x" * 300)
    for option, call in (("--out", lambda: new_folder(folder, "")), ("--resume", lambda: saved_config(folder, dict))):
        assert refused(call) == f"Error: {option}: {folder} cannot be looked at: File name too long"


def test_default_names_are_short_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(new_folder(None, "g" * 250).name) < 200


def test_more_threads_than_any_machine_has_are_refused(refused: Callable[..., str]) -> None:
    line = "Error: --threads: given 1000000000000, allowed: 1 or more, up to 4096"
    assert refused(use_threads, 1_000_000_000_000) == line
