"""Fetch the benchmark graphs and verify their checksums: ``python datasets/fetch.py``.

Intact files are kept, so that an interrupted fetch resumes where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.data.checksums import PLANETOID_SIZES
from spherical_gae.data.download import download_file
from spherical_gae.data.graphs import PLANETOID_FOLDERS, cache_root, raw_files, raw_folder


def main(
    root: Annotated[
        Path | None,
        typer.Option(help="Folder to fetch into, as <root>/Planetoid; default: the cache folder."),
    ] = None,
) -> None:
    """Fetch Cora, CiteSeer and PubMed, verify every file, and report a line for each."""
    root = root or cache_root()
    failures = 0
    for name in PLANETOID_FOLDERS:
        folder = raw_folder(name, root)
        for file in raw_files(name):
            try:
                state = "fetched" if download_file(file, folder) else "already there"
            except OSError as error:
                failures += 1
                typer.echo(f"FAILED {folder / file}: {error}", err=True)
            else:
                typer.echo(f"ok {folder / file} ({PLANETOID_SIZES[file]} bytes, {state})")
    typer.echo("ok digits (part of scikit-learn, nothing to fetch)")
    if failures:
        typer.echo(f"{failures} files failed; run again to resume", err=True)
        raise typer.Exit(code=1)


if __name__ == "__main__":
    typer.run(main)
