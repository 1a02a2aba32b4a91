"""Independent distributions on several spheres of one dimension, as one distribution on their product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Size, Tensor
from torch.distributions import Distribution, constraints

from spherical_gae.core.constraints import UnitBlocks
from spherical_gae.core.directional import DirectionalDistribution
from spherical_gae.core.hyperspherical_uniform import HypersphericalUniform
from spherical_gae.core.projected_normal import ProjectedNormal

Factors = DirectionalDistribution | ProjectedNormal | HypersphericalUniform


class ProductOfSpheres(Distribution):
    """The distribution of K independent points on S^(m-1), written one after the other in R^(K m).

    Davidson et al. (2018), section 6, name products as the way round the vanishing surface of one sphere of high
    dimension; on each factor the concentration is its own.  Densities multiply, so log densities, entropies and
    divergences are sums over the factors.

    Args:
        factors: Distribution of every factor, any of this package on one sphere; its last batch axis counts the
            factors, batch shape [..., K] and event shape (m,).
        validate_args: Whether ``log_prob`` checks its argument; torch.distributions' default if None.  The factors
            keep their own setting, and check their blocks by it.

    Attributes:
        factors: As given.

    Raises:
        TypeError: If ``factors`` is none of these.
        ValueError: If ``factors`` has no batch axis, or no factors.

    Example:
        >>> from spherical_gae import VonMisesFisher
        >>> loc = torch.nn.functional.normalize(torch.ones(4, 8, 3), dim=-1)
        >>> q = ProductOfSpheres(VonMisesFisher(loc, torch.full((4, 8), 10.0)))
        >>> q.batch_shape, q.event_shape, q.rsample().shape
        (torch.Size([4]), torch.Size([24]), torch.Size([4, 24]))
    """

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, factors: Factors, validate_args: bool | None = None) -> None:
        # A tuple: torch.compile of torch 2.4 does not trace a union.
        if not isinstance(factors, (DirectionalDistribution, ProjectedNormal, HypersphericalUniform)):
            raise TypeError(
                f"factors must be VonMisesFisher, PowerSpherical, SphericalCauchy, ProjectedNormal or "
                f"HypersphericalUniform, got {type(factors).__name__}"
            )
        if not factors.batch_shape or factors.batch_shape[-1] == 0:
            raise ValueError(
                f"factors must have a last batch axis that counts the factors, at least one, "
                f"got batch shape {tuple(factors.batch_shape)}"
            )
        self.factors = factors
        event_shape = Size([factors.batch_shape[-1] * factors.event_shape[0]])
        super().__init__(factors.batch_shape[:-1], event_shape, validate_args=validate_args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.factors!r})"

    @property
    def num_factors(self) -> int:
        """Number K of spheres."""
        return int(self.factors.batch_shape[-1])

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        """Vectors whose K blocks are unit vectors."""
        return UnitBlocks(self.num_factors)

    def expand(self, batch_shape: Any, _instance: Any = None) -> ProductOfSpheres:
        """Returns the distribution with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = self._get_checked_instance(ProductOfSpheres, _instance)
        batch_shape = Size(batch_shape)
        new.factors = self.factors.expand((*batch_shape, self.num_factors))
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        """The mean of every factor, inside its ball, shape [*batch_shape, K m]."""
        return self.factors.mean.flatten(-2)

    @property
    def variance(self) -> Tensor:
        """Variance of each coordinate, shape [*batch_shape, K m]."""
        return self.factors.variance.flatten(-2)

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariances of the factors as blocks on the diagonal, shape [*batch_shape, K m, K m]."""
        blocks = self.factors.covariance_matrix
        eye = torch.eye(self.num_factors, dtype=blocks.dtype, device=blocks.device)
        # [..., K, m, K, m], of which the blocks between factors are 0.
        spread = blocks.unsqueeze(-2) * eye[:, None, :, None]
        return spread.flatten(-2).flatten(-3, -2)

    @property
    def mode(self) -> Tensor:
        """The mode of every factor, shape [*batch_shape, K m]; a uniform one has none (NotImplementedError)."""
        return self.factors.mode.flatten(-2)

    def rsample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws reparameterised samples, see ``VonMisesFisher.rsample``.

        Returns:
            Shape [*sample_shape, *batch_shape, K m]; each block of m coordinates is a unit vector.
        """
        return self.factors.rsample(sample_shape, generator).flatten(-2)

    def sample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws samples without gradients, see ``rsample``."""
        with torch.no_grad():
            return self.rsample(sample_shape, generator)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the product of the surface measures.

        Args:
            value: Points, shape broadcastable with [*batch_shape, K m].

        Returns:
            The log density, shape [...] of the broadcast.

        Raises:
            ValueError: If validation is on and a block of ``value`` is off its sphere, or the shape is wrong.
        """
        if self._validate_args:
            self._validate_sample(value)
        return self.factors.log_prob(value.unflatten(-1, (self.num_factors, -1))).sum(-1)

    def entropy(self) -> Tensor:
        """-E[log p], in nats, shape ``batch_shape``."""
        return self.factors.entropy().sum(-1)
