"""Edge lists as ``networkx.write_edgelist`` writes them: a dictionary of attributes at the end of each line."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pyarrow as pa

from spherical_gae.data.readers.delimited import without_comments
from spherical_gae.data.readers.delimiters import BLANKS, DELIMITER_NAMES
from spherical_gae.data.readers.files import read_text
from spherical_gae.data.readers.ids import number_ids
from spherical_gae.data.readers.networkx_files import take_edge_attributes
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.report import ReadReport

_DELIMITERS = (BLANKS, ",", ";", "\t", "|")


def read_dict_edges(
    path: Path,
    weight: str | int = "auto",
    time: str | int | None = None,
    *,
    delimiter: str | None = None,
    comment: str | None = None,
) -> RawGraph:
    """Reads what ``networkx.write_edgelist`` writes: two ids and a dictionary of attributes a line.

    Args:
        path: The file.
        weight: See :func:`~spherical_gae.data.readers.networkx_files.read_networkx`.
        time: Likewise.
        delimiter: What is between them, ``" "`` for any number of blanks; None to find it out from the first line.
        comment: See :func:`~spherical_gae.data.readers.delimited.read_delimited`.

    Returns:
        The graph, not yet cleaned.  Ids are int if all are integers.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a line is none of that kind, it cannot be told what is a comment, or an edge has no number as
            weight or time.
    """
    content, _, notes = without_comments(path, read_text(path), comment)
    lines = [(number, line) for number, line in enumerate(content.decode().split("\n"), 1) if line.strip()]
    if delimiter is None:
        delimiter = next((mark for mark in _DELIMITERS if _cells_of(lines[0][1], mark) is not None), BLANKS)
    ends: list[tuple[str, str]] = []
    values: list[dict[str, Any]] = []
    for number, line in lines:
        cells = _cells_of(line, delimiter)
        if cells is None:
            raise ValueError(
                f"{path}: given {line[:60]!r} in line {number}, allowed: two ids and a dictionary of plain values such "
                f"as {{'weight': 2.0}}, divided by {DELIMITER_NAMES.get(delimiter, repr(delimiter))}, see delimiter= "
                "(--delimiter)"
            )
        ends.append(cells[:2])
        values.append(cells[2])
    ids = number_ids([pa.chunked_array([list(column)], pa.string()) for column in zip(*ends, strict=True)])
    report = ReadReport(path.name, "an edge list of networkx", notes=[*notes, *ids.notes], warnings=ids.warnings)
    raw = RawGraph(ids.codes, len(ids.ids), report, ids.ids)
    names = {name: None for row in values for name in row}
    take_edge_attributes(path, raw, values, list(names), weight, time)
    return raw


class _PlainNumbers(ast.NodeTransformer):
    """Makes plain numbers of NumPy's, which print as np.float64(2.0)."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        is_numpy = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", None) == "np"
        return node.args[0] if is_numpy and len(node.args) == 1 and not node.keywords else node


def _cells_of(line: str, delimiter: str) -> tuple[str, str, dict[str, Any]] | None:
    """The ids and the attributes in a line, None if there are none."""
    try:
        source, target, text = (
            cell.strip() for cell in line.strip().split(None if delimiter == BLANKS else delimiter, 2)
        )
        tree = ast.parse(text, mode="eval")
        given = ast.literal_eval(_PlainNumbers().visit(tree) if "np." in text else tree)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    if not source or not target or not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        return None
    return source, target, given
