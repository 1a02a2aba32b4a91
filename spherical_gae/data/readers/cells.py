"""Cells of a table: numbers, and what stands for a missing value."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>")
"""Cells that stand for a value that is not there."""
_LARGEST = 2**63 - 1
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_POINT_OF_THREE = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


def numbers_of(column: pa.ChunkedArray, decimal_comma: bool = False) -> NDArray[np.float64] | NDArray[np.int64] | None:
    """See :meth:`Table.numbers`."""
    if not is_text(column.type):
        if pa.types.is_integer(column.type) and not column.null_count:
            # Unsigned ones may be beyond int64.
            is_large = pa.types.is_uint64(column.type) and len(column) and pc.max(column).as_py() > _LARGEST
            return column.cast(pa.float64() if is_large else pa.int64(), safe=False).to_numpy()
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            return column.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy()
        return None
    try:
        integers = column.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        pass
    else:
        # Arrow takes 0x10 for 16.
        return None if pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py() else integers
    if column.num_chunks:
        # Copied: pyarrow 14 fills what is cut off the front of a column, such as a header, into its cells.
        column = pa.chunked_array([pa.concat_arrays(column.chunks)])
    missing = pc.fill_null(pc.is_in(column, value_set=pa.array(MISSING, column.type)), True)
    given = pc.if_else(missing, pa.scalar(None, column.type), column)
    try:
        return given.cast(pa.float64()).fill_null(float("nan")).to_numpy()
    except pa.ArrowInvalid:
        pass
    # Arrow knows neither +1 nor, where cells hold it, the decimal comma.
    cells = given.to_pylist()
    if all(cell is None or is_number(cell, decimal_comma) for cell in cells):
        return np.array([np.nan if cell is None else float(cell.replace(",", ".")) for cell in cells])
    return None


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds strings."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_number(cell: str, decimal_comma: bool = False) -> bool:
    """Whether a cell is a number as Python reads it, without underscores; NaN and infinity are."""
    if "," in cell:
        return decimal_comma and bool(_DECIMAL_COMMA.fullmatch(cell))
    if "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def ambiguous_number(column: pa.ChunkedArray) -> str | None:
    """A number of a column whose sign may divide thousands or decimals, if nothing in the column tells which.

    All commas may separate thousands as well as decimals; or there are points beside decimal commas.
    """
    commas = [cell for cell in column.to_pylist() if cell and "," in cell]
    if not commas:
        return None
    if all(map(_THOUSANDS.fullmatch, commas)):
        return commas[0]
    return next((cell for cell in column.to_pylist() if cell and _POINT_OF_THREE.fullmatch(cell)), None)


def is_whole(text: str) -> bool:
    """Whether a text is how a whole number is written."""
    digits = text.removeprefix("-")
    return digits.isdecimal() and digits.isascii() and str(int(text)) == text
