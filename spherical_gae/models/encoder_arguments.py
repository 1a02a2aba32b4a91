"""What cannot be the argument of an encoder, refused by name before any work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from spherical_gae.data.kinds import check_one_kind


def check_arguments(arguments: Iterable[Any], name: str = "encode") -> None:
    """Refuses NumPy arrays and graphs of several kinds of nodes.

    Args:
        arguments: What is given to an encoder.
        name: What the errors call them.

    Raises:
        TypeError: If one is a NumPy array or ``HeteroData``.
    """
    for argument in arguments:
        if isinstance(argument, HeteroData):
            check_one_kind(argument, name)
        if isinstance(argument, np.ndarray):
            raise TypeError(
                f"{name}: given a NumPy array of shape {list(argument.shape)}, allowed: tensors; "
                "torch.from_numpy makes one"
            )


def check_features(x: Any, name: str = "x") -> None:
    """Refuses features that no training can begin with.

    Args:
        x: Features, dense or sparse; what is no tensor of floating point numbers is not looked at.
        name: What the errors call them.

    Raises:
        ValueError: If one is NaN or infinite.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return
    if x.layout != torch.strided:
        # Zeros are finite.
        values = (x.coalesce() if x.layout == torch.sparse_coo else x).values()
        if not bool(values.isfinite().all()):
            wrong = values[~values.isfinite()].view(-1)[0].item()
            raise ValueError(f"{name}: given {wrong} in a sparse matrix, allowed: finite numbers")
        return
    if x.numel() and not bool(torch.stack(torch.aminmax(x)).isfinite().all()):
        place = tuple(torch.nonzero(~x.isfinite())[0].tolist())
        raise ValueError(f"{name}: given {x[place].item()} at {list(place)}, allowed: finite numbers")
