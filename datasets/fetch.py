"""Fetch the benchmark graphs, splits and images and verify their checksums: ``python datasets/fetch.py``.

Intact files are kept, so that an interrupted fetch resumes where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.data.checksums import PLANETOID_SIZES, ChecksumError
from spherical_gae.data.download import download_file
from spherical_gae.data.graphs import raw_files, raw_folder
from spherical_gae.data.heart import (
    HEART_ENDS,
    HEART_URLS,
    download_heart_ends,
    download_heart_file,
    heart_files,
    heart_folder,
)
from spherical_gae.data.mnist import MNIST_SIZES, download_mnist_file, mnist_folder
from spherical_gae.data.names import PLANETOID_FOLDERS
from spherical_gae.data.networks import NETWORK_SHA256, download_network, networks_folder
from spherical_gae.data.roots import cache_root


def fetch(file: str, folder: Path, size: str, download: Callable[[str, Path], bool]) -> bool:
    """Make sure that a file is there and report a line; return whether it is."""
    try:
        state = "fetched" if download(file, folder) else "already there"
    except (OSError, ChecksumError) as error:
        typer.echo(f"FAILED {folder / file}: {error}", err=True)
        return False
    typer.echo(f"ok {folder / file} ({size}, {state})")
    return True


def fetch_network(file: str, folder: Path) -> bool:
    """Download the network of a file NAME.npz."""
    return download_network(Path(file).stem, folder)


def fetch_heart(name: str, root: Path) -> list[bool]:
    """Fetch HeaRT's files of a graph; return whether each is there.

    Hard negatives that are published in an archive only are no failure.
    """
    folder = heart_folder(name, root)
    done = [
        fetch(file, folder, "a split", lambda file, folder: download_heart_file(name, file, folder))
        for file in heart_files(name)
    ]
    try:
        state = "fetched" if download_heart_ends(name, folder) else "already there"
        typer.echo(f"ok {folder / HEART_ENDS} (hard negatives, {state})")
    except FileNotFoundError as error:
        typer.echo(f"left out: {error}")
    except (OSError, ChecksumError) as error:
        typer.echo(f"FAILED {folder / HEART_ENDS}: {error}", err=True)
        done.append(False)
    return done


def main(
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder to fetch into, as <root>/Planetoid, MNIST, HeaRT and networks; default: the cache folder."
        ),
    ] = None,
) -> None:
    """Fetch Cora, CiteSeer, PubMed, HeaRT's splits, eight networks and MNIST; verify and report every file."""
    root = root or cache_root()
    done = [
        fetch(file, raw_folder(name, root), f"{PLANETOID_SIZES[file]} bytes", download_file)
        for name in PLANETOID_FOLDERS
        for file in raw_files(name)
    ]
    done += [
        fetch(file, mnist_folder(root), f"{size} bytes unzipped", download_mnist_file)
        for file, size in MNIST_SIZES.items()
    ]
    done += [is_there for name in HEART_URLS for is_there in fetch_heart(name, root)]
    done += [fetch(f"{name}.npz", networks_folder(root), "a network", fetch_network) for name in NETWORK_SHA256]
    typer.echo("ok digits (part of scikit-learn, nothing to fetch)")
    failures = done.count(False)
    if failures:
        typer.echo(f"{failures} files failed; run again to resume", err=True)
        raise typer.Exit(code=1)


if __name__ == "__main__":
    typer.run(main)
