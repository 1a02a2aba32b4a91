"""Columns of delimited text that may be read as integers at once, without going through strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spherical_gae.data.readers.ids import INTEGER


def types_of_sample(rows: Sequence[Sequence[str]]) -> list[pa.DataType]:
    """For each column int64 if its cells in the sample are integers as Python writes them, else string.

    Args:
        rows: Cells of the first lines, as many in each.

    Example:
        >>> types_of_sample([["1", "2.5", "07"], ["-3", "4", "8"]])
        [DataType(int64), DataType(string), DataType(string)]
    """
    return [pa.int64() if all(map(INTEGER.fullmatch, column)) else pa.string() for column in zip(*rows, strict=True)]


def are_exact(columns: Sequence[pa.ChunkedArray], text: bytes, start: int = 0) -> bool:
    """Whether integers that Arrow read stand in the text as Python writes them: not 007, +1, -0, 0x1 or a blank beside.

    No other decimal numeral of an integer is as short.  So all are written that way if, and only if, the cells and what
    divides them, one character each, are as long as the text.

    Args:
        columns: Columns of int64 or of strings, as they stand in the text.
        text: Lines without quotes and without empty ones; else False is returned.
        start: Where they begin in the text.
    """
    # One letter is found much more quickly than two.
    if any(mark[1:] in text and text.find(mark, start) >= 0 for mark in (b"0x", b"0X")):
        return False
    divided = len(columns) * len(columns[0]) - (not text.endswith(b"\n"))
    return divided + sum(map(_num_characters, columns)) == len(text) - start


def _num_characters(column: pa.ChunkedArray) -> int:
    """How many bytes the cells of a column take."""
    if not pa.types.is_integer(column.type):
        return pc.sum(pc.binary_length(column)).as_py() or 0
    count = len(column)
    for chunk in column.chunks:
        values = chunk.to_numpy()
        low, high = (int(end(values, initial=0)) for end in (np.min, np.max))
        if low < 0:
            count += int(np.count_nonzero(values < 0))
            # The absolute value of -2^63 is right only without a sign.
            values = np.abs(values).view(np.uint64)
        for digits in range(1, len(str(max(high, -low)))):
            count += int(np.count_nonzero(values >= 10**digits))
    return count


def prepended(cell: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column and one cell before it, as integers if all are."""
    if pa.types.is_integer(column.type):
        if INTEGER.fullmatch(cell):
            return pa.chunked_array([pa.array([int(cell)]), *column.chunks])
        column = column.cast(pa.string())
    return pa.chunked_array([pa.array([cell], pa.string()), *column.chunks])
