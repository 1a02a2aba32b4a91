"""What a run says that is stopped: by its user, by a full disk, by a damaged file, by another run in its folder."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import filelock
import pytest

from spherical_gae.cli import run_folder
from spherical_gae.cli.options import LOCK
from spherical_gae.training.images.vae import VAERun
from spherical_gae.training.links.full_batch import FullBatchRun
from tests.helpers.cli_calls import call
from tests.helpers.fresh_processes import in_fresh_process
from tests.helpers.run_folders import contents

SHORT = ["--epochs", "2", "--latent-dim", "3", "--preset", "paper"]


def stop_at_step(monkeypatch: pytest.MonkeyPatch, kind: type, number: int, error: BaseException) -> None:
    """Makes the n-th step of training raise."""
    steps = []
    original = kind.step  # type: ignore[attr-defined]

    def step(run: Any) -> None:
        steps.append(run)
        if len(steps) == number:
            raise error
        original(run)

    monkeypatch.setattr(kind, "step", step)


@pytest.mark.parametrize(("command", "kind"), [("train", FullBatchRun), ("train-vae", VAERun)])
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(
    command: str, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a run"
    options = SHORT if command == "train" else ["--epochs", "2"]
    with monkeypatch.context() as patched:
        stop_at_step(patched, kind, 2, KeyboardInterrupt())
        stopped = call(command, *options, "--out", out)
    assert stopped.exit_code == 130
    assert stopped.stderr.splitlines()[-1] == (
        f"Stopped. What was finished is in {out}. To go on: spherical-gae {command} --resume --out '{out}'"
    )
    resumed = call(command, "--resume", "--out", out)
    assert resumed.exit_code == 0, resumed.output
    whole = call(command, *options, "--out", tmp_path / "whole")
    assert (out / "metrics.json").read_bytes() == (tmp_path / "whole" / "metrics.json").read_bytes()
    tables = [result.stdout.split("run folder:")[0] for result in (resumed, whole)]
    assert tables[0] == tables[1]


def test_second_run_in_a_folder_is_refused_while_the_first_is_alive(tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = call("train", *SHORT, "--out", out)
    assert first.exit_code == 0
    before = contents(out)
    with filelock.FileLock(out / LOCK):
        second = call("train", "--resume", "--out", out)
    assert second.exit_code == 2
    (line,) = second.stderr.splitlines()
    assert line.startswith(f"Error: --out: {out} is in use by another run")
    assert contents(out) == before
    assert call("train", "--resume", "--out", out).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_damaged_checkpoint_is_named_and_deleting_it_helps(content: bytes, tmp_path: Path) -> None:
    out, checkpoint = tmp_path / "run", tmp_path / "run" / "cells" / "n-vgae-0.ckpt"
    assert call("train", *SHORT, "--out", out).exit_code == 0
    (out / "cells" / "n-vgae-0.json").unlink()
    before = (out / "metrics.json").read_bytes()
    checkpoint.write_bytes(content)
    damaged = call("train", "--resume", "--out", out)
    assert damaged.exit_code == 2
    (line,) = damaged.stderr.splitlines()[-1:]
    assert (
        line
        == f"Error: --resume: {checkpoint} is damaged: delete it and go on, then training starts at its first epoch"
    )
    assert "weights_only" not in damaged.output
    checkpoint.unlink()
    assert call("train", "--resume", "--out", out).exit_code == 0
    assert (out / "metrics.json").read_bytes() == before


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert call("train", *SHORT, "--out", out).exit_code == 0
    (out / "embeddings.npy").unlink()
    (out / "cells" / "s-vgae-0.safetensors").write_bytes(b"")
    damaged = call("train", "--resume", "--out", out)
    assert damaged.exit_code == 2
    assert "s-vgae-0.safetensors is damaged: delete it and go on, then this model is trained" in damaged.stderr


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_full_disk_is_one_line(code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that has no configuration yet cannot be gone on with, but begun again."""
    line = f"Error: --out: the disk of {tmp_path / 'run'} is full: make room, then go on with"
    for advice in ("the same command", f"spherical-gae train --resume --out {tmp_path / 'run'}"):
        with pytest.raises(run_folder.typer.Exit), run_folder.running_in(tmp_path / "run", "train"):
            raise OSError(code, os.strerror(code))
        assert capsys.readouterr().err == f"{line} {advice}\n"
        (tmp_path / "run" / "config.json").write_text("{}")


def test_other_errors_of_the_disk_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(run_folder.typer.Exit), run_folder.running_in(tmp_path, "train"):
        raise PermissionError(errno.EACCES, "Permission denied", "metrics.json")
    assert capsys.readouterr().err.startswith("Error: --out: metrics.json: Permission denied. To go on after that")


def test_who_stops_reading_is_no_fault_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), run_folder.running_in(tmp_path / "run", "train"):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_folders_of_commands_that_start_together_are_others(tmp_path: Path) -> None:
    wanted = tmp_path / "runs" / "digits-frontier-20261130-120000"
    folders = [run_folder.first_free(wanted) for _ in range(3)]
    assert [folder.name[len(wanted.name) :] for folder in folders] == ["", "-2", "-3"]
    assert all(folder.is_dir() for folder in folders)


# The largest file that is allowed: every write beyond it fails, as on a full disk.
def call_with_limit(limit: int, *options: str) -> tuple[int, str]:
    """The command's status and messages."""
    import resource  # Windows has none

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    result = call(*options)
    return result.exit_code, result.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_run_on_a_full_disk_is_resumed_to_the_table(tmp_path: Path) -> None:
    """The limit is between the small files and the first checkpoint, then between this and the picture."""
    out = tmp_path / "run"
    options = ["train", *SHORT, "--out", str(out)]
    for limit in (5_000, 60_000):
        status, messages = in_fresh_process(call_with_limit, limit, *options)
        assert status == 2, messages
        errors = [line for line in messages.splitlines() if line.startswith("Error")]
        assert errors == [
            f"Error: --out: the disk of {out} is full: make room, then go on with "
            f"spherical-gae train --resume --out {out}"
        ]
        assert "Traceback" not in messages
        options = ["train", "--resume", "--out", str(out)]
    resumed = call(*options)
    assert resumed.exit_code == 0, resumed.output
    assert [line.split()[0] for line in resumed.stdout.split("\n\n")[1].splitlines()] == [
        "method",
        "s-vgae",
        "n-vgae",
        "cosine",
    ]


def test_checkpoint_of_another_configuration_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        # After the checkpoint of epoch 25.
        stop_at_step(patched, FullBatchRun, 27, KeyboardInterrupt())
        assert call("train", "--epochs", 30, "--latent-dim", 4, "--out", folder).exit_code == 130
    config = json.loads((folder / "config.json").read_text())
    config["preset"]["learning_rate"] = 0.5
    (folder / "config.json").write_text(json.dumps(config))
    result = call("train", "--resume", "--out", folder)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()[-1:]
    assert line.startswith(f"Error: --out: checkpoint {folder / 'cells' / 's-vgae-0.ckpt'} was made by another run")
