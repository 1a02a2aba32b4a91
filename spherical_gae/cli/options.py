"""What the commands share: errors that name the option, devices, run folders."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from spherical_gae import training
from spherical_gae.training.launch import launched_processes, launched_rank

if TYPE_CHECKING:
    import torch

    from spherical_gae.training.processes import Processes

T = TypeVar("T")

FLAGS = {
    "bipartite": ("--bipartite", "--one-kind"),
    "standardize": ("--standardize", "--as-they-are"),
    "header": ("--header", "--no-header"),
}
"""Options that have a name for yes and one for no."""
_MOST_THREADS = 4096
# A file's name has at most 255 bytes; the time, and a number, come behind.
_LONGEST_NAME = 100

LOCK = ".lock"
"""File in a run folder that a living run holds; the system frees it however the run ends."""


def fail(option: str, message: str) -> NoReturn:
    """Ends the command with an error that names the option, and the process, if there are several."""
    # All of them say it: what is wrong may be so in one of them only.
    process = f" in process {launched_rank()}" if launched_processes() > 1 else ""
    typer.echo(f"Error{process}: {option}: {message}", err=True)
    raise typer.Exit(2)


def option_name(name: str, value: Any = True) -> str:
    """How an option is called on the command line."""
    if name in FLAGS:
        return FLAGS[name][0 if value else 1]
    return f"--{name.replace('_', '-')}"


@contextmanager
def looking_at(folder: Path, option: str) -> Iterator[None]:
    """Says in a line that a folder cannot be looked at, if that fails in a block: no permission, or a name too long."""
    try:
        yield
    except OSError as error:
        fail(option, f"{folder} cannot be looked at: {error.strerror or error}")


def usable_device(device: str) -> torch.device:
    """The device of this name, if computations on it work."""
    import torch  # Not above: help needs none.

    try:
        # Reading a value back fails on devices that hold none, such as meta.
        zero = torch.zeros((), device=training.own_device(torch.device(device)))
        zero.item()
        return zero.device
    except (RuntimeError, AssertionError, ImportError) as error:
        # Of a device that is missing torch also says, at length, which others there might be.
        reason = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0]
        there = ["cpu", *(kind for kind in ("cuda", "mps", "xpu") if _is_there(kind))]
        fail("--device", f"{device!r} cannot be used here: {reason}; usable: {', '.join(there)}")


def _is_there(kind: str) -> bool:
    import torch  # Not above: help needs none.

    module = torch.backends.mps if kind == "mps" else getattr(torch, kind)
    return bool(module.is_available())


def refuse_processes() -> None:
    """Refuses to run a command of one process under torchrun."""
    if launched_processes() > 1:
        fail("torchrun", f"given {launched_processes()} processes, allowed: one, for this command")


def use_threads(threads: int) -> None:
    """Sets the number of CPU threads."""
    if not 1 <= threads <= _MOST_THREADS:
        fail("--threads", f"given {threads}, allowed: 1 or more" + (f", up to {_MOST_THREADS}" if threads > 0 else ""))
    import torch  # Not above: help needs none.

    torch.set_num_threads(threads)


def new_folder(out: Path | None, name: str, *, has_resume: bool = True) -> Path:
    """The folder of a new run: ``out``, which must be new or empty, or runs/NAME-TIME.

    Args:
        out: The folder that was asked for.
        name: NAME.
        has_resume: Whether the command has the option ``--resume``.
    """
    folder = out or Path("runs") / f"{name[:_LONGEST_NAME]}-{datetime.now():%Y%m%d-%H%M%S}"
    with looking_at(folder, "--out"):
        if folder.exists() and (not folder.is_dir() or any(path.name != LOCK for path in folder.iterdir())):
            more = ", or add --resume" if has_resume else ""
            fail("--out", f"{folder} is not empty: choose another folder{more}")
        _check_place(folder)
    return folder


def _check_place(folder: Path) -> None:
    """Refuses a folder that cannot be made or written into, before the work whose results it is for."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        fail("--out", f"{folder} cannot be made: {place} is no folder")
    if not os.access(place, os.W_OK | os.X_OK):
        fail("--out", f"{folder} cannot be written: there is no permission to write into {place}")


def make_folder(folder: Path) -> None:
    """Makes a run folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("--out", f"{folder} cannot be made: {error.strerror}")


@contextmanager
def advice_when_stopped(folder: Path, processes: Processes) -> Iterator[None]:
    """Says how to go on when one of several processes is lost, or all are told to stop, in a block.

    torchrun then ends the others with SIGTERM; or what they wait for fails before that.
    """
    if processes.count == 1:
        yield
        return

    def stop(*_: Any) -> NoReturn:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except typer.Exit:
        raise
    except (SystemExit, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        typer.echo(
            f"Error: process {processes.rank} of {processes.count} stopped, as another one ended or all were told to "
            f"({reason}). Finished epochs are in {folder}: go on with --resume --out {folder}, "
            f"with any number of processes",
            err=True,
        )
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def saved_config(folder: Path | None, read: Callable[[dict[str, Any]], T]) -> tuple[Path, T]:
    """The run folder to go on with, and its configuration."""
    if folder is None:
        fail("--resume", "needs --out, the run folder to go on with")
    path = folder / "config.json"
    with looking_at(folder, "--resume"):
        if not path.is_file():
            fail("--resume", f"{folder} holds no config.json to go on with")
        content = path.read_bytes()
    try:
        return folder, read(json.loads(content.decode()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fail("--resume", f"{path} is not the configuration of a run: {error!r}")


def refuse_changes(
    context: typer.Context, saved: Mapping[str, Any], read: Mapping[str, Callable[[Any], Any]] | None = None
) -> None:
    """A resumed run keeps its settings: an option that says otherwise is an error, not ignored.

    Args:
        context: The command's context.
        saved: What the run has, by the name of the command's parameter.
        read: How a given value is read before it is compared, where it is; a ValueError is reported.
    """
    for name, value in saved.items():
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        given = context.params[name]
        option = option_name(name, given)
        if read and name in read:
            try:
                given = read[name](given)
            except ValueError as error:
                fail(option, str(error))
        if given != value:
            fail(option, f"given {given!r}, but the run to go on with has {value!r}")
