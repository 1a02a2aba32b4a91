"""The decoder that a spherical model gets if none is given."""

from __future__ import annotations

from torch import nn

from spherical_gae.nn.decoders import FactorInnerProductDecoder, InnerProductDecoder
from spherical_gae.nn.heads import LatentHead

# Untrained encoders send all nodes in nearly one direction.  Samples about it have a cosine of about .4 where the
# concentration is the dimension.  With the default scale of 5, the log-odds of all pairs then start near 0; without a
# bias they start at 2, and training lowers them all, by noise, before it tells links from the rest.
_INITIAL_BIAS = -2.0


def default_decoder(head: LatentHead) -> nn.Module:
    """An inner product for the latents of a head, with one scale for each of its spheres.

    Its bias starts at -2, and at 0 where the head starts as the paper's does.

    Example:
        >>> from spherical_gae.nn import ProductOfSpheresHead
        >>> default_decoder(ProductOfSpheresHead(2)).scale.shape
        torch.Size([2])
    """
    start = getattr(getattr(head, "factor_head", head), "initial_concentration", None)
    bias = 0.0 if start == "paper" else _INITIAL_BIAS
    num_factors = getattr(head, "num_factors", 1)
    return InnerProductDecoder(bias=bias) if num_factors == 1 else FactorInnerProductDecoder(num_factors, bias=bias)


def latent_scale(head: LatentHead, width: int) -> float:
    """sqrt(m), m the coordinates of one of a head's spheres: by it, coordinates become as large as a normal latent's.

    Args:
        head: A head whose latents are on a sphere or a product of spheres.
        width: Coordinates of a latent, of all its spheres together.

    Example:
        >>> from spherical_gae.nn import ProductOfSpheresHead
        >>> latent_scale(ProductOfSpheresHead(2), width=8)
        2.0
    """
    return float((width / getattr(head, "num_factors", 1)) ** 0.5)
