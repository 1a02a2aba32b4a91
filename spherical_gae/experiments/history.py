"""What every epoch of a run was like, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spherical_gae.training.checkpoint import write_atomically


def write_history(path: Path, history: Mapping[str, Sequence[float]]) -> None:
    """Writes the history of a training run.

    Args:
        path: The file, with the columns ``epoch``, counted from 1, and the names of the figures.
        history: Figures of every epoch, by name, as in ``GAEResult``.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "history.csv"
        >>> write_history(path, {"loss": [1.5, 1.25], "val_auc": [0.5, 0.75]})
        >>> print(path.read_text().strip())
        epoch,loss,val_auc
        1,1.5,0.5
        2,1.25,0.75
    """
    rows = ((epoch, *figures) for epoch, figures in enumerate(zip(*history.values(), strict=True), 1))
    _write(path, [["epoch", *history], *rows])


def gather_histories(path: Path, histories: Mapping[tuple[str, int], Path]) -> None:
    """Writes the histories of several runs into one file, with the columns ``method`` and ``seed`` before.

    Args:
        path: The file.
        histories: Method and seed -> file from ``write_history``, at least one, all with the same columns.
    """
    rows: list[Sequence[Any]] = []
    for (method, seed), part in histories.items():
        with part.open(newline="") as file:
            header, *lines = csv.reader(file)
        rows += [(method, seed, *line) for line in lines]
    _write(path, [["method", "seed", *header], *rows])


def _write(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))
