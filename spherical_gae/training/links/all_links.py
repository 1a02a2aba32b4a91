"""Training on all links of a graph for a number of epochs: nothing is held out, and nothing is selected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch_geometric.data import Data

from spherical_gae.data.splits import LinkSplit
from spherical_gae.models.directed import check_undirected
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.randomness import seeded
from spherical_gae.training.callbacks import Callback
from spherical_gae.training.engine import run_epochs
from spherical_gae.training.links.config import GAEConfig
from spherical_gae.training.links.loop import checkpoint_interval, make_run
from spherical_gae.training.links.run import LinkRun


def train_on_all_links(
    model: VariationalGAE,
    train: Data,
    config: GAEConfig,
    *,
    inputs: Sequence[Any] | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    title: str | None = None,
    callbacks: Sequence[Callback] = (),
) -> list[float]:
    """Trains a graph autoencoder for ``config.epochs`` epochs, and keeps the last weights.

    For the last training of a model whose settings and number of epochs were chosen by ``fit_gae`` on a part of the
    links.

    Args:
        model: The model, on the device to train on; on return in evaluation mode.
        train: Graph with ``x``, ``edge_index`` and ``pos_edge_label_index``, as the training part of ``split_links``.
        config: Settings; without ``patience``, as there is no score that could get better.
        inputs: As for ``fit_gae``.
        seed: As for ``fit_gae``.
        checkpoint: As for ``fit_gae``.
        progress: As for ``fit_gae``.
        title: As for ``fit_gae``.
        callbacks: As for ``fit_gae``; the figures are the ``loss`` alone.

    Returns:
        The loss of each epoch.

    Raises:
        ValueError: If ``config`` has a patience, or the graph is directed; and as ``fit_gae``.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    if config.patience is not None:
        raise ValueError(f"patience must be None where nothing is held out, got {config.patience}")
    check_undirected("train", train, model)
    device = next(model.parameters()).device
    with seeded(seed, device):
        run = make_run(model, LinkSplit(train, train, train), config, inputs, seed, device)
        run_epochs(
            _Unvalidated(run),
            device=device,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_interval(run),
            progress=progress,
            title=title or type(model).__name__,
            callbacks=callbacks,
        )
    model.eval()
    return run.history["loss"]


class _Unvalidated:
    """A run whose epochs end with the training; its history is the loss."""

    def __init__(self, run: LinkRun) -> None:
        self.run = run
        run.history = {"loss": []}
        self.state, self.restore, self.figures, self.latest = run.state, run.restore, run.figures, run.latest

    @property
    def epoch(self) -> int:
        return self.run.epoch

    @property
    def max_epochs(self) -> int:
        return self.run.max_epochs

    @property
    def is_finished(self) -> bool:
        return self.run.is_finished

    def step(self) -> None:
        self.run.history["loss"].append(self.run.train_step())
