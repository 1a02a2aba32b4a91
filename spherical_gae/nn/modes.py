"""Evaluation mode, and the precision of the tensors themselves, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import nn


class HasModes(Protocol):
    """What has training and evaluation mode, as any ``nn.Module``.

    Example:
        >>> model: HasModes = nn.Dropout()
        >>> model.eval().training
        False
    """

    def modules(self) -> Iterator[nn.Module]:
        """The parts, itself among them."""

    def eval(self) -> Any:
        """Evaluation mode."""


@contextmanager
def evaluating(model: HasModes) -> Iterator[None]:
    """In a block the model is in evaluation mode; afterwards each of its parts is in the mode it was in.

    One by one: a part may have been frozen while the others train.

    Example:
        >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
        >>> with evaluating(model):
        ...     model[0].training
        False
        >>> model[0].training, model[1].training
        (True, False)
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def in_own_precision(device: torch.device) -> AbstractContextManager[Any]:
    """In a block products of matrices are taken in the dtype of their factors, also under autocast.

    For scores of pairs: in half precision near ones are ties, and ranks that are read from them those of the node ids.

    Example:
        >>> z = torch.eye(2)
        >>> with torch.autocast("cpu", torch.bfloat16), in_own_precision(z.device):
        ...     (z @ z).dtype
        torch.float32
    """
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
