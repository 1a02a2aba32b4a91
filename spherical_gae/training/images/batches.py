"""Training in mini-batches on data held in memory: what the image models share."""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from spherical_gae.randomness import random_state, restore_random_state, seeded
from spherical_gae.training.callbacks import Callback
from spherical_gae.training.checkpoint import OtherRunError, check_identity, layers_in_words, saved_identity
from spherical_gae.training.early_stopping import EarlyStopping
from spherical_gae.training.engine import run_epochs

# Validation draws the same numbers in every epoch: what differs between epochs is then the model alone.
_VALIDATION_SEED = 0


@dataclass(frozen=True)
class VAEConfig:
    """How to train in mini-batches.  The defaults are those of the paper's MNIST models (appendix F.1).

    Attributes:
        max_epochs: Number of passes over the training data at most, at least 1.
        batch_size: Data points in a batch, at least 1; the last batch of an epoch may be smaller.
        learning_rate: Adam's learning rate, > 0.
        warm_up: Epochs over which the weight of the KL term grows linearly to ``kl_weight``; 0 for none.
        look_ahead: Epochs without a better validation score, after the warm-up, that end training; at least 1.
        kl_weight: Weight of the KL term after the warm-up, >= 0; 1 is the evidence lower bound.
        binarize: Whether data are intensities in [0, 1], to be binarised anew for every batch; the validation data
            are binarised in the same way in every epoch.
        weight_average: Decay of an exponential moving average of the weights over the gradient steps, in [0, 1), which
            is validated and kept in place of the last weights (torch's ``AveragedModel``); 0 for none.  .9999 averages
            over some 10,000 steps: the noise of a constant learning rate goes.
        num_samples: Samples K of the posterior for each data point, at least 1; with more than one the
            importance-weighted bound is trained and validated, see ``VariationalAutoencoder.loss``.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> VAEConfig(max_epochs=50, warm_up=10).look_ahead
        50
    """

    max_epochs: int = 1000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warm_up: int = 100
    look_ahead: int = 50
    kl_weight: float = 1.0
    binarize: bool = True
    weight_average: float = 0.0
    num_samples: int = 1

    def __post_init__(self) -> None:
        for name in ("max_epochs", "batch_size", "look_ahead", "num_samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive and finite, got {self.learning_rate}")
        if self.warm_up < 0:
            raise ValueError(f"warm_up must be at least 0, got {self.warm_up}")
        if not 0 <= self.kl_weight < math.inf:
            raise ValueError(f"kl_weight must be finite and at least 0, got {self.kl_weight}")
        if not 0 <= self.weight_average < 1:
            raise ValueError(f"weight_average must be in [0, 1), got {self.weight_average}")

    def kl_weight_at(self, epoch: int) -> float:
        """Weight of the KL term in an epoch, counted from 1."""
        return self.kl_weight * (min(1.0, epoch / self.warm_up) if self.warm_up else 1.0)


@dataclass(frozen=True)
class VAEResult:
    """What training reached.

    Attributes:
        best_epoch: Epoch of the best validation score, counted from 1; the first one of equals.
        best_score: That score.
        epochs: Number of epochs trained.
        history: For each epoch the figures that were followed.

    Example:
        >>> result = VAEResult(best_epoch=2, best_score=-95.0, epochs=3, history={"val_bound": [-99.0, -95.0, -96.0]})
        >>> result.history["val_bound"][result.best_epoch - 1] == result.best_score
        True
    """

    best_epoch: int
    best_score: float
    epochs: int
    history: dict[str, list[float]]


class BatchRun(ABC):
    """A training run in mini-batches between two epochs: everything that a checkpoint must hold.

    Random numbers come from torch's global generators.

    Args:
        model: The model to train.
        config: Settings.
        seed: Recorded in checkpoints.
    """

    def __init__(self, model: nn.Module, config: VAEConfig, seed: int) -> None:
        self.model, self.config, self.seed = model, config, seed
        self.device = next(model.parameters()).device
        parameters = [p for p in model.parameters() if p.requires_grad]
        # One pass over all weights: a quarter of a small model's step would otherwise be Adam's many small ones.
        self.optimizer = torch.optim.Adam(parameters, lr=config.learning_rate, fused=True)
        self.average: AveragedModel | None = None
        if config.weight_average:
            self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.weight_average))
        self.epoch = 0
        self.stopping = EarlyStopping(config.look_ahead, config.warm_up)
        self.history: dict[str, list[float]] = {}

    @property
    def scored(self) -> nn.Module:
        """What is validated and kept: the model with averaged weights, or the model itself."""
        return self.model if self.average is None else self.average.module

    @abstractmethod
    def train_epoch(self, kl_weight: float) -> dict[str, Tensor]:
        """One pass over the training data; returns means over it, shape () each, that are to be followed."""

    @abstractmethod
    def validate(self) -> tuple[float, dict[str, float]]:
        """The validation score of ``scored``, higher is better, and figures that are to be followed."""

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """What identifies the data."""

    @property
    def max_epochs(self) -> int:
        """Number of epochs at most."""
        return self.config.max_epochs

    @property
    def is_finished(self) -> bool:
        """Whether the look-ahead or the number of epochs is used up."""
        return self.epoch >= self.config.max_epochs or self.stopping.is_due(self.epoch)

    def run(
        self,
        checkpoint: str | Path | None,
        checkpoint_every: int,
        progress: bool,
        callbacks: Sequence[Callback] = (),
    ) -> VAEResult:
        """Trains to the end with the seed's random numbers; arguments as for ``run_epochs``."""
        with seeded(self.seed, self.device):
            run_epochs(
                self,
                device=self.device,
                checkpoint=checkpoint,
                checkpoint_every=checkpoint_every,
                progress=progress,
                title=type(self.model).__name__,
                callbacks=callbacks,
            )
            return self.finish()

    def step(self) -> None:
        """One epoch: a pass over the training data, then validation."""
        self.model.train()
        figures = {k: v.item() for k, v in self.train_epoch(self.config.kl_weight_at(self.epoch + 1)).items()}
        self.epoch += 1
        self.scored.eval()
        with torch.no_grad(), seeded(_VALIDATION_SEED, self.device):
            score, validation = self.validate()
        figures |= validation
        for name, value in figures.items():
            if not math.isfinite(value):
                raise FloatingPointError(f"{name} became {value} in epoch {self.epoch}; lower the learning rate")
            self.history.setdefault(name, []).append(value)
        self.stopping.update(self.epoch, score, self.scored)

    def update(self, loss: Tensor) -> None:
        """One gradient step."""
        # Before: the model may come with gradients.
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.average is not None:
            self.average.update_parameters(self.model)

    def finish(self) -> VAEResult:
        """Leaves the best weights in the model, in evaluation mode."""
        self.model.load_state_dict(self.stopping.best_weights)
        self.model.eval()
        return VAEResult(self.stopping.best_epoch, self.stopping.best_score, self.epoch, self.history)

    def figures(self) -> dict[str, float]:
        """The last entries of the history."""
        return {name: values[-1] for name, values in self.history.items()}

    def latest(self) -> dict[str, str]:
        """The same in words, for a progress bar."""
        return {name: f"{value:.4g}" for name, value in self.figures().items()}

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "identity": self.identity(),
            "epoch": self.epoch,
            "stopping": self.stopping.state(),
            "history": self.history,
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": random_state(self.device),
        }

    def restore(self, state: dict[str, Any], path: str | Path) -> None:
        """Continues from ``state()`` of a run with the same ``identity()``; ``path`` is named if it is not."""
        check_identity(saved_identity(state, path), self.identity(), path)
        if state["epoch"] > self.max_epochs:
            raise OtherRunError(
                f"checkpoint {path} was made by another run: max_epochs: at least {state['epoch']} in the checkpoint, "
                f"{self.max_epochs} here"
            )
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.history = state["epoch"], state["history"]
        self.stopping.restore(state["stopping"])
        restore_random_state(state["random"], self.device)

    def identity(self) -> dict[str, Any]:
        """What must agree for a checkpoint to continue this run; a run may be continued for more epochs."""
        settings = {name: value for name, value in asdict(self.config).items() if name != "max_epochs"}
        if self.average is None:
            del settings["weight_average"]  # checkpoints from before there was one do not have it
        if self.config.num_samples == 1:
            del settings["num_samples"]  # likewise
        return {
            # The layers with their settings, in words.
            "model": layers_in_words(self.model),
            **settings,
            "seed": self.seed,
            # The generators of another device draw other numbers.
            "device": self.device.type,
            **self.fingerprint(),
        }


def shuffled_batches(num_points: int, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Indices of the batches of one epoch, int64 [batch_size] each: every point once, in random order."""
    yield from torch.randperm(num_points, device=device).split(batch_size)


def crc32(data: Tensor) -> int:
    """A checksum that tells data sets apart."""
    return zlib.crc32(data.cpu().contiguous().numpy().data)
