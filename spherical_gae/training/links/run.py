"""A link prediction run between two epochs: what full-batch and mini-batch training share."""

from __future__ import annotations

import copy
import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.splits import LinkSplit
from spherical_gae.evaluation.criteria import check_negatives, criterion_value
from spherical_gae.evaluation.metrics import LinkScores, auc_ap
from spherical_gae.models.encoder_arguments import graph_inputs
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.propagation import NormalizedAdjacency
from spherical_gae.nn.sparse import SparseMatrix
from spherical_gae.randomness import random_state, restore_random_state
from spherical_gae.training.checkpoint import check_identity, layers_in_words, saved_identity
from spherical_gae.training.links.config import GAEConfig, GAEResult

_LATER = ("layers", "features_crc32", "inputs_crc32", "val_crc32", "test_crc32")


class LinkRun(ABC):
    """One training run between two epochs: everything that a checkpoint must hold.

    ``fit_gae`` is its loop; the subclasses are for those who need a loop of their own.  Random numbers come from
    torch's global generators, which ``fit_gae`` seeds.

    Args:
        model: As for ``fit_gae``.
        split: As for ``fit_gae``.
        config: Settings.
        inputs: As for ``fit_gae``.
        seed: As for ``fit_gae``, and recorded in checkpoints.
        device: Where the model is.
    """

    def __init__(
        self,
        model: VariationalGAE,
        split: LinkSplit,
        config: GAEConfig,
        inputs: Sequence[Any] | None,
        seed: int,
        device: torch.device,
    ) -> None:
        if split.val.get("neg_edge_label_index") is not None:
            check_negatives(config.select_by, split.val.neg_edge_label_index)
        self.model, self.config, self.seed, self.device = model, config, seed, device
        self.split = self.placed(split)
        train = self.split.train
        self.inputs = graph_inputs(model.encoder, train, "split.train") if inputs is None else tuple(inputs)
        # ``prepare`` may make others of them.
        self._given = (train.edge_index, *self.inputs)
        self.num_nodes: int = train.num_nodes
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, lr=config.learning_rate)
        self.epoch = 0
        self.best_epoch = 0
        self.best_val = LinkScores(-math.inf, -math.inf)
        self.best_value = -math.inf
        self.best_weights: dict[str, Tensor] = {}
        self.backend: str | None = None
        self.history: dict[str, list[float]] = {"loss": [], "val_auc": [], "val_ap": []}
        if not config.select_by.startswith("auc"):
            self.history[f"val_{config.select_by}"] = []
        self.prepare()

    def placed(self, split: LinkSplit) -> LinkSplit:
        """The split on the devices where this kind of run wants it."""
        return split

    def compile_steps(self, backend: str) -> None:
        """Lets torch.compile make the training steps, by one of its backends.

        Raises:
            ValueError: If this kind of run cannot.
        """
        if type(self).compile_steps is LinkRun.compile_steps:
            raise ValueError("compile must be False in batches of links: it needs the full batch, batch_size=0")
        self.backend = backend

    @abstractmethod
    def prepare(self) -> None:
        """Makes what this kind of run needs besides; called once, when all of the above is there."""

    @abstractmethod
    def train_step(self) -> float:
        """Trains for one epoch, counts it, and returns the loss."""

    @abstractmethod
    def log_odds(self, part: Data) -> tuple[Tensor, Tensor]:
        """Log-odds of a part's links, [P], and of its negatives, [Q] or [P, K], with the model in evaluation mode."""

    def score(self, part: Data) -> LinkScores:
        """AUC and AP of a part's links, with the model in evaluation mode."""
        return auc_ap(*self.log_odds(part))

    @property
    def max_epochs(self) -> int:
        """Number of epochs at most."""
        return self.config.epochs

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done, or the patience is used up."""
        patience = self.config.patience
        return self.epoch >= self.config.epochs or (patience is not None and self.epoch - self.best_epoch >= patience)

    def step(self) -> None:
        """One epoch: training, then validation."""
        self.validate(self.train_step())

    def validate(self, loss: float) -> None:
        """Scores the validation links, and keeps the weights if they are the best so far."""
        positive, negative = self.log_odds(self.split.val)
        val = auc_ap(positive, negative)
        chosen = self.config.select_by
        entries = [loss, *val]
        if chosen.startswith("auc"):
            value = val.auc if chosen == "auc" else sum(val)
        else:
            value = criterion_value(chosen, positive, negative)
            entries.append(value)
        for name, entry in zip(self.history, entries, strict=True):
            self.history[name].append(entry)
        if value > self.best_value:
            self.best_epoch, self.best_val, self.best_value = self.epoch, val, value
            self.best_weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def finish(self) -> GAEResult:
        """Scores the last and the best weights on the test links, and leaves the best in the model."""
        test_last = self.score(self.split.test)
        self.model.load_state_dict(self.best_weights)
        test = self.score(self.split.test)
        return GAEResult(self.best_epoch, self.best_val, test, test_last, self.history, self._score_reversed())

    def _score_reversed(self) -> LinkScores | None:
        """The test links against these links turned round."""
        part = copy.copy(self.split.test)
        turned = part.get("reversed_edge_label_index")
        if turned is None or turned.numel() == 0:
            return None
        part.neg_edge_label_index = turned
        return self.score(part)

    def check_loss(self, value: float) -> None:
        """Ends training whose loss is not finite."""
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss became {value} in epoch {self.epoch + 1}; lower the learning rate")

    def check_embeddings(self, z: Tensor) -> None:
        """Ends training whose embeddings are not finite."""
        # Both extremes are finite only if all entries are, and take one pass over them.
        if not torch.stack(torch.aminmax(z)).isfinite().all():
            raise FloatingPointError(
                f"the embeddings became NaN or infinite in epoch {self.epoch}; lower the learning rate"
            )

    def figures(self) -> dict[str, float]:
        """The last entries of the history."""
        return {name: values[-1] for name, values in self.history.items()}

    def latest(self) -> dict[str, str]:
        """The same in words, for a progress bar."""
        return {name: f"{value:.4f}" for name, value in self.figures().items()}

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "identity": self.identity(),
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_val": list(self.best_val),
            "best_value": self.best_value,
            "best_weights": self.best_weights,
            "history": self.history,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": random_state(self.device),
        }

    def restore(self, state: dict[str, Any], path: str | Path) -> None:
        """Continues from ``state()`` of a run with the same ``identity()``; ``path`` is named if it is not."""
        saved = saved_identity(state, path)
        # Checkpoints from before these were recorded do not have them.
        own = {name: value for name, value in self.identity().items() if name in saved or name not in _LATER}
        check_identity(saved, own, path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.best_epoch = state["epoch"], state["best_epoch"]
        self.best_val, self.best_value = LinkScores(*state["best_val"]), state["best_value"]
        self.best_weights, self.history = state["best_weights"], state["history"]
        restore_random_state(state["random"], self.device)

    def identity(self) -> dict[str, Any]:
        """What must agree for a checkpoint to continue this run."""
        settings = asdict(self.config)
        if self.config.patience is None:
            del settings["patience"]  # checkpoints from before there was one do not have it
        links, weight = self.split.train.pos_edge_label_index, self.split.train.edge_weight
        # Compiled steps draw other random numbers.
        compiled = {} if self.backend is None else {"backend": self.backend}
        return {
            **compiled,
            "model": type(self.model).__name__,
            "config": settings,
            "seed": self.seed,
            "num_nodes": self.num_nodes,
            "num_links": links.size(1),
            # Resumed on another split of the same graph, a model would be tested on links it was trained on.
            "links_crc32": zlib.crc32(links.cpu().numpy().tobytes()),
            "weights_crc32": None if weight is None else zlib.crc32(weight.cpu().numpy().tobytes()),
            # The layers with their settings, in words.
            "layers": layers_in_words(self.model),
            "features_crc32": self._features_crc32,
            # What the encoder sees: weights that were trained on another graph would be tested on this one.
            "inputs_crc32": self._inputs_crc32,
            # The epoch was chosen by these.
            "val_crc32": _pairs_crc32(self.split.val),
            "test_crc32": _pairs_crc32(self.split.test),
        }

    @cached_property
    def _inputs_crc32(self) -> list[Any]:
        return [_crc32(given) for given in self._given]

    @cached_property
    def _features_crc32(self) -> int | None:
        """A checksum of the features, if they are a matrix."""
        x = self.split.train.get("x")
        if not isinstance(x, Tensor) or x.layout != torch.strided:
            return None
        return zlib.crc32(x.detach().cpu().contiguous().numpy().data)


def _pairs_crc32(part: Data) -> int:
    """A checksum of a part's links and negatives."""
    pairs = [part.get(name) for name in ("pos_edge_label_index", "neg_edge_label_index")]
    return zlib.crc32(b"".join(pair.cpu().contiguous().numpy().tobytes() for pair in pairs if pair is not None))


def _crc32(given: Any) -> Any:
    """A checksum of an argument of an encoder, or a list of them; None for what is no tensor or matrix."""
    if isinstance(given, SparseMatrix):
        # The entries of an adjacency follow from its places and the weights, but for roundings of other threads.
        parts = [given.indices] if isinstance(given, NormalizedAdjacency) else [given.indices, given.values]
        return [_crc32(part) for part in parts]
    if isinstance(given, tuple):
        return [_crc32(part) for part in given]
    if not isinstance(given, Tensor):
        return None
    if given.layout != torch.strided:
        entries = given.detach().to_sparse_coo().coalesce()
        return [_crc32(entries.indices()), _crc32(entries.values())]
    numbers = given.detach().cpu().reshape(-1).contiguous()
    return zlib.crc32(numbers.view(torch.uint8).numpy().data if numbers.numel() else b"")
