"""Which columns of a table of edges are what."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from spherical_gae.data.readers.cells import is_text, numbers_of
from spherical_gae.data.readers.headers import (
    ID_NAMES,
    SOURCE_NAMES,
    TARGET_NAMES,
    TIME_NAMES,
    WEIGHT_NAMES,
    are_a_pair,
    plain,
)
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.tables import Table

# Unix times in seconds from 1973 on; weights of that size are as good as none.
_LIKE_TIMES = 1e8
_AUTO, _NONE = "auto", "none"


@dataclass(frozen=True)
class EdgeColumns:
    """Which columns of a table are what: a name in the header, or a number from 1.

    Attributes:
        source: Column of the first ends; None to find it.
        target: Column of the second ends; None to find it.
        weight: ``"auto"`` for a column of a name such as ``weight`` or, without a header, a third one of numbers;
            ``"none"`` for no weights.
        time: Column of the edges' times; None for none.
    """

    source: str | int | None = None
    target: str | int | None = None
    weight: str | int = _AUTO
    time: str | int | None = None


MAY_BE_TIMES = "it may hold times; to use them, name it: time= (--time)"
NOT_NAMED = "it is not named; to use it, name it: weight= or time= (--weight or --time)"
"""Why a column is not used."""

TO_BE_FOUND = EdgeColumns()
"""No column is named."""


def end_columns(table: Table, columns: EdgeColumns) -> tuple[int, int]:
    """The columns of the ids: those named, those known by name, or the first two.

    Raises:
        ValueError: If there are fewer than two columns, or names say both that a column is an end and that another one
            is.
    """
    found = {
        role: table.find(wanted, role)
        for role, wanted in (("source", columns.source), ("target", columns.target))
        if wanted is not None
    }
    known = _known_ends(table, found)
    if len(known) == 2:
        return known["source"], known["target"]
    places = range(len(table.columns))
    rest = [k for k in places if k not in found.values() and (len(places) < 3 or not table.is_index(k))]
    # What is known to be something else is no end, unless there is nothing else.
    others = [k for k in rest if not _has_another_role(table, k, columns)]
    if len(found) + len(others) >= 2:
        rest = others
    halves = [table.title(k) for k in rest if table.names and plain(table.names[k]) in (*SOURCE_NAMES, *TARGET_NAMES)]
    if not found and halves and len(rest) > 2:
        raise _unclear(table, f"of which {', '.join(halves)} may be an end of the edges or something else")
    # An end that is known by its name comes before one that is taken by its place.
    for role in sorted(("source", "target"), key=lambda role: known.get(role) not in rest):
        if role not in found:
            place = known[role] if known.get(role) in rest else (rest[0] if rest else None)
            if place is None:
                raise ValueError(f"{table.path}: given {len(table.columns)} columns, allowed: a source and a target")
            found[role] = place
            rest.remove(place)
    names = [plain(name) for name in table.names or []]
    if columns.source is None and names and names[found["source"]] in (*ID_NAMES[:5], "label"):
        raise _unclear(table, "of which none is called source or target, so that it may be a table of nodes")
    return found["source"], found["target"]


def _known_ends(table: Table, found: dict[str, int]) -> dict[str, int]:
    """The ends that were named, and those whose names belong to them: two of a pair, or the only ones of their kind."""
    names = [plain(name) for name in table.names or []]
    listed = {"source": SOURCE_NAMES, "target": TARGET_NAMES}
    places = {
        role: [found[role]] if role in found else [k for k, name in enumerate(names) if name in of_role]
        for role, of_role in listed.items()
    }
    if len(found) == 2:
        return found
    pairs = [
        (source, target)
        for source in places["source"]
        for target in places["target"]
        if names and source != target and are_a_pair(names[source], names[target])
    ]
    if len(pairs) > 1:
        shown = ", or ".join(f"{table.title(source)} and {table.title(target)}" for source, target in pairs)
        raise _unclear(table, f"of which source and target may be {shown}")
    if pairs:
        return dict(zip(listed, pairs[0], strict=True))
    known = {role: of_role[0] for role, of_role in places.items() if len(of_role) == 1}
    return known if len(set(known.values())) == len(known) else {}


def _unclear(table: Table, why: str) -> ValueError:
    return ValueError(
        f"{table.path}: given the columns {', '.join(table.names or [])}, {why}. If its rows are edges, name "
        "their ends: source=, target= (--source, --target)"
    )


def weight_column(table: Table, columns: EdgeColumns, ends: tuple[int, int], report: ReadReport) -> int | None:
    """The column of the weights, if there is one; what looks like times goes to the report."""
    if columns.weight != _AUTO:
        return None if columns.weight == _NONE else table.find(columns.weight, "weight")
    time = None if columns.time is None else table.find(columns.time, "time")
    if table.names:
        names = [plain(name) for name in table.names]
        return next(
            (names.index(name) for name in WEIGHT_NAMES if name in names and names.index(name) not in ends), None
        )
    # Without names, only the third column of a table of three, or one beside the time, is a weight.
    others = [k for k in range(len(table.columns)) if k not in (*ends, time) and not _is_empty(table, k)]
    if len(others) != 1:
        return None
    (column,) = others
    values = table.numbers(column)
    if values is None:
        row = table.first_non_number(column)
        cell = table.columns[column][row].as_py()
        if _share_of_numbers(table, column) >= 0.5:
            raise table.fail(row, repr(cell), "a number, as in the other lines, or weight='none' (--weight none)")
        return None
    if values.size and bool((values >= _LIKE_TIMES).all()):
        shown = f"{values.min():.0f} to {values.max():.0f}"
        report.columns_left_out[table.title(column)] = (
            f"its values, {shown}, look like times; name it: time={column + 1} (--time {column + 1}) or "
            f"weight={column + 1} (--weight {column + 1})"
        )
        return None
    return column


def why_left_out(table: Table, column: int) -> str:
    """Why a column is not used, for the report."""
    if _is_empty(table, column):
        return "it is empty"
    if table.is_index(column):
        return "it numbers the rows"
    name = plain(table.names[column]) if table.names else ""
    if name in TIME_NAMES:
        return MAY_BE_TIMES
    if name == "type":
        return "it is not needed"
    if table.numbers(column) is None:
        return "text"
    return NOT_NAMED


def _has_another_role(table: Table, column: int, columns: EdgeColumns) -> bool:
    """Whether a column was told to hold weights or times, or has a name that says so."""
    told = {"weight": None if columns.weight in (_AUTO, _NONE) else columns.weight, "time": columns.time}
    if any(wanted is not None and table.find(wanted, role) == column for role, wanted in told.items()):
        return True
    return table.names is not None and plain(table.names[column]) in (*WEIGHT_NAMES, *TIME_NAMES)


def _share_of_numbers(table: Table, column: int) -> float:
    cells = table.columns[column].slice(0, 1000).to_pylist()
    return sum(numbers_of(pa.chunked_array([[cell]]), table.decimal_comma) is not None for cell in cells) / len(cells)


def _is_empty(table: Table, column: int) -> bool:
    cells = table.columns[column]
    return is_text(cells.type) and pc.all(pc.equal(cells, "")).as_py()
