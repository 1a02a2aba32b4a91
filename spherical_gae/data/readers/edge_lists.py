"""Edge lists: tables of one edge a row, as delimited text or as parquet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spherical_gae.data.readers.cells import is_text, numbers_of
from spherical_gae.data.readers.headers import ID_NAMES, SOURCE_NAMES, TARGET_NAMES, TIME_NAMES, WEIGHT_NAMES, plain
from spherical_gae.data.readers.ids import NumberedIds, number_ids
from spherical_gae.data.readers.raw_graph import ColumnPlaces, RawGraph
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.tables import Table, open_table

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


def read_edge_list(
    path: Path,
    columns: EdgeColumns = EdgeColumns(),
    *,
    bipartite: bool | None = None,
    prefixes: tuple[str, str] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    comment: str | None = None,
) -> RawGraph:
    """Reads edges, one a row: two node ids and, where there are such columns, a weight and a time.

    Ids are any text, kept exactly; see :func:`~spherical_gae.data.readers.ids.number_ids`.  The nodes are sorted, so
    that the order of the rows changes nothing.  A node without links is listed as linked to itself.

    Args:
        path: A file of delimited text, or .parquet.
        columns: Which columns are what.
        bipartite: Whether sources and targets are nodes of two kinds, whatever their ids; None for what the comments at
            the head say, if anything.  Ids that occur in both columns are then preceded by the column's name.
        prefixes: What is put before the ids of the two columns whether they occur in both or not, as in an earlier file
            of a bipartite graph; the columns are then those of these names, if there are such.
        header: Whether the first line names the columns; None to find out, see
            :func:`~spherical_gae.data.readers.headers.has_header`.
        delimiter: See :func:`~spherical_gae.data.readers.delimited.read_delimited`.
        comment: Likewise.

    Returns:
        The edges as listed, neither merged nor checked.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If there is no edge, an id is empty, a weight or a time is missing or no number, or it cannot be
            told what a column is; the message names the line and how to decide it.
    """
    table, report, comments = open_table(path, id_columns=2, header=header, delimiter=delimiter, comment=comment)
    if not table.num_rows:
        raise ValueError(f"{path}: given no edges, allowed: at least one")
    if len(table.columns) < 2:
        raise ValueError(f"{path}: given 1 columns, allowed: source, target and, optionally, weight")
    if prefixes is not None and set(prefixes) <= set(table.names or ()) and columns.source is columns.target is None:
        columns = replace(columns, source=prefixes[0], target=prefixes[1])
    source, target = _ends(table, columns)
    weight = _weight_column(table, columns, (source, target), report)
    time = None if columns.time is None else table.find(columns.time, "time")
    roles = {"source": source, "target": target, "weight": weight, "time": time}
    if len({k for k in roles.values() if k is not None}) < sum(k is not None for k in roles.values()):
        shown = ", ".join(f"{role} {table.title(k)}" for role, k in roles.items() if k is not None)
        raise ValueError(f"{path}: given the columns {shown}, allowed: a different column for each")
    report.columns_used = {role: table.title(k) for role, k in roles.items() if k is not None}
    for k in range(len(table.columns)):
        if k not in roles.values():
            report.columns_left_out.setdefault(table.title(k), _why_left_out(table, k))

    if bipartite is None and re.search(r"\bbip\b|\bbipartite\b", " ".join(comments[:5]).lower()):
        bipartite = True
    ids, prefixes = _numbered(table, (source, target), bipartite, prefixes, report)
    raw = RawGraph(ids.codes, len(ids.ids), report, ids.ids, is_directed=_says_directed(table, comments))
    raw.prefixes = prefixes
    raw.places = ColumnPlaces(source, target, weight, len(table.columns))
    if bipartite or prefixes is not None:
        raw.side = np.zeros(raw.num_nodes, dtype=np.int64)
        raw.side[ids.codes[1]] = 1
    if weight is not None:
        raw.edge_weight = _checked_numbers(table, weight, "weight").astype(np.float64)
    if time is not None:
        raw.edge_time = _checked_times(table, time, report)
    return raw


def _ends(table: Table, columns: EdgeColumns) -> tuple[int, int]:
    """The columns of the ids: those named, those known by name, or the first two."""
    names = [plain(name) for name in table.names or []]
    known = {
        role: next((names.index(name) for name in listed if name in names), None)
        for role, listed in (("source", SOURCE_NAMES), ("target", TARGET_NAMES))
    }
    found = {
        role: table.find(wanted, role)
        for role, wanted in (("source", columns.source), ("target", columns.target))
        if wanted is not None
    }
    if not found and None not in known.values() and known["source"] != known["target"]:
        return known["source"], known["target"]  # type: ignore[return-value]
    places = range(len(table.columns))
    rest = [k for k in places if k not in found.values() and (len(places) < 3 or not table.is_index(k))]
    # What is known to be something else is no end, unless there is nothing else.
    others = [k for k in rest if not _has_another_role(table, k, columns)]
    if len(found) + len(others) >= 2:
        rest = others
    for role in ("source", "target"):
        if role not in found:
            place = known[role] if known[role] in rest else (rest[0] if rest else None)
            if place is None:
                raise ValueError(f"{table.path}: given {len(table.columns)} columns, allowed: a source and a target")
            found[role] = place
            rest.remove(place)
    if columns.source is None and names and names[found["source"]] in (*ID_NAMES[:5], "label"):
        raise ValueError(
            f"{table.path}: given the columns {', '.join(table.names or [])}, of which none is called source or "
            "target; it may be a table of nodes. If its rows are edges, name the columns: source=, target= (--source, "
            "--target)"
        )
    return found["source"], found["target"]


def _numbered(
    table: Table,
    ends: tuple[int, int],
    bipartite: bool | None,
    prefixes: tuple[str, str] | None,
    report: ReadReport,
) -> tuple[NumberedIds, tuple[str, str] | None]:
    """The nodes of the columns ``ends``, and what was put before their ids, if anything."""
    cells = [_checked_ids(table, k) for k in ends]
    if prefixes is not None:
        report.notes.append(f"Nodes are of two kinds: {prefixes[0]!r} or {prefixes[1]!r} was put before their ids.")
    else:
        ids = number_ids(cells)
        are_shared = _any_in_both(ids.codes, len(ids.ids))
        if bipartite and are_shared:
            prefixes = (table.names[ends[0]], table.names[ends[1]]) if table.names else ("source", "target")
            report.notes.append(
                "Ids occur in both columns, and are nodes of two kinds: the column's name was put before them."
            )
        elif are_shared and bipartite is None:
            _warn_of_two_kinds(table, ends, report)
        elif bipartite is None and len(ids.ids) > 4:
            report.notes.append(
                "No node is both a source and a target. If nodes are of two kinds, keep the sides: "
                "bipartite=True (--bipartite)."
            )
    if prefixes is not None:
        ids = number_ids([_prefixed(*pair) for pair in zip(cells, prefixes, strict=True)])
    report.notes += ids.notes
    report.warnings += ids.warnings
    return ids, prefixes


def _has_another_role(table: Table, column: int, columns: EdgeColumns) -> bool:
    """Whether a column was told to hold weights or times, or has a name that says so."""
    told = {"weight": None if columns.weight in (_AUTO, _NONE) else columns.weight, "time": columns.time}
    if any(wanted is not None and table.find(wanted, role) == column for role, wanted in told.items()):
        return True
    return table.names is not None and plain(table.names[column]) in (*WEIGHT_NAMES, *TIME_NAMES)


def _weight_column(table: Table, columns: EdgeColumns, ends: tuple[int, int], report: ReadReport) -> int | None:
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


def _share_of_numbers(table: Table, column: int) -> float:
    cells = table.columns[column].slice(0, 1000).to_pylist()
    return sum(numbers_of(pa.chunked_array([[cell]]), table.decimal_comma) is not None for cell in cells) / len(cells)


def _is_empty(table: Table, column: int) -> bool:
    cells = table.columns[column]
    return is_text(cells.type) and pc.all(pc.equal(cells, "")).as_py()


def _why_left_out(table: Table, column: int) -> str:
    if _is_empty(table, column):
        return "it is empty"
    if table.is_index(column):
        return "it numbers the rows"
    name = plain(table.names[column]) if table.names else ""
    if name in TIME_NAMES:
        return "it may hold times; to use them, name it: time= (--time)"
    if name == "type":
        return "it is not needed"
    if table.numbers(column) is None:
        return "text"
    return "it is not named; to use it, name it: weight= or time= (--weight or --time)"


def _checked_ids(table: Table, column: int) -> pa.ChunkedArray:
    cells = table.columns[column]
    if not (is_text(cells.type) or pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
        raise ValueError(
            f"{table.path}: given {cells.type} in column {table.title(column)}, allowed: ids, text or integers"
        )
    if pa.types.is_integer(cells.type) and not cells.null_count:
        return cells
    empty = pc.is_null(cells, nan_is_null=True) if not is_text(cells.type) else pc.equal(pc.fill_null(cells, ""), "")
    if pc.any(empty).as_py():
        row = int(pc.index(empty, True).as_py())
        hint = "; if it names the columns, say header=True (--header)" if row == 0 and table.names is None else ""
        raise table.fail(row, "an empty node id", f"any text{hint}")
    return cells


def _any_in_both(codes: NDArray[np.int64], count: int) -> bool:
    """Whether a number below ``count`` is in both rows."""
    there = np.zeros((2, count), dtype=bool)
    for row, numbers in zip(there, codes, strict=True):
        row[numbers] = True
    return bool((there[0] & there[1]).any())


def _prefixed(cells: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """The ids behind the name, unless all of them are written so already."""
    texts = cells.cast(pa.string())
    if pc.all(pc.starts_with(texts, f"{name} ")).as_py():
        return texts
    return pc.binary_join_element_wise(name, texts, " ")


def _warn_of_two_kinds(table: Table, ends: tuple[int, int], report: ReadReport) -> None:
    """Users and films may both be called 1."""
    if not table.names:
        return
    first, second = (plain(table.names[k]) for k in ends)
    kinds = [re.sub(r"id$|\d+$", "", name) for name in (first, second)]
    if kinds[0] != kinds[1] and first not in SOURCE_NAMES and second not in TARGET_NAMES:
        report.warnings.append(
            f"ids occur both in {table.title(ends[0])} and in {table.title(ends[1])}, and are read as the same nodes. "
            "If they are of two kinds, say so: bipartite=True (--bipartite)"
        )


def _checked_numbers(table: Table, column: int, role: str) -> NDArray[np.float64] | NDArray[np.int64]:
    values = table.numbers(column)
    if values is None:
        row = table.first_non_number(column)
        raise table.fail(row, f"{table.columns[column][row].as_py()!r} as {role}", "a number")
    table.refuse_ambiguous(column, f"{role}s")
    if values.dtype.kind == "f" and np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0])
        raise table.fail(row, f"{table.columns[column][row].as_py()!r} as {role}", f"a number, or {role}='none'")
    return values


def _checked_times(table: Table, column: int, report: ReadReport) -> NDArray[np.float64] | NDArray[np.int64]:
    """Times as they are if they are numbers, dates as seconds since 1970."""
    cells = table.columns[column]
    if not pa.types.is_temporal(cells.type):
        if table.numbers(column) is not None or not is_text(cells.type):
            return _checked_numbers(table, column, "time")
        try:
            dates = pd.to_datetime(pd.Series(cells.to_pylist(), dtype=object), utc=True, format="ISO8601")
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"{table.path}: given times in column {table.title(column)} that are neither numbers nor dates such as "
                f"2024-05-31 ({error})"
            ) from error
    elif not (pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type)):
        raise ValueError(
            f"{table.path}: given {cells.type} as times in column {table.title(column)}, allowed: numbers, dates, or "
            "dates with times"
        )
    else:
        # Nanoseconds since 1970, as seconds, are finer than float64.
        dates = pd.to_datetime(pd.Series(cells.cast(pa.timestamp("us"), safe=False).to_numpy()), utc=True)
    if dates.isna().any():
        row = int(np.flatnonzero(dates.isna())[0])
        raise table.fail(row, "an empty time", "a number or a date")
    report.notes.append("Times are dates: read as seconds since 1970, UTC.")
    micros = dates.dt.as_unit("us").astype("int64").to_numpy()
    return micros // 1_000_000 if not (micros % 1_000_000).any() else micros / 1e6


def _says_directed(table: Table, comments: Sequence[str]) -> bool | None:
    """What comments (SNAP, KONECT) or Gephi's column Type say of directions."""
    words = " ".join(comments[:5]).lower()
    if re.search(r"\bundirected\b|\bsym\b|\bbip\b", words):
        return False
    if re.search(r"\bdirected\b|\basym\b", words):
        return True
    names = [plain(name) for name in table.names or []]
    if "type" in names:
        kinds = pc.unique(table.columns[names.index("type")]).to_pylist()
        if set(kinds) <= {"Directed", "directed"}:
            return True
        if set(kinds) <= {"Undirected", "undirected"}:
            return False
    return None
