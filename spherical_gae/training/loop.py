"""Full-graph training for link prediction."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.data.splits import LinkSplit
from spherical_gae.evaluation.metrics import LinkScores
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.sparse import SparseMatrix
from spherical_gae.randomness import random_state, restore_random_state, seeded
from spherical_gae.training.checkpoint import check_identity
from spherical_gae.training.engine import run_epochs
from spherical_gae.training.masking import AdjacencyMasking, LinkMasking

_CHECKPOINT_EVERY = 25


@dataclass(frozen=True)
class FitConfig:
    """How to train.

    Attributes:
        epochs: Number of passes over the training links, at least 1.
        learning_rate: Adam's learning rate, > 0.
        kl_weight: Weight of the KL term; 1 is the bound of ``VariationalGAE``, mean KL / N.  >= 0.
        mask_share: Share of the training links that each epoch hides from message passing, in [0, 1); if positive,
            only the hidden links are predicted.
        negatives_per_link: Number of negatives drawn for every link to predict, at least 1.

    Raises:
        ValueError: If a value is out of range.
    """

    epochs: int = 200
    learning_rate: float = 0.01
    kl_weight: float = 1.0
    mask_share: float = 0.0
    negatives_per_link: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive and finite, got {self.learning_rate}")
        if not 0 <= self.kl_weight < math.inf:
            raise ValueError(f"kl_weight must be finite and at least 0, got {self.kl_weight}")
        if not 0 <= self.mask_share < 1:
            raise ValueError(f"mask_share must be in [0, 1), got {self.mask_share}")
        if self.negatives_per_link < 1:
            raise ValueError(f"negatives_per_link must be at least 1, got {self.negatives_per_link}")


@dataclass(frozen=True)
class FitResult:
    """What training reached, all scores in [0, 1].

    Attributes:
        best_epoch: Epoch of the best validation AUC + AP, counted from 1; the first one of equals.
        val: Validation scores at the best epoch.
        test: Test scores at the best epoch.
        test_last: Test scores at the last epoch.
        history: For each epoch ``loss``, ``val_auc`` and ``val_ap``.
    """

    best_epoch: int
    val: LinkScores
    test: LinkScores
    test_last: LinkScores
    history: dict[str, list[float]]


def fit(
    model: VariationalGAE,
    split: LinkSplit,
    config: FitConfig | None = None,
    *,
    inputs: Sequence[Any] | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> FitResult:
    """Trains a graph autoencoder on the training links, and keeps the weights of the best validation epoch.

    Each epoch takes one Adam step on recon_loss + kl_weight * kl_loss / N, with fresh negatives, uniform among the
    pairs that are not training links.  Validation and test links are not seen.

    Args:
        model: The model, on the device to train on; on return it holds the best epoch's weights, in
            evaluation mode.
        split: From ``split_links``.
        config: Settings; the defaults if None.
        inputs: Arguments of ``model.encode``, on the model's device; default: ``(x, edge_index)`` of the
            training part.  Pass ``(sparse_features(x), normalized_adjacency(edge_index, N))`` to encoders of
            this package to normalise once.  The last is taken for the graph, which ``mask_share`` replaces.
        seed: Seed of all randomness in training; the caller's generators are left as they were.
        checkpoint: File of the state, written every 25 epochs and at the end.  If it exists, training
            resumes from it, with the same result bit for bit as without the interruption.
        progress: Whether to show a progress bar.

    Returns:
        Scores and history.

    Raises:
        ValueError: If the checkpoint was made with other settings, on another split, or for another kind of model.
        FloatingPointError: If the loss or the embeddings become NaN or infinite.
    """
    config = config or FitConfig()
    device = next(model.parameters()).device
    with seeded(seed, device):
        run = TrainingRun(model, split, config, inputs, seed, device)
        run_epochs(
            run,
            device=device,
            checkpoint=checkpoint,
            checkpoint_every=_CHECKPOINT_EVERY,
            progress=progress,
            title=type(model).__name__,
        )
        return run.finish()


class TrainingRun:
    """One training run between two epochs: everything that a checkpoint must hold.

    ``fit`` is its loop; this class is for those who need a loop of their own.  Random numbers come from torch's
    global generators, which ``fit`` seeds.

    Args:
        model: As for ``fit``.
        split: As for ``fit``.
        config: Settings.
        inputs: As for ``fit``.
        seed: Recorded in checkpoints.
        device: Where the model is.
    """

    def __init__(
        self,
        model: VariationalGAE,
        split: LinkSplit,
        config: FitConfig,
        inputs: Sequence[Any] | None,
        seed: int,
        device: torch.device,
    ) -> None:
        self.model, self.config, self.seed, self.device = model, config, seed, device
        self.split = LinkSplit(*(part.clone().to(device) for part in split))
        train = self.split.train
        self.inputs = (train.x, train.edge_index) if inputs is None else tuple(inputs)
        self.num_nodes = train.num_nodes
        self.masking = self._make_masking()
        self.sampler = NonEdgeSampler(train.edge_index, self.num_nodes)
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, lr=config.learning_rate)
        self.epoch = 0
        self.best_epoch = 0
        self.best_val = LinkScores(-math.inf, -math.inf)
        self.best_weights: dict[str, Tensor] = {}
        self.history: dict[str, list[float]] = {"loss": [], "val_auc": [], "val_ap": []}

    def _make_masking(self) -> LinkMasking | AdjacencyMasking | None:
        share = self.config.mask_share
        if share == 0:
            return None
        edge_index, graph = self.split.train.edge_index, self.inputs[-1]
        if isinstance(graph, SparseMatrix):
            return AdjacencyMasking(edge_index, self.num_nodes, share, graph.dtype)
        return LinkMasking(edge_index, self.num_nodes, share)

    @property
    def max_epochs(self) -> int:
        """Number of epochs."""
        return self.config.epochs

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.config.epochs

    def step(self) -> None:
        """One epoch: a gradient step, then validation."""
        self.validate(self.train_step())

    def train_step(self) -> float:
        """One gradient step on all links, or on those that the mask hides; returns the loss."""
        self.model.train()
        self.optimizer.zero_grad()
        if self.masking is None:
            graph, positives = self.inputs[-1], self.split.train.pos_edge_label_index
        else:
            graph, positives = self.masking.sample()
        z = self.model.encode(*self.inputs[:-1], graph)
        negatives = self.sampler.sample(self.config.negatives_per_link * positives.size(1))
        kl_weight = self.config.kl_weight / self.num_nodes
        known = self.model.graph_arguments(graph, self.num_nodes)
        loss = self.model.recon_loss(z, positives, negatives, **known) + kl_weight * self.model.kl_loss()
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss became {value} in epoch {self.epoch + 1}; lower the learning rate")
        loss.backward()
        self.optimizer.step()
        self.epoch += 1
        return value

    def validate(self, loss: float) -> None:
        """Scores the validation links, and keeps the weights if they are the best so far."""
        val = self.score(self.split.val)
        for name, entry in zip(self.history, (loss, *val), strict=True):
            self.history[name].append(entry)
        if sum(val) > sum(self.best_val):
            self.best_epoch, self.best_val = self.epoch, val
            self.best_weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    @torch.no_grad()
    def score(self, part: Any) -> LinkScores:
        """AUC and AP of a part's links, with the model in evaluation mode."""
        self.model.eval()
        z = self.model.encode(*self.inputs)
        # Both extremes are finite only if all entries are, and take one pass over them.
        if not torch.stack(torch.aminmax(z)).isfinite().all():
            raise FloatingPointError(
                f"the embeddings became NaN or infinite in epoch {self.epoch}; lower the learning rate"
            )
        known = self.model.graph_arguments(self.inputs[-1], self.num_nodes)
        return self.model.test(z, part.pos_edge_label_index, part.neg_edge_label_index, **known)

    def finish(self) -> FitResult:
        """Scores the last and the best weights on the test links, and leaves the best in the model."""
        test_last = self.score(self.split.test)
        self.model.load_state_dict(self.best_weights)
        test = self.score(self.split.test)
        return FitResult(self.best_epoch, self.best_val, test, test_last, self.history)

    def latest(self) -> dict[str, str]:
        """The last entries of the history, for a progress bar."""
        return {name: f"{values[-1]:.4f}" for name, values in self.history.items()}

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "identity": self.identity(),
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_val": list(self.best_val),
            "best_weights": self.best_weights,
            "history": self.history,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": random_state(self.device),
        }

    def restore(self, state: dict[str, Any], path: str | Path) -> None:
        """Continues from ``state()`` of a run with the same ``identity()``; ``path`` is named if it is not."""
        check_identity(state["identity"], self.identity(), path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.best_epoch = state["epoch"], state["best_epoch"]
        self.best_val = LinkScores(*state["best_val"])
        self.best_weights, self.history = state["best_weights"], state["history"]
        restore_random_state(state["random"], self.device)

    def identity(self) -> dict[str, Any]:
        """What must agree for a checkpoint to continue this run."""
        links = self.split.train.pos_edge_label_index
        return {
            "model": type(self.model).__name__,
            "config": asdict(self.config),
            "seed": self.seed,
            "num_nodes": self.num_nodes,
            "num_links": links.size(1),
            # Resumed on another split of the same graph, a model would be tested on links it was trained on.
            "links_crc32": zlib.crc32(links.cpu().numpy().tobytes()),
        }
