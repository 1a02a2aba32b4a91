"""Cells of a table: numbers, and what stands for a missing value."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>")
"""Cells that stand for a value that is not there."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


def numbers_of(column: pa.ChunkedArray, decimal_comma: bool = False) -> NDArray[np.float64] | NDArray[np.int64] | None:
    """See :meth:`Table.numbers`."""
    if not is_text(column.type):
        if pa.types.is_integer(column.type) and not column.null_count:
            return column.cast(pa.int64()).to_numpy()
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


def ambiguous_thousands(column: pa.ChunkedArray) -> bool:
    """Whether all commas in a column may separate thousands as well as decimals."""
    cells = [cell for cell in column.to_pylist() if "," in cell]
    return bool(cells) and all(map(_THOUSANDS.fullmatch, cells))
