"""Edge lists: tables of one edge a row, as delimited text or as parquet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spherical_gae.data.readers.cells import is_text
from spherical_gae.data.readers.edge_columns import TO_BE_FOUND, EdgeColumns, end_columns, weight_column, why_left_out
from spherical_gae.data.readers.headers import SOURCE_NAMES, TARGET_NAMES, plain
from spherical_gae.data.readers.ids import NumberedIds, number_ids
from spherical_gae.data.readers.raw_graph import ColumnPlaces, RawGraph
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.tables import Table, open_table


def read_edge_list(
    path: Path,
    columns: EdgeColumns = TO_BE_FOUND,
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
    source, target = end_columns(table, columns)
    weight = weight_column(table, columns, (source, target), report)
    time = None if columns.time is None else table.find(columns.time, "time")
    roles = {"source": source, "target": target, "weight": weight, "time": time}
    if len({k for k in roles.values() if k is not None}) < sum(k is not None for k in roles.values()):
        shown = ", ".join(f"{role} {table.title(k)}" for role, k in roles.items() if k is not None)
        raise ValueError(f"{path}: given the columns {shown}, allowed: a different column for each")
    report.columns_used = {role: table.title(k) for role, k in roles.items() if k is not None}
    for k in range(len(table.columns)):
        if k not in roles.values():
            report.columns_left_out.setdefault(table.title(k), why_left_out(table, k))

    if bipartite is None and re.search(r"\bbip\b|\bbipartite\b", " ".join(comments[:5]).lower()):
        bipartite = True
    ids, prefixes = _numbered(table, (source, target), bipartite, prefixes, report)
    types = _types_of_links(table)
    raw = RawGraph(ids.codes, len(ids.ids), report, ids.ids, is_directed=_says_directed(types, comments))
    raw.prefixes = prefixes
    raw.places = ColumnPlaces(source, target, weight, len(table.columns))
    if bipartite or prefixes is not None:
        raw.side = np.zeros(raw.num_nodes, dtype=np.int64)
        raw.side[ids.codes[1]] = 1
    if weight is not None:
        raw.edge_weight = _checked_numbers(table, weight, "weight").astype(np.float64)
    if time is not None:
        raw.edge_time = _checked_times(table, time, report)
    if types is not None and types.any() and not types.all():
        _turn_undirected(raw, ~types)
    return raw


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
        instead = {"weight": "; or weight='none' (--weight none)", "time": "; or no time= (--time)"}[role]
        raise table.fail(row, f"{table.columns[column][row].as_py()!r} as {role}", f"a number{instead}")
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


def _types_of_links(table: Table) -> NDArray[np.bool_] | None:
    """Whether each link is directed, as Gephi's column Type says; None if there is none, or it says something else."""
    names = [plain(name) for name in table.names or []]
    if "type" not in names or not is_text((cells := table.columns[names.index("type")]).type):
        return None
    kinds = pc.utf8_lower(cells)
    if not set(pc.unique(kinds).to_pylist()) <= {"directed", "undirected"}:
        return None
    return pc.equal(kinds, "directed").to_numpy()


def _says_directed(types: NDArray[np.bool_] | None, comments: Sequence[str]) -> bool | None:
    """What comments (SNAP, KONECT) or Gephi's types say of directions."""
    words = " ".join(comments[:5]).lower()
    says_no = re.search(r"\bundirected\b|\bsym\b", words) is not None
    says_yes = re.search(r"\bdirected\b|\basym\b", words) is not None
    if says_no != says_yes:
        return says_yes
    return None if says_no or types is None else bool(types.any())


def _turn_undirected(raw: RawGraph, chosen: NDArray[np.bool_]) -> None:
    """Beside directed links, an undirected one becomes one in each direction."""
    raw.edge_index = np.concatenate([raw.edge_index, raw.edge_index[::-1, chosen]], axis=1)
    for name in ("edge_weight", "edge_time"):
        values = getattr(raw, name)
        if values is not None:
            setattr(raw, name, np.concatenate([values, values[chosen]]))
    raw.report.notes.append(
        f"Directed and undirected links: the {chosen.sum():,} undirected ones count in both directions."
    )
