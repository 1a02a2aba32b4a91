"""Delimited text: comments, delimiters and quotes, and exact cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from spherical_gae.data.readers.cells import is_text
from spherical_gae.data.readers.delimiters import BLANKS, DELIMITER_NAMES, cells_of, found_delimiter
from spherical_gae.data.readers.files import comment_marks, read_text
from spherical_gae.data.readers.integer_cells import are_exact, prepended, types_of_sample

_SAMPLE = 200
_BLOCK = 1 << 24


@dataclass
class DelimitedText:
    """The cells of a file.

    Attributes:
        first: The cells of the first line, which may be a header.
        rest: Columns of the other lines: strings without surrounding blanks, or int64 where all cells are integers as
            Python writes them.  Empty if the file is.
        comments: The lines of comment at the head, without their mark.
        delimiter: What separates the cells.
        quoted: Whether cells are quoted.
        line_of: Number of a row, from 0 -> number of its line, from 1.
        notes: What the report shall say.
    """

    first: list[str]
    rest: list[pa.ChunkedArray]
    comments: list[str]
    delimiter: str
    quoted: bool
    line_of: Callable[[int], int]
    notes: list[str]

    @property
    def columns(self) -> list[pa.ChunkedArray]:
        """The columns of all lines; those that are not integers in all lines are strings."""
        return [prepended(cell, column) for cell, column in zip(self.first, self.rest, strict=True)]


def read_delimited(
    path: Path, delimiter: str | None = None, comment: str | None = None, *, integers: bool = False
) -> DelimitedText:
    """Reads the cells of a file exactly.

    Args:
        path: The file.
        delimiter: One character, ``" "`` for any number of blanks; None to find it out from the first lines.
        comment: What a line of comment begins with, ``""`` for no comments.  None: lines at the head that begin with
            ``#`` or ``%`` are comments.
        integers: Whether columns of integers may come as such, which is quicker than as strings.

    Returns:
        The cells.  Empty lines, and those whose cells are all empty, are left out.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no text, lines have different numbers of cells, or it cannot be told what separates the
            cells, what is a comment or where a quoted cell ends; the message names the line and how to decide it.
    """
    text, hinted = _without_hint(read_text(path))
    delimiter = delimiter or hinted
    text, comments, notes = without_comments(path, text, comment)
    if delimiter is None:
        delimiter = found_delimiter(path, [line for _, line in islice(_lines(text), _SAMPLE) if line.strip()])
    if len(delimiter) != 1 or delimiter in '"\n\r' or not delimiter.isascii():
        raise ValueError(f"delimiter: given {delimiter!r}, allowed: one character, ' ' for any number of blanks")
    blank = b" " if delimiter == "\t" else b" \t"
    lines = list(islice(_lines(text, blank), _SAMPLE))
    quoted = False
    if b'"' in text:
        text, quoted = _checked_quotes(path, text, delimiter)
    if delimiter == BLANKS:
        text = single_blanks(text, quoted)
    if not lines:
        return DelimitedText([], [], comments, delimiter, quoted, lambda row: row + 1, notes)
    sample = [cells_of(line, delimiter) for _, line in lines]
    found = _with_integers(path, text, delimiter, sample) if integers and not quoted else None
    kept = None
    if found is None:
        columns, kept = _without_empty_rows(parse_cells(path, text, delimiter, quoted, len(sample[0])))
        if kept is not None:
            notes.append(f"Lines of empty cells left out: {pc.sum(pc.invert(kept)).as_py():,}.")
        found = [column[0].as_py() for column in columns], [column.slice(1) for column in columns]

    def line_of(row: int) -> int:
        if kept is not None:
            row = int(pc.indices_nonzero(kept)[row].as_py())
        return next(islice(_lines(text, blank), row, None))[0]

    return DelimitedText(*found, comments, delimiter, quoted, line_of, notes)


def _with_integers(
    path: Path, text: bytes, delimiter: str, sample: list[list[str]]
) -> tuple[list[str], list[pa.ChunkedArray]] | None:
    """The cells of the first line, and the columns of the others, of int64 where that is exact; None if none is."""
    width = len(sample[0])
    if len(sample) < 2 or any(len(cells) != width for cells in sample):
        return None
    types = types_of_sample(sample[1:])
    end = text.index(b"\n", re.search(rb"[^ \n]", text).start()) + 1  # type: ignore[union-attr]
    if pa.int64() not in types:
        return None
    first = [column[0].as_py() for column in parse_cells(path, text[:end], delimiter, False, width)]
    try:
        columns = _parsed(pa.py_buffer(text).slice(end), delimiter, False, types)
    except pa.ArrowInvalid:
        return None
    return (first, _trimmed(columns, text, delimiter)) if are_exact(columns, text, end) else None


def _without_empty_rows(columns: list[pa.ChunkedArray]) -> tuple[list[pa.ChunkedArray], pa.ChunkedArray | None]:
    """The columns without rows of empty strings, and which rows are kept; None if there are no empty ones."""
    empty = pc.equal(columns[0], "")
    for column in columns[1:] if pc.any(empty).as_py() else []:
        empty = pc.and_(empty, pc.equal(column, ""))
    if not pc.any(empty).as_py():
        return columns, None
    kept = pc.invert(empty)
    columns = [column.filter(kept) for column in columns]
    return columns if len(columns[0]) else [], kept


def _lines(text: bytes, blank: bytes = b" ") -> Iterator[tuple[int, str]]:
    """Numbers, from 1, and content of the lines that hold more than these characters."""
    start, number = 0, 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        number += 1
        line = text[start:end]
        if line.strip(blank):
            yield number, line.decode()
        start = end + 1


def _without_hint(text: bytes) -> tuple[bytes, str | None]:
    """The text without Excel's first line ``sep=;``, which becomes an empty line, and what that says."""
    hint = re.match(rb"\s*\"?sep=([^\w\s\"]|\t)\"?[ \t]*(?=\r?\n|$)", text, re.IGNORECASE)
    return (text, None) if hint is None else (text[hint.end() :], hint[1].decode())


def without_comments(path: Path, text: bytes, comment: str | None) -> tuple[bytes, list[str], list[str]]:
    """The text with comments made empty lines, the comments at the head, and notes.

    Raises:
        ValueError: If there is nothing else, or it cannot be told what is a comment.
    """
    if comment == "":
        return text, [], []
    marks = comment_marks(comment)
    head: list[str] = []
    start = 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        content = text[start:end].decode().strip()
        if content and not content.startswith(marks):
            break
        if content:
            head.append(content.lstrip("".join({mark[0] for mark in marks})).strip())
        start = end + 1
    rest = text[start:]
    count = len(head)
    if comment is None:
        if head and not rest:
            raise ValueError(
                f"{path}: given lines that all begin with # or %, as comments do; if they are data, say comment='' "
                "(--comment '')"
            )
        found = re.search(rb"^[ \t]*[#%].*", rest, re.MULTILINE) if b"#" in rest or b"%" in rest else None
        if found:
            line = text.count(b"\n", 0, start + found.start()) + 1
            raise ValueError(
                f"{path}: given {found[0].decode()[:40]!r} in line {line}, which may be a comment or a node; say "
                f"comment={found[0].decode().strip()[0]!r} (--comment) to skip such lines, or comment='' to keep them"
            )
    elif comment.encode() in rest:
        rest, more = re.subn(rb"(?m)^[ \t]*" + re.escape(comment.encode()) + rb".*$", b"", rest)
        count += more
    notes = [f"Lines of comment skipped: {count:,}."] if count else []
    # The lines keep their numbers.
    return b"\n" * text.count(b"\n", 0, start) + rest if count else text, head, notes


def _checked_quotes(path: Path, text: bytes, delimiter: str) -> tuple[bytes, bool]:
    """The text without blanks around quoted cells, and whether cells are quoted at all.

    Where no quote that opens a cell is closed before the end of its line and cell, quotes are plain characters.
    """
    between = rb"[ \t]" if delimiter == BLANKS else re.escape(delimiter.encode())
    blanks = rb"[ \t]*" if delimiter != "\t" else rb" *"
    opening = re.compile(rb"(?m)(?:^|(?<=" + between + rb"))" + blanks + rb'"')
    proper = re.compile(blanks + rb'("(?:[^"\n]|"")*")' + blanks + rb"(?=" + between + rb"|\n|\Z)")
    pieces: list[bytes] = []
    start, first_bad, num_good = 0, -1, 0
    while found := opening.search(text, start):
        cell = proper.match(text, found.start())
        if cell is None:
            first_bad = found.start() if first_bad < 0 else first_bad
            pieces.append(text[start : found.end()])
            start = found.end()
        else:
            num_good += 1
            pieces += [text[start : found.start()], cell[1]]
            start = cell.end()
    if first_bad >= 0 and num_good:
        line = text.count(b"\n", 0, first_bad) + 1
        raise ValueError(
            f"{path}: given a quote in line {line} that opens a cell and does not close it in that line, while other "
            "cells are quoted, allowed: quotes closed before the next delimiter, and doubled inside a quoted cell"
        )
    return (text, False) if first_bad >= 0 or not num_good else (b"".join([*pieces, text[start:]]), True)


def single_blanks(text: bytes, quoted: bool) -> bytes:
    """The cells of lines divided by blanks, divided by one."""
    if quoted:
        lines = (re.findall(r'"(?:[^"]|"")*"(?=\s|$)|\S+', line) for line in text.decode().split("\n"))
        return "\n".join(" ".join(cells) for cells in lines).encode()
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    if b"  " in text:
        text = re.sub(rb"  +", b" ", text)
    if b" \n" in text or b"\n " in text or text[:1] == b" " or text[-1:] == b" ":
        text = text.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")
    return text


def parse_cells(path: Path, text: bytes, delimiter: str, quoted: bool, width: int) -> list[pa.ChunkedArray]:
    """The cells of text as ``width`` columns of strings without surrounding blanks; empty lines are left out.

    Raises:
        ValueError: If a line has another number of cells; the message names it.
    """
    # Guarded: the search takes as long as the parsing.
    blank = b" " if delimiter == "\t" else b" \t"
    if any(bytes([sign]) in text for sign in blank):
        text = re.sub(rb"(?m)^[" + blank + rb"]+$", b"", text)
    try:
        columns = _parsed(text, delimiter, quoted, [pa.string()] * width)
    except pa.ArrowInvalid as error:
        raise _explained(path, text, delimiter, quoted, width, error) from error
    return _trimmed(columns, text, delimiter)


def _trimmed(columns: list[pa.ChunkedArray], text: bytes, delimiter: str) -> list[pa.ChunkedArray]:
    """The columns, strings without surrounding blanks."""
    if text.isascii() and (delimiter == BLANKS or b" " not in text) and (delimiter == "\t" or b"\t" not in text):
        return columns
    return [pc.utf8_trim_whitespace(column) if is_text(column.type) else column for column in columns]


def _parsed(text: bytes | pa.Buffer, delimiter: str, quoted: bool, types: list[pa.DataType]) -> list[pa.ChunkedArray]:
    names = [str(k) for k in range(len(types))]
    return csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=names, block_size=min(_BLOCK, max(len(text), 1)), use_threads=len(text) > _BLOCK),
        csv.ParseOptions(delimiter=delimiter, quote_char='"' if quoted else False),
        csv.ConvertOptions(
            column_types=dict(zip(names, types, strict=True)),
            null_values=[],
            strings_can_be_null=False,
            check_utf8=False,
        ),
    ).columns


def _explained(path: Path, text: bytes, delimiter: str, quoted: bool, width: int, error: pa.ArrowInvalid) -> ValueError:
    """The line that made the parser fail."""
    counted = Counter[int]()
    for line, content in _lines(text):
        cells = len(cells_of(content, delimiter)) if quoted else content.count(delimiter) + 1
        counted[cells] += 1
        if cells != width:
            return ValueError(
                f"{path}: given {cells} columns in line {line}, allowed: {width} as in the first; "
                f"cells were divided at {DELIMITER_NAMES.get(delimiter, repr(delimiter))}, see delimiter= (--delimiter)"
            )
    return ValueError(f"{path}: not lines of delimited text: {error}")
