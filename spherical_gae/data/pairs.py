"""Pairs of nodes as people have them: tensors or arrays, a list of pairs or some for each link."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor


def checked_pairs(name: str, pairs: Tensor | ArrayLike, num_nodes: int) -> Tensor:
    """Pairs of nodes as a tensor.

    Args:
        name: What the errors call them.
        pairs: Integers [2, P], or [P, K, 2], K pairs for each of P links.
        num_nodes: Number of nodes N.

    Returns:
        int64, the same shape, contiguous.

    Raises:
        ValueError: If the shape or the type is another one, there is none, or a node is outside [0, N).

    Example:
        >>> checked_pairs("pairs", np.array([[0, 1], [2, 0]]), num_nodes=3)
        tensor([[0, 1],
                [2, 0]])
    """
    if not isinstance(pairs, Tensor):
        array = np.asarray(pairs)
        # What torch cannot hold is refused below by its NumPy name; unsigned integers are converted by value.
        if array.dtype.kind not in "iu":
            raise ValueError(_wrong(name, str(array.dtype), array.shape))
        pairs = torch.from_numpy(array.astype(np.int64))
    listed = pairs.dim() == 2 and pairs.size(0) == 2
    of_links = pairs.dim() == 3 and pairs.size(2) == 2
    if not _is_integer(pairs) or not (listed or of_links) or pairs.numel() == 0:
        hint = ""
        if pairs.dim() == 2 and pairs.size(1) == 2 and pairs.size(0) != 2:
            hint = "; one pair a row is read if you pass its transpose, pairs.T"
        raise ValueError(_wrong(name, str(pairs.dtype), tuple(pairs.shape)) + hint)
    pairs = pairs.long()
    low, high = int(pairs.min()), int(pairs.max())
    if low < 0 or high >= num_nodes:
        raise ValueError(f"{name}: given nodes {low} to {high}, allowed: 0 to {num_nodes - 1}")
    return pairs.contiguous()


def checked_edge_index(edge_index: Tensor, num_nodes: int, name: str = "edge_index") -> Tensor:
    """Edges as int64, if they are integers [2, E] from 0 to N - 1; there may be none.

    Args:
        edge_index: The edges.
        num_nodes: Number of nodes N.
        name: What the errors call them.

    Returns:
        int64 [2, E].

    Raises:
        ValueError: If they are not.

    Example:
        >>> checked_edge_index(torch.tensor([[0, 1], [1, 2]], dtype=torch.int32), num_nodes=3).dtype
        torch.int64
    """
    listed = edge_index.layout == torch.strided and edge_index.dim() == 2 and edge_index.size(0) == 2
    if not listed or not _is_integer(edge_index):
        given = f"{edge_index.dtype} of shape {list(edge_index.shape)}"
        if edge_index.layout != torch.strided:
            given = f"a matrix, {edge_index.layout} of shape {list(edge_index.shape)}"
        raise ValueError(f"{name}: given {given}, allowed: integers of shape [2, E]")
    edge_index = edge_index.long()
    if edge_index.numel():
        low, high = (int(value) for value in torch.aminmax(edge_index))
        if low < 0 or high >= num_nodes:
            raise ValueError(f"{name}: given nodes {low} to {high}, allowed: 0 to {num_nodes - 1}")
    return edge_index


def _is_integer(pairs: Tensor) -> bool:
    return not (pairs.is_floating_point() or pairs.is_complex() or pairs.dtype == torch.bool)


def _wrong(name: str, dtype: str, shape: tuple[int, ...]) -> str:
    return f"{name}: given {dtype} of shape {list(shape)}, allowed: integers of shape [2, P] or [P, K, 2], not empty"
