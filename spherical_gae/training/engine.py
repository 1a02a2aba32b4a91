"""The shared training loop: progress bar, atomic checkpoints, resume bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from tqdm import tqdm

from spherical_gae.training.callbacks import Callback, call_all
from spherical_gae.training.checkpoint import load_checkpoint, save_checkpoint
from spherical_gae.training.processes import Processes


class ResumableRun(Protocol):
    """A training run between two epochs.

    Attributes:
        epoch: Number of epochs that are done.
        max_epochs: Number of epochs at most.
        is_finished: Whether there is nothing left to do.
    """

    @property
    def epoch(self) -> int: ...  # noqa: D102

    @property
    def max_epochs(self) -> int: ...  # noqa: D102

    @property
    def is_finished(self) -> bool: ...  # noqa: D102

    def step(self) -> None:
        """One epoch."""

    def figures(self) -> dict[str, float]:
        """Figures of the last epoch, for callbacks."""

    def latest(self) -> dict[str, str]:
        """The same in words, for a progress bar."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""

    def restore(self, state: dict[str, Any], path: str | Path) -> None:
        """Continues from ``state()`` of a like run; ``path`` is named in the error if it is of another."""


def run_epochs(
    run: ResumableRun,
    *,
    device: torch.device,
    checkpoint: str | Path | None,
    checkpoint_every: int,
    progress: bool,
    title: str,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Steps a run until it is finished.

    Args:
        run: The run, at its start.
        device: Where it runs.
        checkpoint: File of the state, written every ``checkpoint_every`` epochs and at the end.  If it exists, the run
            continues from it.  Of several processes, the first writes it, and all read it.
        checkpoint_every: Epochs between checkpoints.
        progress: Whether to show a progress bar.
        title: What the bar is labelled with.
        callbacks: Called after each epoch, when its checkpoint is written, see ``Callback``; of several processes, in
            the first.
    """
    processes = Processes.current()
    if checkpoint is not None and processes.agree(Path(checkpoint).exists()):
        run.restore(load_checkpoint(checkpoint, device), checkpoint)
    with tqdm(
        total=run.max_epochs, initial=run.epoch, desc=title, disable=not (progress and processes.is_first)
    ) as bar:
        while not run.is_finished:
            run.step()
            due = run.epoch % checkpoint_every == 0 or run.is_finished
            if checkpoint is not None and due and processes.is_first:
                save_checkpoint(checkpoint, run.state())
            if callbacks and processes.is_first:
                call_all(callbacks, run.epoch, run.figures())
            bar.set_postfix(run.latest(), refresh=False)
            bar.update()
