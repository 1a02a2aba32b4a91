"""Lines of .csv and .tsv files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from spherical_gae.data.readers.suffixes import DELIMITERS


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Reads a file line by line; cells may be quoted as spreadsheets do.

    Args:
        path: A file in UTF-8 whose suffix is in :data:`~spherical_gae.data.readers.suffixes.DELIMITERS`.

    Yields:
        The number of the line, from 1, and its cells without surrounding blanks; empty lines are left out.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()])
            for row in reader:
                if row:
                    yield reader.line_num, [cell.strip() for cell in row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not lines of text in UTF-8: {error}") from error


def read_number(path: Path, line: int, cell: str) -> float:
    """The number in a cell; NaN and infinity are numbers here.

    Raises:
        ValueError: If it is none; the message names the line.
    """
    try:
        return float(cell)
    except ValueError as error:
        raise ValueError(f"{path}: given {cell!r} in line {line}, allowed: a number") from error
