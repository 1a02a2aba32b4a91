"""Arrays and matrices: .npz and .npy of NumPy and SciPy, and Matrix Market."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spherical_gae.data.cleaning import plain_ids
from spherical_gae.data.readers.files import read_bytes
from spherical_gae.data.readers.matrix_market import read_matrix_market
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.suffixes import suffix_of

_PER_NODE = ("x", "y", "node_ids", "side")
_NPZ_ARRAYS = ("edge_index", "edge_weight", "edge_time", *_PER_NODE, "num_nodes")


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Reads a .npz file, or a .npy file as the array ``x``; nothing is unpickled.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file.
    """
    try:
        loaded = np.load(BytesIO(read_bytes(path)), allow_pickle=False)
        return dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"x": loaded}
    except (
        ValueError,
        EOFError,
        BadZipFile,
        zlib.error,
        struct.error,
        LookupError,
        TypeError,
        SyntaxError,
        TokenError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
        AttributeError,
        OverflowError,
    ) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: not a file of NumPy arrays: {error}") from error


def load_sparse(path: Path) -> sparse.coo_array:
    """Reads what ``scipy.sparse.save_npz`` writes.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file, or its indices are out of range.
    """
    try:
        matrix = sparse.load_npz(BytesIO(read_bytes(path)))
        if matrix.format in ("csr", "csc", "bsr"):
            # Indices out of range would be read from anywhere in memory.
            matrix.check_format(full_check=True)
        return sparse.coo_array(matrix)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        SyntaxError,
        TokenError,
        MemoryError,
        OverflowError,
        EOFError,
        BadZipFile,
        zlib.error,
        struct.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: not a sparse matrix of SciPy's: {error}") from error


def read_arrays(path: Path) -> RawGraph:
    """Reads a graph from .npz, .npy or .mtx.

    - .npz: an adjacency matrix as ``scipy.sparse.save_npz`` writes it, or NumPy arrays ``edge_index`` (integers
      ``[2, E]``) and, optionally, ``edge_weight``, ``edge_time``, ``x``, ``y``, ``side``, ``node_ids`` and
      ``num_nodes``.
    - .npy: ``edge_index``, integers ``[2, E]`` or ``[E, 2]``; or an adjacency matrix.
    - .mtx: an adjacency matrix; its row 1 is the node 0.

    Entries of a matrix are weights, of which a zero is no link.  A matrix that is not square is that of a bipartite
    graph: its rows are the nodes of one side, its columns those of the other, which come after.

    Returns:
        The graph, not yet cleaned.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is none of these.
    """
    suffix = suffix_of(path)
    if suffix == ".mtx":
        raw = _from_matrix(path, read_matrix_market(path), "a Matrix Market file")
        raw.report.notes.append("The format counts from 1: row 1 is the node 0.")
        return raw
    arrays = load_arrays(path)
    if suffix == ".npy":
        return _read_npy(path, arrays["x"])
    if "format" in arrays:
        return _from_matrix(path, load_sparse(path), "a sparse matrix of SciPy's")
    return _read_npz(path, arrays)


def _from_matrix(path: Path, matrix: sparse.coo_array, what: str) -> RawGraph:
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise ValueError(f"{path}: given {matrix.dtype} of shape {matrix.shape}, allowed: a matrix, real or boolean")
    (rows, columns), values = matrix.coords, matrix.data
    rows, columns = rows.astype(np.int64), columns.astype(np.int64)
    given = values != 0
    rows, columns, values = rows[given], columns[given], values[given]
    report = ReadReport(path.name, what)
    num_nodes, side = matrix.shape[0], None
    if matrix.shape[0] != matrix.shape[1]:
        columns = columns + matrix.shape[0]
        num_nodes = sum(matrix.shape)
        if num_nodes <= 100 * (rows.size + 1000):
            side = np.repeat([0, 1], matrix.shape)
        report.notes.append(
            f"The matrix is not square: a bipartite graph, rows are the nodes 0 to {matrix.shape[0] - 1}, columns the "
            f"nodes {matrix.shape[0]} to {num_nodes - 1}."
        )
    raw = RawGraph(np.stack([rows, columns]), num_nodes, report, counted_only=True, side=side)
    if values.dtype != np.bool_:
        raw.edge_weight = values.astype(np.float64)
    return raw


def _read_npy(path: Path, array: NDArray[Any]) -> RawGraph:
    if array.ndim == 2 and array.dtype.kind in "iu" and 2 in array.shape and array.shape != (2, 2):
        edge_index = array if array.shape[0] == 2 else array.T
        return _numbered(path, edge_index, ReadReport(path.name, f"an array of {edge_index.shape[1]:,} edges"))
    is_either = array.shape == (2, 2) and array.dtype.kind in "iu"
    if array.ndim == 2 and array.dtype.kind in "biuf" and array.shape[0] == array.shape[1] and not is_either:
        return _from_matrix(path, sparse.coo_array(array), "a dense adjacency matrix")
    raise ValueError(
        f"{path}: given {array.dtype} of shape {list(array.shape)}, allowed: integers [2, E] or [E, 2], or an "
        "adjacency matrix [N, N], of integers with N > 2"
    )


def _numbered(path: Path, edge_index: NDArray[Any], report: ReadReport) -> RawGraph:
    edge_index = edge_index.astype(np.int64)
    low, high = (int(edge_index.min()), int(edge_index.max())) if edge_index.size else (0, -1)
    if low < 0:
        raise ValueError(f"{path}: given edge_index with the node {low}, allowed: 0 or more")
    return RawGraph(edge_index, high + 1, report, counted_only=True)


def _read_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> RawGraph:
    if "edge_index" not in arrays or not arrays.keys() <= set(_NPZ_ARRAYS):
        raise ValueError(
            f"{path}: given arrays {', '.join(arrays)}, allowed: edge_index and, optionally, "
            f"{', '.join(_NPZ_ARRAYS[1:])}; or a sparse matrix of SciPy's"
        )
    edge_index = arrays["edge_index"]
    if edge_index.ndim != 2 or edge_index.shape[0] != 2 or edge_index.dtype.kind not in "iu":
        raise ValueError(
            f"{path}: given edge_index of {edge_index.dtype} and shape {list(edge_index.shape)}, allowed: integers of "
            "shape [2, E]"
        )
    for name in ("edge_weight", "edge_time", "x", "y", "side", "num_nodes"):
        if name in arrays and arrays[name].dtype.kind not in "biuf":
            raise ValueError(f"{path}: given {name} of {arrays[name].dtype}, allowed: real numbers")
    raw = _numbered(path, edge_index, ReadReport(path.name, "arrays"))
    lengths = {name: len(arrays[name]) for name in _PER_NODE if name in arrays and arrays[name].ndim}
    if "num_nodes" in arrays:
        if arrays["num_nodes"].size != 1:
            raise ValueError(f"{path}: given num_nodes of shape {list(arrays['num_nodes'].shape)}, allowed: one number")
        number = arrays["num_nodes"].reshape(-1)[0]
        if not np.isfinite(number) or number != int(number):
            raise ValueError(f"{path}: given num_nodes {number}, allowed: an integer")
        raw.num_nodes = int(number)
    elif lengths:
        raw.num_nodes, raw.counted_only = next(iter(lengths.values())), False
    for name in ("edge_weight", "edge_time", "y", "side"):
        if name in arrays:
            setattr(raw, name, _standard(arrays[name]))
    if "x" in arrays:
        with np.errstate(over="ignore"):
            raw.x = arrays["x"].astype(np.float32)
    if "node_ids" in arrays:
        raw.node_ids = plain_ids(arrays["node_ids"].tolist()) if arrays["node_ids"].ndim == 1 else []
    return raw


def _standard(values: NDArray[Any]) -> NDArray[Any]:
    """Not all of NumPy's dtypes exist in torch."""
    return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
