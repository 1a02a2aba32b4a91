import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from spherical_gae.training.checkpoint import (
    DamagedFileError,
    OtherRunError,
    check_identity,
    layers_in_words,
    load_checkpoint,
    load_json,
    load_weights,
    save_array,
    save_checkpoint,
    save_json,
    save_weights,
    write_atomically,
)

CPU = torch.device("cpu")


def test_writes_into_folders_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    write_atomically(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["file.bin"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("old", [b"old", None])
def test_failure_midway_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, old: bytes | None, error: type[BaseException]
) -> None:
    path = tmp_path / "file.bin"
    if old is not None:
        path.write_bytes(old)

    def write(file: BinaryIO) -> None:
        file.write(b"half of the new")
        file.flush()
        raise error("midway")

    with pytest.raises(error, match="midway"):
        write_atomically(path, write)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == ({} if old is None else {"file.bin": old})


def test_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    seen: list[bytes] = []

    def write(file: BinaryIO) -> None:
        file.write(b"new")
        file.flush()
        seen.append(path.read_bytes())

    write_atomically(path, write)
    assert (seen, path.read_bytes()) == ([b"old"], b"new")


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_honour_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", lambda file: file.write(b""))
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    state = {
        "weights": {"w": torch.tensor([0.1, -0.0, 1e-40])},
        "history": {"loss": [0.1, float("inf")]},
        "epoch": 3,
        "names": ("a", None),
    }
    save_checkpoint(tmp_path / "state.ckpt", state)
    loaded = load_checkpoint(tmp_path / "state.ckpt")
    assert torch.equal(loaded["weights"].pop("w").view(torch.int32), state["weights"].pop("w").view(torch.int32))
    assert loaded == state


def test_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "attacked"),)

    save_checkpoint(tmp_path / "state.ckpt", {"x": Attack()})
    with pytest.raises(DamagedFileError, match="is damaged: delete it"):
        load_checkpoint(tmp_path / "state.ckpt")
    assert not (tmp_path / "attacked").exists()


def test_json_round_trip_is_exact_and_readable(tmp_path: Path) -> None:
    value = {"auc": [0.1 + 0.2, 1e-17], "name": "Sphäre"}
    save_json(tmp_path / "m.json", value)
    text = (tmp_path / "m.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert text.startswith('{\n  "auc": [')
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), object()])
def test_json_refuses_what_json_cannot_hold_and_keeps_the_old_file(tmp_path: Path, value: object) -> None:
    save_json(tmp_path / "m.json", 1)
    with pytest.raises((ValueError, TypeError), match="not JSON"):
        save_json(tmp_path / "m.json", {"auc": value})
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"m.json": "1\n"}


def test_identities_that_differ_are_refused_by_what_differs() -> None:
    check_identity({"seed": 1, "lr": 0.1}, {"lr": 0.1, "seed": 1}, "a.ckpt")
    with pytest.raises(OtherRunError) as caught:
        check_identity({"seed": 1, "lr": 0.1, "old": 2}, {"seed": 3, "lr": 0.1, "new": 4}, "a.ckpt")
    assert str(caught.value) == (
        "checkpoint a.ckpt was made by another run: seed: 1 in the checkpoint, 3 here; "
        "old: 2 in the checkpoint, None here; new: None in the checkpoint, 4 here"
    )


def test_weights_and_buffers_of_any_layout_are_written(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model[0].weight = nn.Parameter(torch.arange(6.0).view(3, 2).t())
    assert not model[0].weight.is_contiguous()
    save_weights(model, tmp_path / "model.safetensors")
    saved = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert saved.keys() == model.state_dict().keys()
    assert saved["0.weight"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert all(torch.equal(saved[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("damage", ["empty", "half", "noise", "middle", "other"])
def test_damaged_checkpoint_is_named_with_what_to_do(tmp_path: Path, damage: str) -> None:
    """Torch's own errors advise to load it in a way that runs what is in it."""
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"weights": torch.arange(1000.0)})
    whole = path.read_bytes()
    if damage == "other":
        torch.save(torch.ones(2), path)
    else:
        half = len(whole) // 2
        parts = {"empty": b"", "half": whole[:half], "noise": b"no checkpoint", "middle": bytes(half) + whole[half:]}
        path.write_bytes(parts[damage])
    with pytest.raises(DamagedFileError) as caught:
        load_checkpoint(path)
    assert str(caught.value) == f"{path} is damaged: delete it and go on, then training starts at its first epoch"


def test_damaged_weights_and_json_are_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"{")
    for load in (load_weights, load_json):
        with pytest.raises(DamagedFileError, match=f"^{path} is damaged: delete it and go on, then it is made again$"):
            load(path, "it is made again")


@pytest.mark.parametrize("array", [np.eye(3, dtype=np.float32), np.arange(4.0).reshape(2, 2).T, np.zeros((0, 3))])
def test_arrays_are_written_as_numpy_does(tmp_path: Path, array: np.ndarray) -> None:
    save_array(tmp_path / "own.npy", array)
    np.save(tmp_path / "numpy.npy", np.ascontiguousarray(array))
    assert (tmp_path / "own.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_layers_in_words_have_no_addresses() -> None:
    class Applied(nn.Module):
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def extra_repr(self) -> str:
            return repr(self.function)

    first, second = (layers_in_words(nn.Sequential(nn.Linear(2, 3), Applied(lambda x: x))) for _ in range(2))
    assert first == second
    assert "lambda" in first


def test_of_several_lines_the_first_that_differs_is_said() -> None:
    saved, own = ({"layers": repr(nn.Sequential(nn.Linear(2, 3), nn.Dropout(p)))} for p in (0.1, 0.5))
    with pytest.raises(OtherRunError, match=r"run: layers: \(1\): Dropout\(p=0.1, inplace=False\) in the checkpoint"):
        check_identity(saved, own, "run.ckpt")
