"""What is called after each epoch, and two that are ready: a CSV file and TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Callback = Callable[[int, Mapping[str, float]], Any]
"""A function ``callback(epoch, figures)``.

It is called after each epoch, counted from 1, with the figures of this epoch by name.  An exception that it raises ends
training and reaches the caller: so a study may give up a run.  A run that is resumed from a checkpoint calls it for the
epochs that it trains, of which some may have been reported before the interruption.
"""


def call_all(callbacks: Iterable[Callback], epoch: int, figures: Mapping[str, float]) -> None:
    """Calls every callback, each with a copy of the figures of its own."""
    for callback in callbacks:
        callback(epoch, dict(figures))


class CSVLogger:
    """Writes a line for each epoch into a CSV file: ``epoch`` and the figures.

    A file that is there is continued: its lines from the first epoch on that is reported here are replaced, and again
    wherever epochs start anew, so that a resumed run leaves each epoch once, and a new run a new file.

    Args:
        path: The file; its folder is made if missing.

    Raises:
        ValueError: When called, if the file to continue has other columns.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "log.csv"
        >>> logger = CSVLogger(path)
        >>> logger(1, {"loss": 1.25, "val_auc": 0.5})
        >>> logger(2, {"loss": 1.0, "val_auc": 0.75})
        >>> print(path.read_text().strip())
        epoch,loss,val_auc
        1,1.25,0.5
        2,1.0,0.75
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._columns: list[str] | None = None
        self._last = 0

    def __call__(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Writes the line of an epoch."""
        columns = ["epoch", *figures]
        if self._columns is None or epoch <= self._last:
            self._start(epoch, columns)
        elif columns != self._columns:
            raise ValueError(f"figures: given {', '.join(figures)}, allowed: {', '.join(self._columns[1:])} as before")
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow([epoch, *figures.values()])
        self._last = epoch

    def _start(self, epoch: int, columns: list[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        earlier: list[list[str]] = []
        if epoch > 1 and self.path.exists():
            with self.path.open(newline="") as file:
                header, *lines = csv.reader(file) if self.path.stat().st_size else [columns]
            if header != columns:
                raise ValueError(f"{self.path}: given columns {', '.join(header)}, allowed: {', '.join(columns)}")
            earlier = [line for line in lines if line and int(line[0]) < epoch]
        with self.path.open("w", newline="") as file:
            csv.writer(file).writerows([columns, *earlier])
        self._columns = columns


class TensorBoardLogger:
    """Writes the figures of each epoch as scalars for TensorBoard, which needs the package ``tensorboard``.

    Of a run that is resumed, TensorBoard shows the epochs once.

    Args:
        folder: Folder of the events, for ``tensorboard --logdir``.

    Raises:
        ImportError: If tensorboard is not installed.

    Example:
        >>> logger = TensorBoardLogger("runs/first")  # doctest: +SKIP
        >>> logger(1, {"loss": 1.25})  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError("TensorBoardLogger needs tensorboard: pip install tensorboard") from error
        self.folder = Path(folder)
        self._make_writer = SummaryWriter
        self._writer: Any = None
        self._last = 0

    def __call__(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Writes the scalars of an epoch, and flushes them."""
        if epoch <= self._last:
            self.close()
        self._last = epoch
        if self._writer is None:
            self._writer = self._make_writer(str(self.folder), purge_step=epoch)
        for name, value in figures.items():
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """Closes the file; more calls open another."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
