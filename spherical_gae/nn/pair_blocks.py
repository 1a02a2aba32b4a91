"""Scores of many pairs, listed or all of two sets of nodes, by any decoder, a bounded number at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

# Numbers gathered at once for the ends of pairs: 32 MB in float32.
_GATHERED = 1 << 23


def score_block(
    decoder: nn.Module, z: Tensor, source: Tensor, target: Tensor, sigmoid: bool = True, **decoder_arguments: Any
) -> Tensor:
    """Scores every source node with every target node.

    By the decoder's ``forward_block``, one product of matrices for inner products, if it has one; else its
    ``forward`` is called on the pairs, piece by piece, so that the embeddings gathered stay few.

    Args:
        decoder: Module with PyG's signature ``decoder(z, edge_index, sigmoid=True)``.
        z: Embeddings, shape [N, m].
        source: int64 [A], node ids.
        target: int64 [B], node ids.
        sigmoid: Whether to return probabilities instead of log-odds.
        **decoder_arguments: What the decoder needs besides.

    Returns:
        Shape [A, B].

    Example:
        >>> from spherical_gae.nn import InnerProductDecoder
        >>> decoder = InnerProductDecoder(scale=1.0, learnable=False)
        >>> score_block(decoder, torch.eye(3), torch.tensor([0]), torch.tensor([0, 1, 2]), sigmoid=False)
        tensor([[1., 0., 0.]])
    """
    of_decoder = getattr(decoder, "forward_block", None)
    if of_decoder is not None:
        return of_decoder(z, source, target, sigmoid=sigmoid, **decoder_arguments)
    num_pairs, width = source.numel() * target.numel(), max(1, target.numel())
    piece = max(1, _GATHERED // (2 * z.size(1)))
    scores = []
    # One piece at least: the decoder decides on the dtype.
    for start in range(0, max(1, num_pairs), piece):
        pair = torch.arange(start, min(start + piece, num_pairs), device=z.device)
        edge_index = torch.stack([source[pair // width], target[pair % width]])
        scores.append(decoder(z, edge_index, sigmoid=sigmoid, **decoder_arguments))
    return torch.cat(scores).view(source.numel(), target.numel())


def score_all(decoder: nn.Module, z: Tensor, sigmoid: bool = True, **decoder_arguments: Any) -> Tensor:
    """Scores all pairs of nodes, shape [N, N]: by the decoder's ``forward_all``, if it has one, or as one block.

    Args:
        decoder: As for ``score_block``.
        z: Embeddings, shape [N, m].
        sigmoid: As for ``score_block``.
        **decoder_arguments: As for ``score_block``.
    """
    of_decoder = getattr(decoder, "forward_all", None)
    if of_decoder is not None:
        return of_decoder(z, sigmoid=sigmoid, **decoder_arguments)
    nodes = torch.arange(z.size(0), device=z.device)
    return score_block(decoder, z, nodes, nodes, sigmoid=sigmoid, **decoder_arguments)


def score_pairs(decoder: nn.Module, z: Tensor, pairs: Tensor, sigmoid: bool = True, **decoder_arguments: Any) -> Tensor:
    """Scores pairs of nodes, piece by piece, so that the embeddings gathered stay few.

    Args:
        decoder: Module with PyG's signature ``decoder(z, edge_index, sigmoid=True)``.
        z: Embeddings, shape [N, m].
        pairs: int64 [2, E]; or [P, K, 2], K pairs for each of P links.
        sigmoid: Whether to return probabilities instead of log-odds.
        **decoder_arguments: What the decoder needs besides.

    Returns:
        Shape [E], or [P, K].
    """
    listed = pairs if pairs.dim() == 2 else pairs.flatten(0, 1).t()
    pieces = listed.split(max(1, _GATHERED // (2 * z.size(1))), dim=1)
    scores = torch.cat([decoder(z, piece, sigmoid=sigmoid, **decoder_arguments) for piece in pieces])
    return scores if pairs.dim() == 2 else scores.view(pairs.shape[:2])
