"""The benchmark graphs by name: Cora, CiteSeer and PubMed (Planetoid files), and the digits."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch_geometric.data import Data
from torch_geometric.io import read_planetoid_data
from torch_geometric.utils import coalesce, remove_self_loops

from spherical_gae.data.checksums import PLANETOID_SHA256, verify_files
from spherical_gae.data.digits import load_digits_graph
from spherical_gae.data.download import download_file
from spherical_gae.data.names import CLASS_NAMES, DATASETS, PLANETOID_FOLDERS
from spherical_gae.data.roots import complete_folder


def raw_folder(name: str, root: str | Path) -> Path:
    """Return the folder of a Planetoid graph's raw files, ``<root>/Planetoid/<Name>/raw``."""
    return Path(root) / "Planetoid" / PLANETOID_FOLDERS[name] / "raw"


def raw_files(name: str) -> list[str]:
    """Return the names of the eight raw files of a Planetoid graph."""
    return [file for file in PLANETOID_SHA256 if file.startswith(f"ind.{name}.")]


def load_graph(name: str, root: str | Path | None = None) -> Data:
    """Load a benchmark graph.

    The Planetoid files are looked for in ``<root>/Planetoid/<Name>/raw``. A root that was named, by
    the argument or by the environment variable ``SPHERICAL_GAE_DATA``, is only read and may be
    read-only. Without either, the root is the user's cache folder, and files missing or damaged
    there are downloaded. The checksum of every file is verified before anything is unpickled.

    Args:
        name: ``"cora"``, ``"citeseer"``, ``"pubmed"`` or ``"digits"``, in any case. The digits come
            with scikit-learn and need no root.
        root: The data root; default: ``SPHERICAL_GAE_DATA`` if set, else the cache folder.

    Returns:
        ``Data`` with ``x`` (float32 ``[N, F]``, dense, as published: not normalised), ``y`` (int64
        ``[N]``), ``edge_index`` (int64 ``[2, 2 * links]``, both directions, sorted, neither
        duplicates nor self-loops) and ``name`` (str, lower case).  The Planetoid graphs also have their public
        split of the nodes: ``train_mask``, ``val_mask``, ``test_mask`` (bool ``[N]``); and
        ``label_names``, the subjects of the papers in the order of the numbers in ``y``.

    Raises:
        ValueError: The name is none of the above.
        FileNotFoundError: Files are missing in a root that was named.
        ChecksumError: A file is damaged in a root that was named.
        OSError: A download failed.

    Example:
        >>> load_graph("digits")
        Data(x=[1797, 32], edge_index=[2, 12512], y=[1797], name='digits')
    """
    key = name.lower()
    if key == "digits":
        return load_digits_graph()
    if key not in PLANETOID_FOLDERS:
        raise ValueError(f"name: given {name!r}, allowed: {', '.join(DATASETS)}")

    def download(folder: Path) -> None:
        for file in raw_files(key):
            download_file(file, folder)

    folder = complete_folder(
        root, lambda root: raw_folder(key, root), lambda folder: verify_files(folder, raw_files(key)), download
    )

    with warnings.catch_warnings():  # PyG adds a filter of its own to the global list
        data = read_planetoid_data(str(folder), key)
    edge_index, _ = remove_self_loops(data.edge_index)
    masks = {mask: data[mask] for mask in ("train_mask", "val_mask", "test_mask")}
    names = list(CLASS_NAMES[key])
    return Data(x=data.x, y=data.y, edge_index=coalesce(edge_index), name=key, label_names=names, **masks)
