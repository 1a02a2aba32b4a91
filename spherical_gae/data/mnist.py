"""The four MNIST files: found or fetched, verified as unzipped, and only then parsed."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pooch
import torch
from torch import Tensor

from spherical_gae.data.checksums import ChecksumError
from spherical_gae.data.roots import complete_folder

MNIST_URLS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Mirrors of the zipped files, in the order in which they are tried."""

_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_SHA256: Mapping[str, str] = MappingProxyType(_SHA256)
"""SHA-256 sum of each file's unzipped contents, for mirrors differ in the gzip wrapper."""

_SIZES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
MNIST_SIZES: Mapping[str, int] = MappingProxyType(_SIZES)
"""Size in bytes of each file, unzipped."""

NUM_PIXELS = 784
"""Pixels of an image, 28 x 28."""

IMAGES_HEADER, LABELS_HEADER = 16, 8
"""Bytes before the data in an IDX file of three dimensions and of one."""


def mnist_folder(root: str | Path) -> Path:
    """Return the folder of the MNIST files, ``<root>/MNIST/raw``."""
    return Path(root) / "MNIST" / "raw"


def load_mnist(root: str | Path | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Load the published training and test set.

    Args:
        root: The data root; default: ``SPHERICAL_GAE_DATA`` if set, else the user's cache folder. As
            for :func:`~spherical_gae.data.graphs.load_graph`, a root that was named is only read,
            and files missing or damaged in the cache folder are downloaded.

    Returns:
        Training images (float32 ``[60000, 784]``, in [0, 1]: bytes / 255), their labels (int64
        ``[60000]``), test images (float32 ``[10000, 784]``) and their labels (int64 ``[10000]``).

    Raises:
        FileNotFoundError: Files are missing in a root that was named; the message names all of them.
        ChecksumError: A file is damaged in a root that was named.
        OSError: A download failed.
    """

    def check(folder: Path) -> None:
        missing = [name for name in MNIST_SHA256 if not _versions(name, folder)]
        if missing:
            raise FileNotFoundError(f"missing in {folder}: {', '.join(missing)}")

    def download(folder: Path) -> None:
        for name in MNIST_SHA256:
            download_mnist_file(name, folder)

    folder = complete_folder(root, mnist_folder, check, download)
    train_images, train_labels, test_images, test_labels = (read_mnist_file(name, folder) for name in MNIST_SHA256)
    return _images(train_images), _labels(train_labels), _images(test_images), _labels(test_labels)


def read_mnist_file(name: str, folder: str | Path) -> bytes:
    """Return the verified, unzipped contents of an MNIST file; read-only.

    Args:
        name: File name without ``.gz``, a key of :data:`MNIST_SHA256`.
        folder: The folder that holds the file, as it is or with ``.gz``; of two, one may be damaged.

    Returns:
        The bytes of the IDX file.

    Raises:
        FileNotFoundError: There is neither ``name`` nor ``name.gz``.
        ChecksumError: What there is is truncated, is no gzip file or has other contents.
    """
    folder = Path(folder)
    paths = _versions(name, folder)
    if not paths:
        raise FileNotFoundError(f"missing in {folder}: {name} (or {name}.gz)")
    damages = []
    for path in paths:
        try:
            return _verified(path, name)
        except ChecksumError as error:
            damages.append(str(error))
    raise ChecksumError("; ".join(damages))


def download_mnist_file(name: str, folder: str | Path) -> bool:
    """Make sure that a folder holds one MNIST file, downloading it as ``name.gz`` if needed.

    An intact file stays as it is, zipped or not. The download goes to a temporary folder beside, and
    the file gets its name only when its unzipped contents are right. The second mirror is tried when
    the first fails or brings other contents.

    Args:
        name: File name without ``.gz``, a key of :data:`MNIST_SHA256`.
        folder: Where the file shall be; created if missing.

    Returns:
        True if the file was downloaded, False if it was there already.

    Raises:
        OSError: Every mirror failed or brought other contents; the message gives the folder and each
            address with its cause. Or the folder cannot be written to.
    """
    folder = Path(folder)
    try:
        read_mnist_file(name, folder)
    except (FileNotFoundError, ChecksumError):
        pass
    else:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{name}.gz"
    causes = []
    for address in MNIST_URLS:
        # The wrapper's sum is unknown: pooch cannot verify it, and must not give the file its name.
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as temporary:
            path = Path(temporary) / file
            try:
                pooch.retrieve(address + file, known_hash=None, fname=file, path=temporary, progressbar=True)
                _verified(path, name)
                path.replace(folder / file)
            # requests reports every network problem as an OSError.
            except (OSError, ChecksumError) as error:
                causes.append(f"{address}{file}: {error}")
            else:
                return True
    raise OSError(f"could not fetch {file} into {folder}: {'; '.join(causes)}")


def _versions(name: str, folder: Path) -> list[Path]:
    return [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]


def _verified(path: Path, name: str) -> bytes:
    size, digest = MNIST_SIZES[name], MNIST_SHA256[name]
    expected = f"expected {size} bytes{' when unzipped' * (path.suffix == '.gz')} with SHA-256 {digest}"
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(size + 1)  # no more than shows that it is too long, whatever a file unzips to
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ChecksumError(f"{path} is not the published file: {expected}, but it does not unzip ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        length = f"more than {size}" if len(content) > size else f"{len(content)}"
        raise ChecksumError(f"{path} is not the published file: {expected}, found {length} bytes with {found}")
    return content


def _images(content: bytes) -> Tensor:
    pixels = np.frombuffer(content, np.uint8, offset=IMAGES_HEADER).reshape(-1, NUM_PIXELS).astype(np.float32)
    pixels /= 255
    return torch.from_numpy(pixels)


def _labels(content: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=LABELS_HEADER).astype(np.int64))
