"""SHA-256 sums of files, those of the Planetoid files, and the check that keeps wrong ones out.

The Planetoid files are pickles, and unpickling runs whatever they say: verify first, unpickle then.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

_SHA256 = {
    "ind.cora.x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
    "ind.cora.tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
    "ind.cora.allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
    "ind.cora.y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
    "ind.cora.ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
    "ind.cora.ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
    "ind.cora.graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
    "ind.cora.test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    "ind.citeseer.x": "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
    "ind.citeseer.tx": "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
    "ind.citeseer.allx": "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
    "ind.citeseer.y": "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
    "ind.citeseer.ty": "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
    "ind.citeseer.ally": "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
    "ind.citeseer.graph": "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
    "ind.citeseer.test.index": "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    "ind.pubmed.x": "fbe9cb5c47200d1b7769a26e579be3b7130b556831f9d850e77c4c74f2599b33",
    "ind.pubmed.tx": "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d",
    "ind.pubmed.allx": "508e538e2abdccdd54c4d3e9f49d638b4af7107d85845f66ddea5a5152658b7e",
    "ind.pubmed.y": "e6c807633307a07ed659249006536a147c7999c797f11a2560752990181b41b3",
    "ind.pubmed.ty": "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd",
    "ind.pubmed.ally": "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e",
    "ind.pubmed.graph": "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9",
    "ind.pubmed.test.index": "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5",
}
PLANETOID_SHA256: Mapping[str, str] = MappingProxyType(_SHA256)
"""SHA-256 sum of each of the 24 raw Planetoid files: file name -> 64 hexadecimal digits."""

_SIZES = {
    "ind.cora.x": 22_119,
    "ind.cora.tx": 148_025,
    "ind.cora.allx": 257_305,
    "ind.cora.y": 4_054,
    "ind.cora.ty": 28_135,
    "ind.cora.ally": 47_959,
    "ind.cora.graph": 59_847,
    "ind.cora.test.index": 5_000,
    "ind.citeseer.x": 31_087,
    "ind.citeseer.tx": 260_321,
    "ind.citeseer.allx": 595_021,
    "ind.citeseer.y": 3_014,
    "ind.citeseer.ty": 24_135,
    "ind.citeseer.ally": 55_623,
    "ind.citeseer.graph": 61_987,
    "ind.citeseer.test.index": 5_000,
    "ind.pubmed.x": 23_172,
    "ind.pubmed.tx": 405_505,
    "ind.pubmed.allx": 7_578_385,
    "ind.pubmed.y": 854,
    "ind.pubmed.ty": 12_135,
    "ind.pubmed.ally": 224_739,
    "ind.pubmed.graph": 471_808,
    "ind.pubmed.test.index": 6_000,
}
PLANETOID_SIZES: Mapping[str, int] = MappingProxyType(_SIZES)
"""Size in bytes of each of the 24 raw Planetoid files; tells a truncated file from a wrong one."""


class ChecksumError(ValueError):
    """A file exists, but its contents are not the published ones.

    Example:
        >>> issubclass(ChecksumError, ValueError) or issubclass(ChecksumError, OSError)
        True
    """


def is_intact(path: Path) -> bool:
    """Tell whether a Planetoid file exists with the published contents.

    Args:
        path: The file; its name is a key of :data:`PLANETOID_SHA256`.

    Returns:
        True if the file exists and its SHA-256 sum is the published one.
    """
    return path.is_file() and file_sha256(path) == PLANETOID_SHA256[path.name]


def verify_files(folder: str | Path, names: Iterable[str]) -> None:
    """Check that Planetoid files exist and have the published contents; read-only.

    Args:
        folder: The folder that holds the files.
        names: File names, each a key of :data:`PLANETOID_SHA256`.

    Raises:
        ValueError: A name is not one of the 24 Planetoid files.
        FileNotFoundError: Files are missing; the message names all of them.
        ChecksumError: A file is truncated or has other contents; the message gives the expected and
            the actual size and sum.
    """
    folder = Path(folder)
    names = list(names)
    unknown = [name for name in names if name not in PLANETOID_SHA256]
    if unknown:
        allowed = ", ".join(PLANETOID_SHA256)
        raise ValueError(f"names: {', '.join(unknown)} have no known checksum; allowed: {allowed}")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"missing in {folder}: {', '.join(missing)}")
    for name in names:
        path = folder / name
        if not is_intact(path):
            raise ChecksumError(
                f"{path} is not the published file: expected {PLANETOID_SIZES[name]} bytes with "
                f"SHA-256 {PLANETOID_SHA256[name]}, found {path.stat().st_size} bytes with "
                f"{file_sha256(path)}; delete it and fetch it again"
            )


def file_sha256(path: Path) -> str:
    """The SHA-256 sum of a file, 64 hexadecimal digits."""
    # hashlib.file_digest would do, but needs Python 3.11.
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def is_readable(read: Callable[[], object]) -> bool:
    """Whether a converted file can be read; one of an interrupted conversion cannot, and is made again.

    Args:
        read: Reads and verifies it.

    Raises:
        ChecksumError: If it is whole, and not what was published.

    Example:
        >>> is_readable(lambda: 1), is_readable(lambda: open("no such file"))
        (True, False)
    """
    try:
        read()
    except ChecksumError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return False
    return True
