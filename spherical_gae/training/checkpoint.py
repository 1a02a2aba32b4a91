"""Files that are either whole or not there: checkpoints and JSON."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from torch import nn


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


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Writes tensors and plain Python values atomically, by ``torch.save``."""
    write_atomically(path, lambda file: torch.save(state, file))


def load_checkpoint(path: str | Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads what ``save_checkpoint`` wrote; no code in the file is run (``weights_only=True``)."""
    return torch.load(path, map_location=device, weights_only=True)


def save_json(path: str | Path, value: Any) -> None:
    """Writes a value as indented JSON, atomically; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Writes a model's weights and buffers as safetensors, atomically."""
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_atomically(path, lambda file: file.write(safetensors.torch.save(weights)))


class OtherRunError(ValueError):
    """A checkpoint or a folder belongs to another run than the one that is to continue."""


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
        said = "; ".join(f"{name}: {saved.get(name)} in the checkpoint, {own.get(name)} here" for name in differing)
        raise OtherRunError(f"checkpoint {path} was made by another run: {said}")
