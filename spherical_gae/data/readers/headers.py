"""Is the first line of a table a header?"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from spherical_gae.data.readers.cells import MISSING, is_number
from spherical_gae.data.readers.ids import INTEGER

SOURCE_NAMES = (
    "source", "src", "from", "fromnode", "fromnodeid", "fromid", "sourceid", "sourcenode", "srcid", "node1", "nodeid1",
    "id1", "user1", "u", "head", "sender", "follower", "citing", "node1id", "entity1", "protein1", "gene1", "vertex1",
)  # fmt: skip
"""Names of a column of sources, in lower case, letters and digits only."""
TARGET_NAMES = (
    "target", "dst", "to", "tonode", "tonodeid", "toid", "targetid", "targetnode", "dstid", "node2", "nodeid2", "id2",
    "user2", "v", "tail", "receiver", "followee", "cited", "node2id", "entity2", "protein2", "gene2", "vertex2",
    "dest", "destination",
)  # fmt: skip
"""Names of a column of targets; see :func:`are_a_pair`."""
_PAIRS = (
    ("source", "target"), ("source", "dest"), ("source", "destination"), ("src", "dst"), ("src", "dest"),
    ("from", "to"), ("u", "v"), ("head", "tail"), ("sender", "receiver"), ("follower", "followee"), ("citing", "cited"),
)  # fmt: skip
WEIGHT_NAMES = ("weight", "weights", "w", "edgeweight", "strength")
"""Names of a column that is taken for weights."""
TIME_NAMES = (
    "time",
    "times",
    "timestamp",
    "ts",
    "t",
    "date",
    "datetime",
    "year",
    "epoch",
    "unixtime",
    "created",
    "createdat",
)
"""Names of a column that holds times."""
ID_NAMES = ("id", "ids", "node", "nodes", "nodeid", "name", "label", "user", "userid", "vertex", "key", "index")
"""Names of a column of node ids."""


def plain(name: str) -> str:
    """A column's name in lower case, letters and digits only.

    Example:
        >>> plain("From_Node Id")
        'fromnodeid'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def are_a_pair(source: str, target: str) -> bool:
    """Whether two plain names name the two ends of an edge in the same way.

    Example:
        >>> are_a_pair("fromnodeid", "tonodeid"), are_a_pair("protein1", "protein2"), are_a_pair("source", "protein2")
        (True, True, False)
    """
    one, other = (re.sub("node|id", "", name) for name in (source, target))
    return (one, other) in _PAIRS or (one.endswith("1") and other == f"{one[:-1]}2")


_KNOWN = {*SOURCE_NAMES, *TARGET_NAMES, *WEIGHT_NAMES, *TIME_NAMES, *ID_NAMES, "type"}


def has_header(
    path: Path,
    first: Sequence[str],
    rest: Sequence[pa.ChunkedArray],
    id_columns: int,
    nodes: Container[str] | None = None,
) -> bool:
    """Finds out whether the first row of a table of text names its columns.

    Args:
        path: The file, for the message.
        first: The cells of the first row.
        rest: The columns of the other rows, of strings or of int64.
        id_columns: How many of them hold node ids: 2 for a list of edges, 1 for a table of nodes.
        nodes: For a table of nodes, the ids of the graph, if they are known.

    Raises:
        ValueError: If the first line may as well be data; the message says how to decide it.
    """
    first = list(first)
    names = [plain(cell) for cell in first]
    if not len(rest[0]):
        return are_names(names, id_columns)
    if not first[0] and (id_columns == 1 or _are_column_names(first[1:], id_columns)):
        # An index without a name, as pandas writes it; an id is never empty.
        return True
    if "" in first[:id_columns]:
        return False  # an id is missing, which is said where ids are read
    if first == [str(k) for k in range(len(first))]:
        # The names that pandas gives to columns, unless the ids are numbers too.
        if not any(_all_numbers(column) for column in rest[:id_columns]):
            return True
        if _are_nodes(first[:id_columns], rest[:id_columns], nodes):
            return False
        raise _undecided(path, first, ", as they are the names that pandas gives, and occur nowhere else")
    known = are_names(names, id_columns)
    if any(is_number(cell) for cell in first[:id_columns]):
        return False
    if known and _again(first[:id_columns], rest[:id_columns]) is None:
        return True
    numeric = [_all_numbers(column) for column in rest[:id_columns]]
    over_ids, under_ids = any(numeric), all(numeric)
    # A word is not among numbers.
    again = None if under_ids else _again(first[:id_columns], rest[:id_columns])
    values_start = not known and any(
        _all_numbers(column) and is_number(cell)
        for cell, column in zip(first[id_columns:], rest[id_columns:], strict=True)
    )
    over_values = any(
        _all_numbers(column) and cell not in MISSING and not is_number(cell)
        for cell, column in zip(first[id_columns:], rest[id_columns:], strict=True)
    )
    if id_columns == 1 and not known and (nodes is None or first[0] in nodes) and all(map(is_number, first[1:])):
        return False
    if id_columns == 2 and values_start:
        return False
    if again is None and (under_ids or over_values or (over_ids and len(first) > 1)):
        return True
    if again is not None and not (known or over_values):
        return False
    if id_columns == 1 and nodes is not None and first[0] in nodes:
        return False
    if id_columns == 1 and nodes is not None and again is None:
        # Not a node of the graph: a header, unless what follows looks like values.
        others = zip(first[1:], rest[1:], strict=True)
        if not any(is_number(cell) or _holds(column, cell) for cell, column in others):
            return True
    raise _undecided(path, first, f", as {again!r} occurs again among the ids" if again is not None else "")


def _undecided(path: Path, first: Sequence[str], reason: str) -> ValueError:
    return ValueError(
        f"{path}: given the first line {', '.join(first)!r}, which may be a header or data{reason}; say which by "
        "header=True (--header) or header=False (--no-header)"
    )


def _are_nodes(first: Sequence[str], rest: Sequence[pa.ChunkedArray], nodes: Container[str] | None) -> bool:
    """Whether 0, and 1, are nodes that are known or occur again."""
    if nodes is not None:
        return first[0] in nodes
    return len(first) == 1 or _again(first, rest) is not None


def _are_column_names(cells: Sequence[str], id_columns: int) -> bool:
    """Whether cells may be names beside an unnamed index: words above the ids, or 0, 1, ... as pandas calls columns."""
    if all(plain(cell) in _KNOWN for cell in cells) or cells == [str(k) for k in range(len(cells))]:
        return True
    above_ids = cells[:id_columns]
    return len(above_ids) == id_columns and not any(not cell or is_number(cell) for cell in above_ids)


def are_names(names: Sequence[str], id_columns: int) -> bool:
    """Whether plain names are those of a source and a target, or of one column of ids."""
    if id_columns == 1:
        return bool(names) and names[0] in ID_NAMES
    return any(name in SOURCE_NAMES for name in names) and any(name in TARGET_NAMES for name in names)


def _all_numbers(column: pa.ChunkedArray) -> bool:
    """Whether all cells that are not missing are numbers, and there is one."""
    try:
        return len(column.cast(pa.int64())) > 0
    except pa.ArrowInvalid:
        pass
    head = column.slice(0, 100).to_pylist()
    if any(cell not in MISSING and not is_number(cell) for cell in head):
        return False
    given = column.filter(pc.invert(pc.is_in(column, value_set=pa.array(MISSING))))
    if not len(given):
        return False
    try:
        given.cast(pa.float64())
    except pa.ArrowInvalid:
        return all(is_number(cell) for cell in given.to_pylist())
    return True


def _holds(column: pa.ChunkedArray, cell: str) -> bool:
    if pa.types.is_integer(column.type):
        return bool(INTEGER.fullmatch(cell)) and bool(pc.any(pc.equal(column, int(cell))).as_py())
    return bool(pc.any(pc.equal(column, cell)).as_py())


def _again(first: Sequence[str], rest: Sequence[pa.ChunkedArray]) -> str | None:
    """The first id of the first row that is an id of another row too."""
    for cell in first:
        if any(_holds(column, cell) for column in rest):
            return cell
    return None
