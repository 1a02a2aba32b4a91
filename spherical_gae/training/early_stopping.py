"""Early stopping with a look-ahead, and the best weights."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn


class EarlyStopping:
    """Keeps the weights of the best validation score, and says when no better one is to be expected.

    Args:
        look_ahead: Epochs without a better score after which training stops, at least 1.
        earliest: Epoch before which the look-ahead is not counted, such as the end of a warm-up.

    Attributes:
        best_score: The highest score so far, -infinity before the first.
        best_epoch: Its epoch, the first one of equals; 0 before the first.
        best_weights: The model's state at that epoch.
    """

    def __init__(self, look_ahead: int, earliest: int = 0) -> None:
        self.look_ahead, self.earliest = look_ahead, earliest
        self.best_score = -math.inf
        self.best_epoch = 0
        self.best_weights: dict[str, Tensor] = {}

    def update(self, epoch: int, score: float, model: nn.Module) -> None:
        """Compares the score of an epoch, counted from 1; higher is better."""
        if score > self.best_score:
            self.best_score, self.best_epoch = score, epoch
            self.best_weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def is_due(self, epoch: int) -> bool:
        """Whether to stop after this epoch."""
        return epoch - max(self.best_epoch, self.earliest) >= self.look_ahead

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"score": self.best_score, "epoch": self.best_epoch, "weights": self.best_weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Sets what ``state`` returned."""
        self.best_score, self.best_epoch, self.best_weights = state["score"], state["epoch"], state["weights"]
