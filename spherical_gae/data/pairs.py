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
    is_integer = not (pairs.is_floating_point() or pairs.is_complex() or pairs.dtype == torch.bool)
    if not is_integer or not (listed or of_links) or pairs.numel() == 0:
        hint = ""
        if pairs.dim() == 2 and pairs.size(1) == 2 and pairs.size(0) != 2:
            hint = "; one pair a row is read if you pass its transpose, pairs.T"
        raise ValueError(_wrong(name, str(pairs.dtype), tuple(pairs.shape)) + hint)
    pairs = pairs.long()
    low, high = int(pairs.min()), int(pairs.max())
    if low < 0 or high >= num_nodes:
        raise ValueError(f"{name}: given nodes {low} to {high}, allowed: 0 to {num_nodes - 1}")
    return pairs.contiguous()


def _wrong(name: str, dtype: str, shape: tuple[int, ...]) -> str:
    return f"{name}: given {dtype} of shape {list(shape)}, allowed: integers of shape [2, P] or [P, K, 2], not empty"
