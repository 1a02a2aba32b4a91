"""Classes of nodes in files of their own."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from spherical_gae.data.readers.cells import MISSING, is_text, is_whole
from spherical_gae.data.readers.feature_files import checked_ids, id_column, is_row_number
from spherical_gae.data.readers.suffixes import TABLES, suffix_of
from spherical_gae.data.readers.tables import open_table


def read_node_classes(
    path: Path,
    nodes: Container[str] | None = None,
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    comment: str | None = None,
) -> dict[str, int | str | None]:
    r"""Reads a class for each node: the first column beside the ids and row numbers, as pandas saves them.

    A class is what is written: 02139 and 2139 are two.  Where all of them are whole numbers, written as such, they are
    numbers, so that 2 comes before 10.

    Args:
        path: Delimited text or .parquet: one node a row, with its id in the first column, or in one named ``id`` or
            ``node``.
        nodes: The ids of the graph, which help to tell a header from data.
        header: See :func:`~spherical_gae.data.readers.tables.open_table`.
        delimiter: Likewise.
        comment: Likewise.

    Returns:
        The class of each id, in the order of the rows; None where it is missing.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such table, or an id is missing or comes twice.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "classes.csv")
        >>> _ = path.write_text("id,zip\na,02139\nb,2139\n")
        >>> read_node_classes(path)
        {'a': '02139', 'b': '2139'}
    """
    if suffix_of(path) not in TABLES:
        raise ValueError(f"{path}: given {suffix_of(path) or 'no suffix'}, allowed: a table, {', '.join(TABLES)}")
    table, _, _ = open_table(path, id_columns=1, nodes=nodes, header=header, delimiter=delimiter, comment=comment)
    if not table.num_rows or len(table.columns) < 2:
        raise ValueError(f"{path}: given no classes, allowed: a node id and a class in each row")
    place = id_column(table)
    ids = checked_ids(table, place)
    others = [k for k in range(len(table.columns)) if k != place and not is_row_number(table, k)]
    if not others:
        raise ValueError(f"{path}: given ids and row numbers, allowed: a node id and a class in each row")
    cells = table.columns[others[0]]
    if not is_text(cells.type):
        try:
            cells = cells.cast(pa.string())
        except pa.ArrowNotImplementedError as error:
            raise ValueError(f"{path}: given {cells.type} as classes, allowed: text or numbers") from error
    missing = pc.is_in(cells, value_set=pa.array(MISSING, cells.type)).to_pylist()
    texts = [None if lost else cell for cell, lost in zip(cells.to_pylist(), missing, strict=True)]
    if all(text is None or is_whole(text) for text in texts):
        return {node: None if text is None else int(text) for node, text in zip(ids, texts, strict=True)}
    return dict(zip(ids, texts, strict=True))
