"""Run folders: one run at a time, and what to do when one is stopped."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
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
    again = f"spherical-gae {command} --resume --out {shlex.quote(str(folder))}"
    make_folder(folder)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            yield
    except filelock.Timeout:
        fail("--out", f"{folder} is in use by another run, which is still alive: wait for it, or choose another folder")
    except KeyboardInterrupt:
        typer.echo(f"\nStopped. What was finished is in {folder}. To go on: {again}", err=True)
        raise typer.Exit(130) from None
    except training.DamagedFileError as error:
        fail("--resume", str(error))
    except OSError as error:
        _fail_to_write(folder, error, again)


def _fail_to_write(folder: Path, error: OSError, again: str) -> NoReturn:
    if error.errno in _FULL:
        fail("--out", f"the disk of {folder} is full: make room, then go on with {again}")
    fail("--out", f"{error.filename or folder}: {error.strerror or error}. To go on after that is mended: {again}")
