"""Files that are either whole or not there: checkpoints and JSON."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import tempfile
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def write_atomically(path: str | Path, write: Callable[[BinaryIO], Any]) -> None:
    """Writes a file so that a reader, or a crash, sees the old content or the new, never a part.

    Args:
        path: The file; its folder is made if missing.
        write: Called with a binary file open for writing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; give this one the permissions of any other.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class DamagedFileError(ValueError):
    """A file of a run cannot be read: it was cut off, changed, or written by another program.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "run.ckpt"
        >>> _ = path.write_bytes(b"no checkpoint")
        >>> load_checkpoint(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        spherical_gae.training.checkpoint.DamagedFileError: ...run.ckpt is damaged: delete it and go on, then ...
    """


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Writes tensors and plain Python values atomically, by ``torch.save``."""
    # Into memory first: of a full disk, torch.save says only that a write failed.
    content = io.BytesIO()
    torch.save(state, content)
    write_atomically(path, lambda file: file.write(content.getbuffer()))


def load_checkpoint(path: str | Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads what ``save_checkpoint`` wrote; no code in the file is run (``weights_only=True``).

    Raises:
        DamagedFileError: If the file is no such checkpoint.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    # What torch raises depends on the place of the damage; its advice to load without weights_only is not for here.
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise DamagedFileError(_damaged(path, "training starts at its first epoch")) from error
    if not isinstance(state, dict):
        raise DamagedFileError(_damaged(path, "training starts at its first epoch"))
    return state


def _damaged(path: str | Path, then: str) -> str:
    return f"{path} is damaged: delete it and go on, then {then}"


def save_json(path: str | Path, value: Any) -> None:
    """Writes a value as indented JSON, atomically; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def load_json(path: str | Path, then: str) -> Any:
    """Reads what ``save_json`` wrote.

    Args:
        path: The file.
        then: What happens if it is deleted, for the error.

    Raises:
        DamagedFileError: If the file is no JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise DamagedFileError(_damaged(path, then)) from error


def save_array(path: str | Path, array: NDArray[Any]) -> None:
    """Writes an array as .npy, atomically; unlike ``numpy.save``, with the system's error where a write fails."""
    array = np.ascontiguousarray(array)

    def write(file: BinaryIO) -> None:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)

    write_atomically(path, write)


def load_weights(path: str | Path, then: str) -> dict[str, Tensor]:
    """Reads what ``save_weights`` wrote.

    Args:
        path: The file.
        then: What happens if it is deleted, for the error.

    Raises:
        DamagedFileError: If the file is no such file.
    """
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise DamagedFileError(_damaged(path, then)) from error


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Writes a model's weights and buffers as safetensors, atomically."""
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_atomically(path, lambda file: file.write(safetensors.torch.save(weights)))


class OtherRunError(ValueError):
    """A checkpoint or a folder belongs to another run than the one that is to continue.

    Example:
        >>> check_identity({"seed": 0}, {"seed": 1}, "run.ckpt")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        spherical_gae.training.checkpoint.OtherRunError: checkpoint run.ckpt was made by another run: seed: 0 in ...
    """


def layers_in_words(model: nn.Module) -> str:
    """The layers of a model with their settings, the same in every process.

    Example:
        >>> layers_in_words(nn.Linear(2, 3))
        'Linear(in_features=2, out_features=3, bias=True)'
    """
    # Functions among the settings show where they are in memory.
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(model))


def saved_identity(state: dict[str, Any], path: str | Path) -> dict[str, Any]:
    """What a run's state says it is of.

    Raises:
        DamagedFileError: If it says nothing.
    """
    if "identity" not in state:
        raise DamagedFileError(
            f"checkpoint: given {path}, which holds no state of a training, but perhaps the weights of a model; "
            "allowed: a file that an earlier run has written, or a new one"
        )
    return state["identity"]


def check_identity(saved: dict[str, Any], own: dict[str, Any], path: str | Path) -> None:
    """Refuses a checkpoint of another run.

    Args:
        saved: The identity in the checkpoint.
        own: That of the run which is to continue.
        path: The file, for the message.

    Raises:
        OtherRunError: If they differ; the message says in what.
    """
    differing = [name for name in {**saved, **own} if saved.get(name) != own.get(name)]
    if differing:
        said = "; ".join(_difference(name, saved.get(name), own.get(name)) for name in differing)
        raise OtherRunError(f"checkpoint {path} was made by another run: {said}")


def _difference(name: str, saved: Any, own: Any) -> str:
    """What differs; of several lines the first that does."""
    if isinstance(saved, str) and isinstance(own, str) and "\n" in saved + own:
        pairs = zip_longest(saved.split("\n"), own.split("\n"), fillvalue="nothing")
        saved, own = next((a.strip(), b.strip()) for a, b in pairs if a != b)
    return f"{name}: {saved} in the checkpoint, {own} here"
