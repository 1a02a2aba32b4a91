"""What a head is: raw parameters to a posterior distribution, with its prior."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution


class LatentHead(nn.Module):
    """Maps an encoder's outputs to a posterior q(z | x), and knows the prior p(z) that belongs to it.

    Example:
        >>> from spherical_gae.nn import NormalHead
        >>> issubclass(NormalHead, LatentHead), NormalHead().parameter_widths(3)
        (True, (3, 3))
    """

    def forward(self, *parameters: Tensor) -> Distribution:
        """Makes the posterior from unconstrained parameters."""
        raise NotImplementedError

    def prior(self, posterior: Distribution) -> Distribution:
        """The prior on the posterior's space."""
        raise NotImplementedError

    def prior_of(self, dim: int, like: Tensor) -> Distribution:
        """The prior on latents of ``dim`` coordinates, with the dtype and on the device of ``like``."""
        return self.prior(self(*(like.new_zeros(width) for width in self.parameter_widths(dim))))

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """Width of each parameter that an encoder must return for a latent of ``dim`` coordinates."""
        raise NotImplementedError

    def coordinates(self, manifold_dim: int) -> int:
        """Coordinates of a latent on a manifold of this dimension, such as d + 1 for the sphere S^d."""
        raise NotImplementedError

    def center(self, posterior: Any) -> Tensor:
        """The point that stands for a posterior where no sample is drawn, shape [..., m]; by default its mode."""
        return posterior.mode

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Length of the shortest path on the latents' manifold, for all pairs of [n, m] and [k, m], shape [n, k]."""
        raise NotImplementedError


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between unit vectors, arccos(a . b), in [0, pi]; exact for near ones and near antipodes too.

    Args:
        a: Shape [n, m].
        b: Shape [k, m].

    Returns:
        Of all pairs, shape [n, k].
    """
    # arccos loses half of the digits where a . b is near 1 or -1.
    return 2 * torch.atan2(distance(a, b), distance(a, -b))


def distance(a: Tensor, b: Tensor) -> Tensor:
    """The Euclidean distance of all pairs, shape [n, k]."""
    # By differences, not by products: those lose the digits of small distances.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def at_least_float32(parameter: Tensor) -> Tensor:
    """Half precision as float32."""
    return parameter.float() if parameter.dtype in (torch.float16, torch.bfloat16) else parameter


def checked_outputs(outputs: Any) -> tuple[Tensor, ...]:
    """What an encoder returned, several tensors, for a head.

    Raises:
        ValueError: If it is one tensor, or not tensors.
    """
    if isinstance(outputs, Tensor):
        raise ValueError(
            f"the encoder must return a tuple of tensors, one for each parameter of the head, "
            f"got one tensor of shape {tuple(outputs.shape)}"
        )
    if not isinstance(outputs, (tuple, list)) or not all(isinstance(part, Tensor) for part in outputs):
        raise ValueError(
            f"the encoder must return a tuple of tensors, one for each parameter of the head, "
            f"got {type(outputs).__name__}"
        )
    return tuple(outputs)


def two_parameters(parameters: tuple[Tensor, ...], expected: str) -> tuple[Tensor, Tensor]:
    """The two outputs of an encoder, in float32 or float64.

    Raises:
        ValueError: If there are not two.
    """
    if len(parameters) != 2:
        raise ValueError(f"the encoder must return ({expected}), got {len(parameters)} tensors")
    first, second = (at_least_float32(p) for p in parameters)
    return first, second
