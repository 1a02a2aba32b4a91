"""The uniform distribution on the unit sphere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Size, Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from spherical_gae.core.constraints import unit_sphere
from spherical_gae.core.numerics.special import log_sphere_area


class HypersphericalUniform(Distribution):
    """Uniform distribution on the unit sphere S^(m-1) in R^m, the prior of Davidson et al. (2018, eq. 10).

    Its density is 1 / |S^(m-1)| with |S^(m-1)| = 2 pi^(m/2) / Gamma(m / 2).  ``batch_shape`` is () unless
    expanded, ``event_shape`` is (m,).

    Args:
        dim: Ambient dimension m >= 2 (the sphere has m - 1 dimensions).
        dtype: Floating point dtype of samples and densities; torch's default if None.
        device: Device of samples and densities; torch's default if None.
        validate_args: Whether ``log_prob`` checks its argument; torch.distributions' default if None.

    Raises:
        ValueError: If ``dim`` is not an integer of at least 2.

    Example:
        >>> HypersphericalUniform(3).sample((5,)).shape
        torch.Size([5, 3])
    """

    arg_constraints: dict[str, Constraint] = {}  # noqa: RUF012 (the base class declares it so)
    support = unit_sphere
    has_rsample = True

    def __init__(
        self,
        dim: int,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if isinstance(dim, bool) or not isinstance(dim, int) or dim < 2:
            raise ValueError(f"dim must be an integer of at least 2, got {dim!r}")
        self.dim = dim
        self._like = torch.zeros((), dtype=dtype, device=device)
        super().__init__(Size(), Size((dim,)), validate_args=validate_args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dim={self.dim}, batch_shape={tuple(self.batch_shape)})"

    def expand(self, batch_shape: Any, _instance: Any = None) -> HypersphericalUniform:
        """Returns the distribution with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = self._get_checked_instance(HypersphericalUniform, _instance)
        batch_shape = Size(batch_shape)
        # Of the batch shape, so that a shape to which it cannot be expanded raises as for a law with parameters.
        new.dim, new._like = self.dim, self._like.expand(batch_shape)
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        """The zero vector, shape [*batch_shape, m]."""
        return self._like.new_zeros(self._extended_shape())

    @property
    def variance(self) -> Tensor:
        """1 / m in each coordinate, shape [*batch_shape, m]."""
        return self._like.new_full(self._extended_shape(), 1 / self.dim)

    @property
    def covariance_matrix(self) -> Tensor:
        """The identity over m, shape [*batch_shape, m, m]."""
        eye = torch.eye(self.dim, dtype=self._like.dtype, device=self._like.device)
        return (eye / self.dim).expand(*self.batch_shape, self.dim, self.dim)

    def rsample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws samples, shape [*sample_shape, *batch_shape, m]: normalised Gaussian vectors."""
        shape = self._extended_shape(Size(sample_shape))
        noise = self._like.new_empty(shape).normal_(generator=generator)
        return noise / noise.norm(dim=-1, keepdim=True)

    def sample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws samples, shape [*sample_shape, *batch_shape, m]."""
        return self.rsample(sample_shape, generator)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the surface measure.

        Args:
            value: Unit vectors, shape [..., m].

        Returns:
            -log |S^(m-1)|, shape [...] broadcast with ``batch_shape``.

        Raises:
            ValueError: If validation is on and ``value`` is off the sphere.
        """
        if self._validate_args:
            self._validate_sample(value)
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        return value.new_full(shape, -log_sphere_area(self.dim))

    def entropy(self) -> Tensor:
        """log |S^(m-1)|, shape ``batch_shape``; the largest entropy on the sphere."""
        return self._like.new_full(self.batch_shape, log_sphere_area(self.dim))
