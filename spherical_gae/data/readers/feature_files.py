"""Node features in files of their own."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from spherical_gae.data.readers.conversions import float_array
from spherical_gae.data.readers.delimited import read_number, read_rows
from spherical_gae.data.readers.suffixes import DELIMITERS

FEATURE_SUFFIXES = (*DELIMITERS, ".npy", ".npz")
"""Kinds of files that :func:`read_features` knows."""


def read_features(path: Path) -> tuple[list[str] | None, Tensor]:
    """Reads node features.

    - .csv, .tsv: one node a line, its id and then its features, all numbers.  A first line whose second cell is no
      number is a header.
    - .npy: a matrix [N, F].
    - .npz: such a matrix named ``x``, or what ``scipy.sparse.save_npz`` writes, which is made dense.

    Args:
        path: The file.

    Returns:
        The ids as text, None for a matrix; and the features, float32 [N, F].

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is of none of these kinds, a line has another number of columns than the first, no id or no
            features, an id comes twice, or a feature is not a number (NaN is; ``clean_graph`` refuses it).
    """
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        return _read_table(path)
    if suffix in FEATURE_SUFFIXES:
        return None, _read_matrix(path)
    raise ValueError(f"features: given {path.name}, allowed: a file {', '.join(FEATURE_SUFFIXES)}")


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Reads a .npz file, or a .npy file as the array ``x``; nothing is unpickled.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file.
    """
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            return dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"x": loaded}
    except (ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path}: not a file of NumPy arrays: {error}") from error


def _read_table(path: Path) -> tuple[list[str], Tensor]:
    ids: dict[str, None] = {}
    cells = array("f")
    width = 0
    for line, row in read_rows(path):
        if not width:
            width = len(row)
            if width < 2:
                raise ValueError(f"{path}: given {width} column, allowed: a node id and at least one feature")
            if row[1] and not _is_number(row[1]):
                continue
        if len(row) != width:
            raise ValueError(f"{path}: given {len(row)} columns in line {line}, allowed: {width} as in the first")
        if not row[0] or row[0] in ids:
            raise ValueError(
                f"{path}: given the node id {row[0]!r} in line {line}, allowed: one that is new, not empty"
            )
        ids[row[0]] = None
        cells.extend([read_number(path, line, cell) for cell in row[1:]])
    if not ids:
        raise ValueError(f"{path}: given no nodes, allowed: at least one")
    return list(ids), torch.from_numpy(np.array(cells)).view(len(ids), width - 1)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_matrix(path: Path) -> Tensor:
    arrays = load_arrays(path)
    if "format" in arrays:
        values = sparse.load_npz(path).toarray()
    elif "x" in arrays:
        values = arrays["x"]
    else:
        raise ValueError(f"{path}: given arrays {', '.join(arrays)}, allowed: x, or a sparse matrix of SciPy's")
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise ValueError(
            f"{path}: given {values.dtype} of shape {list(values.shape)}, allowed: real numbers of shape [N, F]"
        )
    return torch.from_numpy(float_array("features", values))
