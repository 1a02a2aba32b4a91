"""The arguments of an encoder: those of a graph, and what cannot be one, refused by name before any work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data, HeteroData

from spherical_gae.data.kinds import check_one_kind
from spherical_gae.nn.encoders import GraphEncoder
from spherical_gae.nn.propagated_encoder import PropagatedEncoder
from spherical_gae.nn.propagation import normalized_adjacency


def graph_inputs(encoder: nn.Module, data: Data, name: str) -> tuple[Any, Any]:
    """What an encoder is given of a graph if nothing else is said: ``(x, edge_index)``, and weights within the latter.

    Args:
        encoder: The encoder.
        data: The graph, with ``x`` [N, F], ``edge_index`` [2, E] and, optionally, ``edge_weight`` [E].
        name: What the error calls the graph.

    Returns:
        ``x``, and ``edge_index`` or, of a graph with weights, its ``normalized_adjacency``.

    Raises:
        ValueError: If there are weights and the encoder is none of this package's, which take such a matrix.

    Example:
        >>> from spherical_gae import GCNEncoder
        >>> data = Data(x=torch.ones(2, 3), edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=torch.ones(2))
        >>> graph_inputs(GCNEncoder(3, 8, (4, 1)), data, "data")[1].is_weighted
        True
    """
    if data.edge_weight is None:
        return data.x, data.edge_index
    if not isinstance(encoder, GraphEncoder | PropagatedEncoder):
        raise ValueError(
            f"{name}.edge_weight: given weights, which a {type(encoder).__name__} is not told, allowed: an encoder of "
            "this package; or inputs=(x, edge_index), which leaves them aside"
        )
    dtype = data.x.dtype if isinstance(data.x, Tensor) else torch.float32
    return data.x, normalized_adjacency(data.edge_index, int(data.num_nodes), dtype, data.edge_weight)


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
