"""Where the files of the named data sets are: in a root that was named, or in the user's cache folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pooch

from spherical_gae.data.names import ROOT_VARIABLE


def cache_root() -> Path:
    """Return the per-user cache folder, the only place that the loaders ever write to."""
    return Path(pooch.os_cache("spherical_gae"))


def fetch_advice(root: str | Path) -> str:
    """Return what to do about files that are missing in a root that was named."""
    return (
        f"fetch them with `python datasets/fetch.py --root {root}`, or name no root (argument or "
        f"{ROOT_VARIABLE}) to have them downloaded to {cache_root()}"
    )


def complete_folder(
    root: str | Path | None,
    folder_in: Callable[[str | Path], Path],
    check: Callable[[Path], None],
    download: Callable[[Path], None],
) -> Path:
    """Return the folder of a data set's files, all of which are there.

    A root that was named, by the argument or by the environment variable ``SPHERICAL_GAE_DATA``, is only read and may
    be read-only. Without either, the root is the user's cache folder.

    Args:
        root: The data root; default: ``SPHERICAL_GAE_DATA`` if set, else the cache folder.
        folder_in: The data set's folder in a root.
        check: Raises FileNotFoundError if files are missing in a folder.
        download: Fetches what is missing or damaged in a folder.

    Raises:
        FileNotFoundError: Files are missing in a root that was named; the message says how to fetch them.
    """
    named = root or os.environ.get(ROOT_VARIABLE)
    folder = folder_in(named or cache_root())
    if not named:
        download(folder)
        return folder
    try:
        check(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; {fetch_advice(named)}") from error
    return folder
