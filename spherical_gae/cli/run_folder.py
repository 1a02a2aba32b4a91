"""Run folders: one run at a time, and what to do when one is stopped."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import filelock
import typer

from spherical_gae import training
from spherical_gae.cli.options import LOCK, fail, make_folder

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def running_in(folder: Path, command: str) -> Iterator[None]:
    """Makes a run folder and holds it for a block; says in a line what stopped the run, and how to go on.

    Args:
        folder: The run folder.
        command: The command that runs, such as ``"train"``.
    """
    resume = f"spherical-gae {command} --resume --out {shlex.quote(str(folder))}"
    make_folder(folder)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            yield
    except filelock.Timeout:
        fail("--out", f"{folder} is in use by another run, which is still alive: wait for it, or choose another folder")
    except KeyboardInterrupt:
        if (folder / "config.json").is_file():
            typer.echo(f"\nStopped. What was finished is in {folder}. To go on: {resume}", err=True)
        else:
            typer.echo("\nStopped before anything was written.", err=True)
        raise typer.Exit(130) from None
    except training.DamagedFileError as error:
        fail("--resume", str(error))
    except BrokenPipeError:  # of who reads what is printed, not of the folder
        raise
    except OSError as error:
        # Without its configuration there is no run to go on with.
        _fail_to_write(folder, error, resume if (folder / "config.json").is_file() else "the same command")


@contextmanager
def results_in(folder: Path, *, is_chosen: bool) -> Iterator[Path]:
    """Makes the folder of a command's results and holds it for a block; what fails leaves no new empty folder.

    Args:
        folder: From ``new_folder``.  Of commands that start together, another one may have taken it since.
        is_chosen: Whether it is the user's choice, which is then refused; a default name that is taken gets a number.

    Yields:
        The folder.
    """
    is_new = not folder.exists() or not is_chosen
    if is_chosen:
        make_folder(folder)
    else:
        folder = first_free(folder)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            try:
                if any(path.name != LOCK for path in folder.iterdir()):
                    fail("--out", f"{folder} is not empty: choose another folder")
                yield folder
            finally:
                # While it is held, so that nobody else's is removed.
                with suppress(OSError):
                    (folder / LOCK).unlink()
    except filelock.Timeout:
        fail("--out", f"{folder} is in use by another command, which is still alive: choose another folder")
    finally:
        if is_new:
            with suppress(OSError):
                folder.rmdir()


def first_free(folder: Path) -> Path:
    """Makes a folder of a default name, with a number behind if another command has just taken it."""
    free, number = folder, 1
    while True:
        try:
            free.mkdir(parents=True)
            return free
        except FileExistsError:
            number += 1
            free = folder.with_name(f"{folder.name}-{number}")
        except OSError as error:
            fail("--out", f"{free} cannot be made: {error.strerror}")


def _fail_to_write(folder: Path, error: OSError, again: str) -> NoReturn:
    if error.errno in _FULL:
        fail("--out", f"the disk of {folder} is full: make room, then go on with {again}")
    fail("--out", f"{error.filename or folder}: {error.strerror or error}. To go on after that is mended: {again}")
