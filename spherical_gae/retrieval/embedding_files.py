"""The embeddings in a run folder, read by memory map, with the ids of their nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class StoredEmbeddings:
    """The embeddings of a run folder; rows are read when they are used.

    The folder holds ``embeddings.npy``, floating point [N, m], and, unless nodes are called by their row numbers,
    ``node_ids.json``: a list of N different numbers or strings, in the order of the rows.

    Args:
        folder: The run folder.

    Raises:
        FileNotFoundError: If there are no embeddings.
        ValueError: If a file is not what it should be; the message names it.

    Example:
        >>> import json, tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "embeddings.npy", np.eye(3))
        >>> _ = (folder / "node_ids.json").write_text(json.dumps(["ann", "bob", "cid"]))
        >>> StoredEmbeddings(folder).row_of("bob")
        1
    """

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder) / "embeddings.npy"
        if not path.is_file():
            raise FileNotFoundError(f"{path}: not found, allowed: a run folder with embeddings")
        try:
            rows = np.load(path, mmap_mode="r")
        except (ValueError, EOFError) as error:
            raise ValueError(f"{path}: not an array that can be mapped: {error}") from error
        if not isinstance(rows, np.ndarray):
            raise ValueError(f"{path}: given several arrays, an .npz, allowed: one, an .npy")
        if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.floating):
            raise ValueError(f"{path}: given {rows.dtype} of shape {list(rows.shape)}, allowed: floating point [N, m]")
        self.rows: npt.NDArray[Any] = rows
        ids = Path(folder) / "node_ids.json"
        self._ids = _read_ids(ids, len(rows)) if ids.is_file() else None
        self._row_of = None if self._ids is None else {str(name): row for row, name in enumerate(self._ids)}
        if self._row_of is not None and len(self._row_of) < len(rows):
            raise ValueError(f"{ids}: given an id twice, allowed: ids that differ, also when written as text")

    def row_of(self, node: str) -> int:
        """The row of a node.

        Args:
            node: The node's id as text.

        Raises:
            KeyError: If no node has this id; the message says what ids there are.
        """
        if self._row_of is not None and node in self._row_of:
            return self._row_of[node]
        if self._row_of is None and node.isascii() and node.isdecimal() and int(node) < len(self.rows):
            return int(node)
        some = f"0 to {len(self.rows) - 1}" if self._ids is None else f"the {len(self.rows)} ids in node_ids.json"
        raise KeyError(f"given {node!r}, allowed: {some}")

    def id_of(self, row: int) -> int | str:
        """The id of the node in a row, by default the row's number."""
        return row if self._ids is None else self._ids[row]


def _read_ids(path: Path, num_nodes: int) -> list[int | str]:
    try:
        ids = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    # JSON's true and false are numbers to Python.
    if not isinstance(ids, list) or not all(isinstance(name, int | str) and not isinstance(name, bool) for name in ids):
        raise ValueError(f"{path}: given other values, allowed: a list of integers or strings")
    if len(ids) != num_nodes:
        raise ValueError(f"{path}: given {len(ids)} ids, allowed: {num_nodes}, the number of embeddings")
    return ids
