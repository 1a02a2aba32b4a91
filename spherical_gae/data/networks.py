"""Eight networks without node features, by name: the collection that SEAL is tested on."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pooch
import scipy.io
import scipy.sparse
import torch
from torch_geometric.data import Data

from spherical_gae.data.checksums import ChecksumError, is_readable
from spherical_gae.data.default_features import default_features
from spherical_gae.data.roots import complete_folder

NETWORK_URL = "https://github.com/muhanzhang/SEAL/raw/ea2d4249cfed4c5a570538a939f90469957b5f94/MATLAB/data/"
"""Where the networks are published, as MATLAB files, at a pinned commit."""

_SHA256 = {
    "USAir": "b136e1a7894ca255559ba24881671b518b801039a09f3a7a756694fabefc0c8b",
    "NS": "5b8d1d617385d52af1ecc001e3b571d02a469bb4db10791dc4b92c542137c17e",
    "PB": "9db3a9feec70318755b157e4a63fccfe7df5cfc983e69e336f03588aa74d19da",
    "Yeast": "7f7b5f51fd6412ced33249cca21b5041e3b9c916f5d91bd0f80e9fd431eb27c4",
    "Celegans": "7a84cf3ab35cdd443abd6283ffa7c99b498ba9533a736a00dd7800ae6460f08e",
    "Power": "7844043cd96dc362b5fd9897a147882c0182764f4469c30fe355e2a35a7d5f8d",
    "Router": "59bab9745e52ebc65a67e1597ed1689c187425fbc198b4e352c39c8b6e3dae54",
    "Ecoli": "f8096128263ce1cf5f98bac7f8b39fc5e59b4288bbc9d3774ae900f747230a74",
}
NETWORK_SHA256: Mapping[str, str] = MappingProxyType(_SHA256)
"""SHA-256 sum of each network's links i < j, sorted, as little-endian int64 [2, L]: of the links, not of a file."""


def networks_folder(root: str | Path) -> Path:
    """Return the folder of the networks, ``<root>/networks``."""
    return Path(root) / "networks"


def load_network(name: str, root: str | Path | None = None) -> Data:
    """Load a network without node features.

    Args:
        name: ``"USAir"``, ``"NS"``, ``"PB"``, ``"Yeast"``, ``"Celegans"``, ``"Power"``, ``"Router"`` or ``"Ecoli"``.
        root: The data root; default: ``SPHERICAL_GAE_DATA`` if set, else the cache folder. As for ``load_graph``,
            a root that was named is only read, and what is missing in the cache folder is downloaded.

    Returns:
        ``Data`` with ``edge_index`` (int64 ``[2, 2 * links]``, both directions, sorted, no self-loops), ``x`` from
        ``default_features``, marked by ``has_default_features = True``, and ``name``.

    Raises:
        ValueError: The name is none of the above.
        FileNotFoundError: The file is missing in a root that was named.
        ChecksumError: The file has other links than the published ones.
        OSError: A download failed.

    Example:
        >>> load_network("USAir").num_nodes  # doctest: +SKIP
        332
    """
    if name not in NETWORK_SHA256:
        raise ValueError(f"name: given {name!r}, allowed: {', '.join(NETWORK_SHA256)}")

    def check(folder: Path) -> None:
        if not (folder / f"{name}.npz").is_file():
            raise FileNotFoundError(f"missing in {folder}: {name}.npz")

    def download(folder: Path) -> None:
        download_network(name, folder)

    folder = complete_folder(root, networks_folder, check, download)
    links, num_nodes = _verified_links(folder / f"{name}.npz", name)
    edge_index = torch.from_numpy(np.concatenate([links, links[::-1]], axis=1))
    order = torch.argsort(edge_index[0] * num_nodes + edge_index[1])
    data = Data(x=default_features(num_nodes), edge_index=edge_index[:, order], num_nodes=num_nodes, name=name)
    data.has_default_features = True
    return data


def download_network(name: str, folder: str | Path) -> bool:
    """Make sure that a folder holds one network as ``NAME.npz``, downloading and converting it if needed.

    Args:
        name: A key of ``NETWORK_SHA256``.
        folder: Where the file shall be; created if missing.

    Returns:
        True if it was downloaded, False if it was there already.

    Raises:
        OSError: The download failed.
        ChecksumError: It has other links than the published ones.
    """
    path = Path(folder) / f"{name}.npz"
    if path.is_file() and is_readable(lambda: _verified_links(path, name)):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    url = f"{NETWORK_URL}{name}.mat"
    # What was brought is kept only if it is right, and takes its place in one step.
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=path.parent) as temporary:
        try:
            source = pooch.retrieve(url, known_hash=None, path=temporary)
            matrix = scipy.sparse.csr_matrix(scipy.io.loadmat(source)["net"]).astype(np.int64)
        # Of a page of an error instead of a file, loadmat says so in many ways.
        except Exception as error:
            raise OSError(f"could not fetch {url} into {path.parent}: {error!r}") from error
        _check_links(url, name, _links(matrix))
        scipy.sparse.save_npz(Path(temporary) / path.name, matrix)
        (Path(temporary) / path.name).replace(path)
    return True


def _links(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
    """The links of an adjacency matrix, int64 [2, L], each once as i < j, sorted."""
    matrix.sort_indices()
    row, column = matrix.nonzero()
    upper = row < column
    return np.stack([row[upper], column[upper]]).astype("<i8")


def _verified_links(path: Path, name: str) -> tuple[np.ndarray, int]:
    # Opened here: of a torn file, NumPy leaves its own open.
    with path.open("rb") as file:
        matrix = scipy.sparse.load_npz(file).tocsr()
    links = _links(matrix)
    _check_links(path, name, links)
    return links, matrix.shape[0]


def _check_links(path: str | Path, name: str, links: np.ndarray) -> None:
    found = hashlib.sha256(links.tobytes()).hexdigest()
    if found != NETWORK_SHA256[name]:
        raise ChecksumError(
            f"{path} does not hold the published network {name}: SHA-256 {NETWORK_SHA256[name]} of its links was "
            f"expected, found {found}; delete it and fetch it again"
        )
