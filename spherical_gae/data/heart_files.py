"""The files of HeaRT's splits: their addresses and sums, how they are fetched or made, verified and read."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pooch
import torch
from torch import Tensor

from spherical_gae.data.checksums import ChecksumError, file_sha256, is_readable
from spherical_gae.data.heart_negatives import make_heart_ends

_CORA = (
    "https://raw.githubusercontent.com/data-iitd/cgle-icdm2025/a9a0d05096b8ea1ceb685f63361ce42558cc09ef/data_splits/"
)
_LPFORMER = "https://raw.githubusercontent.com/selinceydeli/LPFormer/"
HEART_URLS: Mapping[str, str] = MappingProxyType(
    {
        "cora": f"{_CORA}cora/",
        "citeseer": f"{_LPFORMER}ac1816173c85c9a3354489abc9b144afc9cd1a73/dataset/citeseer/",
        "pubmed": f"{_LPFORMER}53e4bac1cf3459a4b01dde4d01df5ff3709005d5/dataset/pubmed/",
    }
)
"""Where each graph's split files are published, at a pinned commit."""

_SHA256 = {
    "cora/train_pos.txt": "ab708f88ed06b54c8f1a2a318e2b56d00a85063f70896729cb2da351cdd933be",
    "cora/valid_pos.txt": "ebacd5dd1d0a0d0ba058779f5b57d57e8ce61e05328957ac6b30ecb62db08cd4",
    "cora/valid_neg.txt": "1bfd9e1d5a57aad02bae0ed2b6f1b60227ab57f72ae0b04b68a3bb449db54ef9",
    "cora/test_pos.txt": "26425ae5952ce0e83c17159f9665f59205d6e88fec4a31df57e9518725000443",
    "cora/test_neg.txt": "dfac1ed2efbe1c57feded5993214ed7aa39494e86ed42ea79a7fbad3bd0b4d50",
    "citeseer/train_pos.txt": "1e97ad3a73ecfeb69489aa6d92d02dc44c2925b4056a8e4cd4b548f1c0ebaa27",
    "citeseer/valid_pos.txt": "11ad6734a54824d84a3dfcede53bcd6b3051c012f4c44add04891858dacd968c",
    "citeseer/valid_neg.txt": "28bc7d0e168ed82bd8dad4822bc00872f1fdc48fc4f98a41a4c79af7960cdf46",
    "citeseer/test_pos.txt": "9a9e06bc89cfc090f35093ecfc4dd5e5e6b979f6be3442c8450f140af127898f",
    "citeseer/test_neg.txt": "625f43c40585c770bf8ae335766cb1402bd1f225c5cd9c3ab426f2fd61334202",
    "pubmed/train_pos.txt": "c6de89d86371909f738d620846540168d4b6256fed88dc9d8ab3609cb5357fb4",
    "pubmed/valid_pos.txt": "31f55d457ce8ea1a75b0b501e0707814e7968be1e9e0b01f0bbff2b8ef9cdc0b",
    "pubmed/valid_neg.txt": "d8ef692e9e8b8d35e63322b9d3a83da7bda36e4e8126a53e4b4062d2a9aa7265",
    "pubmed/test_pos.txt": "dbc9e333a660e6973bdadc044cf674adb5d343c84c46c7af1a504aebeb551357",
    "pubmed/test_neg.txt": "69e79fef4dc6ff73bf5c05ba614cea52b11de968b424bff0ee258088c2797daa",
}
HEART_SHA256: Mapping[str, str] = MappingProxyType(_SHA256)
"""SHA-256 sum of each split file: name of the graph / file -> 64 hexadecimal digits."""

_ENDS_SHA256 = {
    "cora": (
        "ad42c043eb53a3baa7d09892a00cd44e97f7a8e509bfccea623a49100d8974e3",
        "d76e35af9662dd180561a2ea6a11a3950d9a8013a1243c49e8eefc58b274c66e",
    ),
    "citeseer": (
        "e18ac0f6c84295e9d70ed2a9323336c90c6352fca13fe6ebe963e1a21fd792b3",
        "9bd03300e09a53ed735210ee07e8573b40e99488adf2b6e6d6e638cf21042d3d",
    ),
    "pubmed": (
        "5a3b49b657d918334843e9e6377f78e8b08d803b4b0d49a858b77e28ca1b2215",
        "abe01db55982bdac1945dfe2d59f784ae3c9ec12dfb4ba3faf9b02fa55c627c4",
    ),
}
HEART_ENDS_SHA256: Mapping[str, tuple[str, str]] = MappingProxyType(_ENDS_SHA256)
"""SHA-256 sums of the ends of the hard negatives (validation, test), as little-endian uint16 in order of rows; of the
numbers, not of the archive, which has times in it."""

HEART_ENDS = "heart_ends.npz"
"""File of the ends of the hard negatives: arrays ``valid`` and ``test``, uint16 [P, 500]."""

HEART_ENDS_MADE = "heart_ends_made.npz"
"""The same, made here by :func:`~spherical_gae.data.heart_negatives.make_heart_ends`; of no known sum."""

NUM_HARD = 500
"""Hard negatives of a link."""

DOWNLOADED_ENDS = ("citeseer",)
"""Graphs whose hard negatives are published as a file by themselves."""


def heart_folder(name: str, root: str | Path) -> Path:
    """Return the folder of a graph's files, ``<root>/HeaRT/<name>``."""
    return Path(root) / "HeaRT" / name


def heart_files(name: str) -> list[str]:
    """Return the names of the split files of a graph."""
    return [file.split("/")[1] for file in HEART_SHA256 if file.startswith(f"{name}/")]


def download_heart_file(name: str, file: str, folder: str | Path) -> bool:
    """Make sure that a folder holds one split file, downloading it if needed.

    Args:
        name: Name of the graph.
        file: One of ``heart_files(name)``.
        folder: Where the file shall be; created if missing.

    Returns:
        True if the file was downloaded, False if it was there already.

    Raises:
        OSError: The download failed or brought other contents.
    """
    folder, known = Path(folder), HEART_SHA256[f"{name}/{file}"]
    if (folder / file).is_file() and file_sha256(folder / file) == known:
        return False
    url = HEART_URLS[name] + file
    try:
        pooch.retrieve(url, known_hash=f"sha256:{known}", fname=file, path=folder, progressbar=False)
    # requests reports every network problem as an OSError, pooch a wrong sum as a ValueError.
    except (OSError, ValueError) as error:
        raise OSError(f"could not fetch {url} into {folder}: {error}") from error
    return True


def download_heart_ends(name: str, folder: str | Path) -> bool:
    """Make sure that a folder holds a graph's hard negatives, which are published as a file by themselves.

    Args:
        name: Name of the graph, one of ``DOWNLOADED_ENDS``.
        folder: Where ``heart_ends.npz`` shall be.

    Returns:
        True if it was downloaded and converted, False if it was there already.

    Raises:
        OSError: The download failed or brought other contents.
    """
    folder = Path(folder)
    if (folder / HEART_ENDS).is_file() and is_readable(lambda: read_heart_ends(name, folder)):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    ends, half = {}, NUM_HARD // 2
    # What was brought is kept only if it is right, and takes its place in one step.
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as temporary:
        for part in ("valid", "test"):
            url = f"{HEART_URLS[name]}heart_{part}_samples.npy"
            try:
                samples = np.load(pooch.retrieve(url, known_hash=None, path=temporary))
                parts = samples[:, :half, 1], samples[:, half:, 0]
            # Of a page of an error instead of a file, NumPy says so in many ways.
            except Exception as error:
                raise OSError(f"could not fetch {url} into {folder}: {error!r}") from error
            ends[part] = np.concatenate(parts, axis=1).astype(np.uint16)
        np.savez_compressed(Path(temporary) / HEART_ENDS, valid=ends["valid"], test=ends["test"])
        read_heart_ends(name, Path(temporary))
        (Path(temporary) / HEART_ENDS).replace(folder / HEART_ENDS)
    return True


def make_heart_ends_file(name: str, folder: str | Path, x: Tensor) -> bool:
    """Make sure that a folder holds a graph's hard negatives, making them from the split if they are not there.

    Args:
        name: Name of the graph.
        folder: Where the split files are, and ``heart_ends.npz`` or ``heart_ends_made.npz`` shall be.
        x: The graph's features, floating point [N, F].

    Returns:
        True if they were made, False if they were there already.

    Raises:
        OSError: A split file cannot be read, or the file cannot be written.
    """
    folder = Path(folder)
    if has_heart_ends(name, folder):
        return False
    pairs = heart_pairs(name, folder)
    train_links, val_links = pairs["train_pos.txt"], pairs["valid_pos.txt"]
    parts = [(val_links, train_links), (pairs["test_pos.txt"], torch.cat([train_links, val_links], dim=1))]
    valid, test = (ends.astype(np.uint16) for ends in make_heart_ends(x, train_links, parts, NUM_HARD))
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as temporary:
        np.savez_compressed(Path(temporary) / HEART_ENDS_MADE, valid=valid, test=test)
        (Path(temporary) / HEART_ENDS_MADE).replace(folder / HEART_ENDS_MADE)
    return True


def has_heart_ends(name: str, folder: Path) -> bool:
    """Return whether a folder holds hard negatives of a graph that can be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return is_readable(lambda: heart_ends(name, folder))


def read_heart_ends(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The verified ends of the hard negatives of the validation and of the test links, uint16 [P, 500] each."""
    path = folder / HEART_ENDS
    parts = _arrays(path)
    found = tuple(hashlib.sha256(part.tobytes()).hexdigest() for part in parts)
    if found != HEART_ENDS_SHA256[name]:
        raise ChecksumError(
            f"{path} does not hold the expected hard negatives: SHA-256 {' and '.join(HEART_ENDS_SHA256[name])} of its "
            f"arrays were expected, found {' and '.join(found)}; delete it, and it is fetched or made again"
        )
    return parts


def heart_ends(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the hard negatives: those of the known sum or, where these are not, those made here.

    Returns:
        Those of the validation and of the test links, uint16 [P, 500] each.

    Raises:
        OSError: A file cannot be read.
        ChecksumError: The file is not that of the known sum, or one made here is not of this shape.

    Warns:
        UserWarning: If they were made here.
    """
    path = folder / HEART_ENDS_MADE
    if (folder / HEART_ENDS).is_file() or not path.is_file():
        return read_heart_ends(name, folder)
    ends = _arrays(path)
    pairs = heart_pairs(name, folder)
    shapes = tuple((pairs[f"{part}_pos.txt"].size(1), NUM_HARD) for part in ("valid", "test"))
    if tuple(part.shape for part in ends) != shapes:
        raise ChecksumError(
            f"{path}: given arrays of shape {ends[0].shape} and {ends[1].shape}, allowed: {shapes[0]} and {shapes[1]}; "
            "delete it, and it is made again"
        )
    warnings.warn(
        f"the hard negatives of {name} in {path} were made here by the benchmark's procedure; nearly all, not all, are "
        "those of the published results: see datasets/heart.md",
        stacklevel=3,
    )
    return ends


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    # Opened here: of a torn file, NumPy leaves its own open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        valid, test = (np.ascontiguousarray(archive[part], dtype="<u2") for part in ("valid", "test"))
    return valid, test


def check_heart_files(name: str, folder: Path) -> None:
    """Raise FileNotFoundError if files of a graph are missing, ChecksumError if one is not the published one."""
    files = heart_files(name)
    missing = [file for file in files if not (folder / file).is_file()]
    if not any((folder / file).is_file() for file in (HEART_ENDS, HEART_ENDS_MADE)):
        missing.append(HEART_ENDS)
    if missing:
        raise FileNotFoundError(f"missing in {folder}: {', '.join(missing)}")
    for file in files:
        known, found = HEART_SHA256[f"{name}/{file}"], file_sha256(folder / file)
        if found != known:
            raise ChecksumError(
                f"{folder / file} is not the published file: expected SHA-256 {known}, found {found}; delete it and "
                f"fetch it again"
            )


def heart_pairs(name: str, folder: Path) -> dict[str, Tensor]:
    """Return the pairs of each split file, int64 [2, P]; the training links without self-loops."""
    pairs = {
        file: torch.from_numpy(np.loadtxt(folder / file, dtype=np.int64)).t().contiguous() for file in heart_files(name)
    }
    train_links = pairs["train_pos.txt"]
    return {**pairs, "train_pos.txt": train_links[:, train_links[0] != train_links[1]]}
