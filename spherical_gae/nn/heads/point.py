"""Heads without noise: an embedding is a point, on the sphere or anywhere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints, register_kl

from spherical_gae.core.unit_vectors import unit_direction
from spherical_gae.nn.heads.base import LatentHead, angle, at_least_float32, distance


class PointMass(Distribution):
    """All mass on one point: every sample is the point itself.

    It has no density.  Its divergence from a point mass is taken for 0, so that a loss has no KL term.

    Args:
        value: The points, shape [*batch_shape, m].

    Example:
        >>> PointMass(torch.eye(2)).sample()
        tensor([[1., 0.],
                [0., 1.]])
    """

    arg_constraints = {"value": constraints.independent(constraints.real, 1)}  # noqa: RUF012
    support = constraints.independent(constraints.real, 1)
    has_rsample = True

    def __init__(self, value: Tensor, validate_args: bool | None = None) -> None:
        self.value = value
        super().__init__(value.shape[:-1], value.shape[-1:], validate_args=validate_args)

    @property
    def mode(self) -> Tensor:
        """The points."""
        return self.value

    @property
    def mean(self) -> Tensor:
        """The points."""
        return self.value

    def expand(self, batch_shape: Any, _instance: Any = None) -> PointMass:
        """Returns a copy of another batch shape."""
        return PointMass(self.value.expand(torch.Size(batch_shape) + self.event_shape), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Refused: a point mass has no density.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            "PointMass has no density, so no likelihood, learned prior or bound with several samples: take a head "
            "with noise"
        )

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """The points, shape [*sample_shape, *batch_shape, m]."""
        return self.value.expand(self._extended_shape(torch.Size(sample_shape)))


@register_kl(PointMass, PointMass)
def _no_kl(p: PointMass, q: PointMass) -> Tensor:
    return p.value.new_zeros(p.batch_shape)


class _PointHead(LatentHead):
    """What the heads share: one parameter, and no prior to speak of."""

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(m,): the point."""
        return (dim,)

    def prior(self, posterior: Distribution) -> Distribution:
        """The posterior itself: there is nothing to pay."""
        return posterior

    def forward(self, *parameters: Tensor) -> PointMass:
        """Makes the point mass from the encoder's one output, shape [..., m]."""
        if len(parameters) != 1:
            raise ValueError(
                f"the encoder must return one tensor in a tuple, (points [..., m],), got {len(parameters)}"
            )
        return PointMass(self._point(at_least_float32(parameters[0])), validate_args=False)

    def _point(self, parameter: Tensor) -> Tensor:
        raise NotImplementedError


class FixedDirectionHead(_PointHead):
    """A direction without noise: a spherical autoencoder that is not variational, the limit of concentration.

    Args:
        num_factors: Number K of spheres; the encoder returns (directions [..., K m],), one after the other.

    Raises:
        ValueError: If ``num_factors`` is below 1; when called, if the width is not a multiple of it.

    Example:
        >>> FixedDirectionHead()(torch.tensor([[3.0, 4.0]])).rsample()
        tensor([[0.6000, 0.8000]])
    """

    def __init__(self, num_factors: int = 1) -> None:
        super().__init__()
        if num_factors < 1:
            raise ValueError(f"num_factors must be at least 1, got {num_factors}")
        self.num_factors = num_factors

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(K m,): the directions one after the other."""
        self._check_dim(dim)
        return (dim,)

    def coordinates(self, manifold_dim: int) -> int:
        """d + K: each of the K spheres has one coordinate more than its dimension; d is a multiple of K."""
        if manifold_dim % self.num_factors:
            raise ValueError(f"manifold_dim must be a multiple of {self.num_factors}, got {manifold_dim}")
        return manifold_dim + self.num_factors

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The angle; of several factors the root of the sum of squared angles."""
        blocks = zip(a.chunk(self.num_factors, dim=-1), b.chunk(self.num_factors, dim=-1), strict=True)
        return torch.linalg.vector_norm(torch.stack([angle(*pair) for pair in blocks]), dim=0)

    def _point(self, parameter: Tensor) -> Tensor:
        self._check_dim(parameter.size(-1))
        return unit_direction(parameter.unflatten(-1, (self.num_factors, -1))).flatten(-2)

    def _check_dim(self, dim: int) -> None:
        if dim % self.num_factors or dim < 2 * self.num_factors:
            raise ValueError(
                f"directions must have a multiple of {self.num_factors} coordinates, at least 2 per factor, got {dim}"
            )


class PlainHead(_PointHead):
    """A point anywhere, without noise: a plain graph autoencoder, the one to compare with.

    Example:
        >>> PlainHead()(torch.tensor([[3.0, 4.0]])).rsample()
        tensor([[3., 4.]])
    """

    def coordinates(self, manifold_dim: int) -> int:
        """As many as dimensions."""
        return manifold_dim

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The Euclidean distance."""
        return distance(a, b)

    def _point(self, parameter: Tensor) -> Tensor:
        return parameter
