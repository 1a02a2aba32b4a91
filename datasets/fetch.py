"""Fetch the benchmark graphs, splits and images and verify their checksums: ``python datasets/fetch.py``.

Intact files are kept, so that an interrupted fetch resumes where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.data.checksums import PLANETOID_SIZES, ChecksumError
from spherical_gae.data.download import download_file
from spherical_gae.data.graphs import load_graph, raw_files, raw_folder
from spherical_gae.data.heart_files import (
    DOWNLOADED_ENDS,
    HEART_ENDS,
    HEART_ENDS_MADE,
    HEART_URLS,
    download_heart_ends,
    download_heart_file,
    has_heart_ends,
    heart_files,
    heart_folder,
    make_heart_ends_file,
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
    """Fetch HeaRT's files of a graph, and make hard negatives that are not published; return whether each is there."""
    folder = heart_folder(name, root)
    done = [
        fetch(file, folder, "a split", lambda file, folder: download_heart_file(name, file, folder))
        for file in heart_files(name)
    ]
    if name in DOWNLOADED_ENDS:
        fetch_ends = partial(fetch, HEART_ENDS, folder, "hard negatives")
        return [*done, fetch_ends(lambda file, folder: download_heart_ends(name, folder))]
    if not all(done):
        typer.echo(f"FAILED {folder / HEART_ENDS_MADE}: files of the split are missing", err=True)
        return [*done, False]
    return [*done, make_ends(name, folder, root)]


def make_ends(name: str, folder: Path, root: Path) -> bool:
    """Make hard negatives that are published in an archive only; return whether they are there."""
    if has_heart_ends(name, folder):
        typer.echo(f"ok {folder} (hard negatives, already there)")
        return True
    typer.echo(f"the hard negatives of {name} are not published as a file: making them, in some minutes")
    try:
        make_heart_ends_file(name, folder, load_graph(name, root).x)
    except (OSError, ChecksumError) as error:
        typer.echo(f"FAILED {folder / HEART_ENDS_MADE}: {error}", err=True)
        return False
    typer.echo(f"ok {folder / HEART_ENDS_MADE} (hard negatives, made)")
    return True


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
