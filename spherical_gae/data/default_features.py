"""Features for nodes that have none."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

NUM_DEFAULT_FEATURES = 64
"""Features of a node that has none of its own."""
_SEED = 1804


def default_features(num_nodes: int) -> Tensor:
    """Random unit vectors, uniform on the sphere, from a fixed seed.

    The inner products of random vectors that were propagated over the graph approximate those of propagated one-hot
    vectors, that is how much of their neighbourhoods two nodes share, with an error of about 1 / sqrt(64) (Johnson &
    Lindenstrauss 1984), in N * 64 numbers instead of N * N.

    They say nothing of the graph by themselves.  Degrees, a common alternative, would: those of the whole graph count
    the links that a split holds out.

    Args:
        num_nodes: Number of nodes N.

    Returns:
        Float32 [N, 64]; a node's features depend on its number only.  The global random state is not used.

    Example:
        >>> default_features(3).shape
        torch.Size([3, 64])
    """
    generator = torch.Generator().manual_seed(_SEED)
    features = torch.randn(num_nodes, NUM_DEFAULT_FEATURES, generator=generator)
    return F.normalize(features, dim=-1, out=features)
