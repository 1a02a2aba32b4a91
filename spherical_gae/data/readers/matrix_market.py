"""Matrix Market.  SciPy's own reader does not survive files that are damaged: it ends the process."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spherical_gae.data.readers.cells import numbers_of
from spherical_gae.data.readers.delimited import parse_cells, single_blanks
from spherical_gae.data.readers.delimiters import BLANKS
from spherical_gae.data.readers.files import read_text

_FIELDS, _SYMMETRIES = ("real", "double", "integer", "unsigned-integer", "pattern"), ("general", "symmetric")
_SIZES = re.compile(rb"\s*(\d{1,18}(?:[ \t]+\d{1,18}){1,2})\s*")


def read_matrix_market(path: Path) -> sparse.coo_array:
    """Reads a matrix of real numbers, ``general`` or ``symmetric``, ``coordinate`` or ``array``.

    Returns:
        The matrix: booleans if it is a ``pattern``, else float64.  Of a symmetric one both halves are there.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file; the message names it.
    """
    text = read_text(path)
    head, _, _ = text.partition(b"\n")
    words = head.decode().lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"] or words[2] not in ("coordinate", "array"):
        raise ValueError(
            f"{path}: not a Matrix Market file: given the first line {head.decode()[:60]!r}, allowed: one such as "
            "'%%MatrixMarket matrix coordinate real general'"
        )
    layout, field, symmetry = words[2:]
    if field not in _FIELDS or symmetry not in _SYMMETRIES:
        raise ValueError(
            f"{path}: given a matrix that is {field} and {symmetry}, allowed: {', '.join(_FIELDS)}; "
            f"{' or '.join(_SYMMETRIES)}"
        )
    start = len(head) + 1
    comments = re.compile(rb"(?:[ \t]*(?:%.*)?\n)*").match(text, start)
    start = comments.end() if comments else start
    end = text.find(b"\n", start)
    end = len(text) if end < 0 else end
    sizes = _SIZES.fullmatch(text[start:end])
    shape = [int(size) for size in sizes[1].split()] if sizes else []
    if len(shape) != (3 if layout == "coordinate" else 2) or (symmetry == "symmetric" and shape[0] != shape[1]):
        raise ValueError(
            f"{path}: not a Matrix Market file: given the sizes {text[start:end].decode()[:60]!r}, allowed: rows, "
            "columns and, of a coordinate matrix, entries; of a symmetric one as many rows as columns"
        )
    # The lines keep their numbers.
    body = single_blanks(b"\n" * text.count(b"\n", 0, end) + text[end:], quoted=False)
    if layout == "array":
        return _read_array(path, body, (shape[0], shape[1]), symmetry)
    return _read_coordinates(path, body, (shape[0], shape[1]), shape[2], field, symmetry)


def _read_coordinates(
    path: Path, body: bytes, shape: tuple[int, int], num_entries: int, field: str, symmetry: str
) -> sparse.coo_array:
    columns = _columns(path, body, 2 if field == "pattern" else 3, num_entries)
    ends = []
    for values, size, what in zip(columns, shape, ("row", "column"), strict=False):
        if values.dtype.kind != "i" or (values.size and not 1 <= values.min() <= values.max() <= size):
            given = f"{values.min()} to {values.max()}"
            raise ValueError(f"{path}: given {what} numbers {given}, allowed: integers from 1 to {size}")
        ends.append(values - 1)
    rows, others = ends
    entries = np.ones(num_entries, dtype=bool) if field == "pattern" else columns[2].astype(np.float64)
    if symmetry == "symmetric":
        mirrored = rows != others
        _refuse_both_halves(path, rows[mirrored], others[mirrored])
        entries = np.concatenate([entries, entries[mirrored]])
        rows, others = np.concatenate([rows, others[mirrored]]), np.concatenate([others, rows[mirrored]])
    return sparse.coo_array((entries, (rows, others)), shape=shape)


def _refuse_both_halves(path: Path, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
    """An entry that a symmetric matrix has above and below the diagonal would count twice."""
    # Products of the numbers as given may not fit in 64 bits.
    numbers, place = np.unique(np.concatenate([rows, columns]), return_inverse=True)
    i, j = place.reshape(2, -1)
    both = np.intersect1d(i * numbers.size + j, j * numbers.size + i)
    if both.size:
        row, column = sorted(numbers[list(divmod(int(both[0]), numbers.size))] + 1)
        raise ValueError(
            f"{path}: given the entries ({row}, {column}) and ({column}, {row}), of a symmetric matrix, allowed: one "
            "of the two"
        )


def _read_array(path: Path, body: bytes, shape: tuple[int, int], symmetry: str) -> sparse.coo_array:
    if symmetry == "general":
        (entries,) = _columns(path, body, 1, shape[0] * shape[1])
        return sparse.coo_array(entries.astype(np.float64).reshape(shape, order="F"))
    (entries,) = _columns(path, body, 1, shape[0] * (shape[0] + 1) // 2)
    matrix = np.zeros(shape)
    others, rows = np.triu_indices(shape[0])
    matrix[rows, others] = matrix[others, rows] = entries
    return sparse.coo_array(matrix)


def _columns(
    path: Path, body: bytes, width: int, num_lines: int
) -> list[NDArray[np.int64]] | list[NDArray[np.float64]]:
    """The numbers in the lines."""
    if num_lines > len(body):
        raise ValueError(f"{path}: given {num_lines:,} entries promised, more than the file has letters")
    cells = parse_cells(path, body, BLANKS, False, width) if body.strip() else []
    given = len(cells[0]) if cells else 0
    if given != num_lines:
        raise ValueError(f"{path}: given {given:,} lines of entries, allowed: {num_lines:,}, as its head says")
    found = []
    for column in cells:
        values = numbers_of(column)
        if values is None or (values.dtype.kind == "f" and np.isnan(values).any()):
            raise ValueError(f"{path}: not a Matrix Market file: given an entry that is no number")
        found.append(values)
    return found or [np.empty(0, dtype=np.int64)] * width  # type: ignore[return-value]
