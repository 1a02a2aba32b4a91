"""A table of the wild: columns, their names, and where each row stands in its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from spherical_gae.data.readers.cells import MISSING, ambiguous_number, is_number, is_text, numbers_of
from spherical_gae.data.readers.delimited import DelimitedText, read_delimited
from spherical_gae.data.readers.delimiters import DELIMITER_NAMES
from spherical_gae.data.readers.files import read_bytes
from spherical_gae.data.readers.headers import are_names, has_header, plain
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.suffixes import suffix_of

_INDEX_NAMES = ("", "unnamed", "unnamed0", "indexlevel0")


@dataclass
class Table:
    """Columns of equal length.

    Attributes:
        path: The file.
        columns: Arrow arrays; of delimited text strings without surrounding blanks or, in a list of edges, int64.
        names: The columns' names, None for a table without a header.
        place: Number of a row, from 0 -> where it stands, such as ``"line 7"``.
        decimal_comma: Whether 2,5 may be a number.
    """

    path: Path
    columns: list[pa.ChunkedArray]
    names: list[str] | None
    place: Callable[[int], str]
    decimal_comma: bool = False

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def title(self, column: int) -> str:
        """What a message calls a column."""
        return repr(self.names[column]) if self.names else f"number {column + 1}"

    def find(self, wanted: str | int, argument: str) -> int:
        """The column of this name or, if there is none, of this number, from 1.

        Raises:
            ValueError: If there is no such column; the message names the argument.
        """
        if self.names and isinstance(wanted, str):
            same = [k for k, name in enumerate(self.names) if name == wanted]
            if len(same) == 1:
                return same[0]
            if len(same) > 1:
                raise ValueError(
                    f"{argument}: given {wanted!r}, the name of {len(same)} columns; give its number, from 1"
                )
        if re.fullmatch(r"[1-9]\d*", str(wanted)) and int(wanted) <= len(self.columns):
            return int(wanted) - 1
        known = f"one of {', '.join(self.names)}, or " if self.names else "this file has no header; "
        raise ValueError(
            f"{argument}: given {wanted!r}, allowed in {self.path.name}: {known}a number from 1 to {len(self.columns)}"
        )

    def fail(self, row: int, given: str, allowed: str) -> ValueError:
        """An error that names the file and the place of a row."""
        return ValueError(f"{self.path}: given {given} in {self.place(row)}, allowed: {allowed}")

    def numbers(self, column: int) -> NDArray[np.float64] | NDArray[np.int64] | None:
        """A column as int64 or float64, NaN where a value is missing; None if it holds anything else."""
        return numbers_of(self.columns[column], self.decimal_comma)

    def is_index(self, column: int) -> bool:
        """Whether a column is called as pandas calls the numbers of the rows: not at all, or Unnamed: 0."""
        return self.names is not None and plain(self.names[column]) in _INDEX_NAMES

    def refuse_ambiguous(self, column: int, what: str) -> None:
        """Refuses numbers whose comma or point may divide thousands or decimals.

        Args:
            column: Number of a column of numbers.
            what: What the error calls them.
        """
        cells = self.columns[column]
        if self.decimal_comma and is_text(cells.type) and (number := ambiguous_number(cells)) is not None:
            sign = "comma" if "," in number else "point, beside decimal commas,"
            raise ValueError(
                f"{self.path}: given {what} such as {number!r}, whose {sign} may divide thousands or decimals, "
                "allowed: a point for decimals"
            )

    def first_non_number(self, column: int) -> int:
        """The first row whose cell is no number and not missing; -1 for none."""
        for row, cell in enumerate(self.columns[column].to_pylist()):
            if cell is not None and cell not in MISSING and not is_number(str(cell), self.decimal_comma):
                return row
        return -1


def open_table(
    path: Path,
    *,
    id_columns: int,
    header: bool | None = None,
    delimiter: str | None = None,
    comment: str | None = None,
    nodes: Container[str] | None = None,
) -> tuple[Table, ReadReport, list[str]]:
    """Reads a table of delimited text or parquet.

    Args:
        path: The file.
        id_columns: See :func:`~spherical_gae.data.readers.headers.has_header`.
        header: Whether the first line of text names the columns; None to find out.
        delimiter: See :func:`~spherical_gae.data.readers.delimited.read_delimited`.
        comment: Likewise.
        nodes: See ``has_header``.

    Returns:
        The table, without its header; the report, so far; and the lines of comment at its head.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no table, or it cannot be told how it is to be read.
    """
    if suffix_of(path) == ".parquet":
        return _open_parquet(path)
    # Of a table of nodes 1 may be a class or a word as well as a number.
    text = read_delimited(path, delimiter, comment, integers=id_columns == 2)
    report = ReadReport(
        path.name, f"text, cells divided by {DELIMITER_NAMES.get(text.delimiter, repr(text.delimiter))}"
    )
    report.notes += text.notes
    if header is None:
        header = len(text.first) >= id_columns and has_header(path, text.first, text.rest, id_columns, nodes)
    if header and text.first:
        report.header = text.first
    columns = text.columns if report.header is None else text.rest
    skipped = int(report.header is not None)
    table = Table(
        path,
        columns,
        report.header,
        lambda row: f"line {text.line_of(row + skipped)}",
        decimal_comma=text.delimiter != ",",
    )
    if not skipped:
        table.names = _names_in_comment(text, id_columns)
    return table, report, text.comments


def _names_in_comment(text: DelimitedText, id_columns: int) -> list[str] | None:
    """The names of the columns, which SNAP and numpy.savetxt give in the last line of comment."""
    last = text.comments[-1] if text.comments else ""
    for words in (last.split(), [word.strip() for word in last.split(text.delimiter)]):
        if len(words) == len(text.columns) and are_names([plain(word) for word in words], id_columns):
            return words
    return None


def _open_parquet(path: Path) -> tuple[Table, ReadReport, list[str]]:
    try:
        read = parquet.ParquetFile(pa.BufferReader(read_bytes(path))).read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a Parquet file: {error}") from error
    columns = [_plain_column(column) for column in read.columns]
    table = Table(path, columns, list(map(str, read.column_names)), lambda row: f"row {row + 1}")
    return table, ReadReport(path.name, "a Parquet table", header=None), []


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionaries as what they stand for, and text as ``string`` without surrounding blanks."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        return pc.utf8_trim_whitespace(column.cast(pa.string()))
    return column
