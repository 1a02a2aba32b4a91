"""Training with validation by many metrics at once: each has an epoch of its own, and there is one for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Times that a training run is validated: the hard negatives are half a million pairs.
CHECKS = 20


class EveryMetric:
    """Keeps, for every metric, the test value of the epoch with its best validation value.

    Beside it ``one_epoch`` has all test values of the epoch with the best validation AUC + AP.

    Args:
        validate: Returns the metrics on the validation part.
        test: Returns the metrics on the test part; called only when a validation value is the best so far.
    """

    def __init__(self, validate: Callable[[], dict[str, float]], test: Callable[[], dict[str, float]]) -> None:
        self.validate, self.test = validate, test
        self.best: dict[str, float] = {}
        self.result: dict[str, Any] = {"own_epoch": {}, "val": {}, "epochs": {}, "one_epoch": {}}

    def check(self, epoch: int) -> None:
        """Validates, and tests where that is a new best."""
        values = self.validate()
        scored = {**values, "auc + ap": values["auc"] + values["ap"]}
        better = [name for name, value in scored.items() if value > self.best.get(name, -1.0)]
        if not better:
            return
        tested = self.test()
        for name in better:
            self.best[name] = scored[name]
            self.result["epochs"][name] = epoch
            if name in tested:
                self.result["own_epoch"][name], self.result["val"][name] = tested[name], values[name]
            else:
                self.result["one_epoch"] = tested


def train_and_select(step: Callable[[], Any], epochs: int, selection: EveryMetric) -> dict[str, Any]:
    """Calls ``step`` for every epoch, and checks at about ``CHECKS`` epochs, the last among them."""
    every = max(1, epochs // CHECKS)
    for epoch in range(1, epochs + 1):
        step()
        if epoch % every == 0 or epoch == epochs:
            selection.check(epoch)
    return selection.result
