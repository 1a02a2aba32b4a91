"""Heads: raw parameters to a posterior distribution, each with its prior."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import HypersphericalUniform, ProductOfSpheres, VonMisesFisher

_MAX_LOGSTD = 10.0


class LatentHead(nn.Module):
    """Maps an encoder's outputs to a posterior q(z | x), and knows the prior p(z) that belongs to it."""

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

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Length of the shortest path on the latents' manifold, for all pairs of [n, m] and [k, m], shape [n, k]."""
        raise NotImplementedError


class VonMisesFisherHead(LatentHead):
    """q(z | x) = vMF(direction / |direction|, softplus(concentration + offset) + min_concentration), uniform prior.

    A zero direction becomes the first axis; half precision is computed in float32.

    Args:
        min_concentration: Smallest concentration, >= 0 and finite.  1 is the paper's choice.
        initial_concentration: Concentration that a raw value of 0 is mapped to, where training starts; finite and above
            ``min_concentration``.  It sets the offset.  ``"dimension"`` is the ambient dimension m, a start that does
            not collapse in high dimensions; None is no offset, the paper's choice, which starts at
            ``min_concentration`` + log 2.

    Raises:
        ValueError: If an argument is out of range; when called, if m is not above ``min_concentration`` with a start at
            the dimension.
    """

    def __init__(
        self, min_concentration: float = 1.0, initial_concentration: float | Literal["dimension"] | None = None
    ) -> None:
        super().__init__()
        if not 0 <= min_concentration < math.inf:
            raise ValueError(f"min_concentration must be finite and at least 0, got {min_concentration}")
        self.min_concentration, self.initial_concentration = min_concentration, initial_concentration
        if isinstance(initial_concentration, str) and initial_concentration != "dimension":
            raise ValueError(
                f"initial_concentration must be a number, 'dimension' or None, got {initial_concentration!r}"
            )
        if initial_concentration != "dimension":
            self._offset(0)

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"min_concentration={self.min_concentration}, initial_concentration={self.initial_concentration!r}"

    def _offset(self, dim: int) -> float:
        """What is added to a raw concentration, for an ambient dimension."""
        if self.initial_concentration is None:
            return 0.0
        initial = float(dim if self.initial_concentration == "dimension" else self.initial_concentration)
        if not self.min_concentration < initial < math.inf:
            raise ValueError(
                f"initial_concentration must be finite and above min_concentration = {self.min_concentration}, "
                f"got {initial}"
            )
        above = initial - self.min_concentration
        return above + math.log(-math.expm1(-above))  # softplus inverted

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(m, 1): a direction and a concentration."""
        return dim, 1

    def coordinates(self, manifold_dim: int) -> int:
        """d + 1: S^d is the unit sphere in R^(d+1)."""
        return manifold_dim + 1

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The angle between unit vectors, arccos(a . b), in [0, pi]; exact for near ones and near antipodes too."""
        # arccos loses half of the digits where a . b is near 1 or -1.
        return 2 * torch.atan2(_distance(a, b), _distance(a, -b))

    def forward(self, *parameters: Tensor) -> VonMisesFisher:
        """Makes the posterior.

        Args:
            *parameters: Direction [..., m] and concentration [..., 1] or [...], both unconstrained.

        Returns:
            Laws of batch shape [...] on S^(m-1).

        Raises:
            ValueError: If there are not two parameters, or their shapes do not fit.
        """
        if len(parameters) != 2:
            raise ValueError(
                f"the encoder must return (direction [..., m], concentration [..., 1] or [...]), "
                f"got {len(parameters)} tensors"
            )
        direction, concentration = (_at_least_float32(p) for p in parameters)
        batch_shape = direction.shape[:-1]
        if concentration.shape == (*batch_shape, 1):
            concentration = concentration.squeeze(-1)
        if concentration.shape != batch_shape:
            raise ValueError(
                f"concentration must have shape {(*batch_shape, 1)} or {tuple(batch_shape)} beside a direction of "
                f"shape {tuple(direction.shape)}, got {tuple(concentration.shape)}"
            )
        if self.initial_concentration is not None:
            concentration = concentration + self._offset(direction.shape[-1])
        concentration = F.softplus(concentration) + self.min_concentration
        # The parameters are valid by construction; checking them would wait for the device.
        return VonMisesFisher(unit_direction(direction), concentration, validate_args=False)

    def prior(self, posterior: Distribution) -> HypersphericalUniform:
        """The uniform law on the posterior's sphere."""
        assert isinstance(posterior, VonMisesFisher)
        return HypersphericalUniform(posterior.dim, posterior.loc.dtype, posterior.loc.device, validate_args=False)


class ProductOfSpheresHead(LatentHead):
    """q(z | x) = product of K von Mises-Fisher laws, each as of ``VonMisesFisherHead``.

    The prior is uniform on the product of spheres.  A latent of d dimensions has one concentration on S^d, K of them
    here: what it needs no more than a few of its directions for costs less.

    Args:
        num_factors: Number K of spheres, at least 1.
        min_concentration: Smallest concentration of each factor, >= 0 and finite.
        initial_concentration: Where the concentration of each factor starts, see ``VonMisesFisherHead``;
            ``"dimension"`` is the ambient dimension of a factor.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_factors: int,
        min_concentration: float = 1.0,
        initial_concentration: float | Literal["dimension"] | None = None,
    ) -> None:
        super().__init__()
        if num_factors < 1:
            raise ValueError(f"num_factors must be at least 1, got {num_factors}")
        self.num_factors = num_factors
        self.factor_head = VonMisesFisherHead(min_concentration, initial_concentration)

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(K m, K): the directions one after the other, and a concentration for each."""
        self._check_dim(dim)
        return dim, self.num_factors

    def coordinates(self, manifold_dim: int) -> int:
        """d + K: each of the K spheres has one coordinate more than its dimension; d is a multiple of K."""
        if manifold_dim % self.num_factors:
            raise ValueError(f"manifold_dim must be a multiple of {self.num_factors}, got {manifold_dim}")
        return manifold_dim + self.num_factors

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The root of the sum of squared angles, one for each factor."""
        blocks = zip(a.chunk(self.num_factors, dim=-1), b.chunk(self.num_factors, dim=-1), strict=True)
        angles = torch.stack([self.factor_head.geodesic_distance(*pair) for pair in blocks])
        return torch.linalg.vector_norm(angles, dim=0)

    def forward(self, *parameters: Tensor) -> ProductOfSpheres:
        """Makes the posterior.

        Args:
            *parameters: Directions [..., K m] and concentrations [..., K], both unconstrained.

        Returns:
            Laws of batch shape [...] on K spheres S^(m-1).

        Raises:
            ValueError: If there are not two parameters, or their shapes do not fit.
        """
        if len(parameters) != 2:
            raise ValueError(
                f"the encoder must return (directions [..., K m], concentrations [..., K]), "
                f"got {len(parameters)} tensors"
            )
        directions, concentrations = parameters
        self._check_dim(directions.shape[-1])
        blocks = directions.unflatten(-1, (self.num_factors, -1))
        # One factor's concentrations [..., 1] have the shape of the blocks' batch, as all others'.
        return ProductOfSpheres(self.factor_head(blocks, concentrations), validate_args=False)

    def prior(self, posterior: Distribution) -> ProductOfSpheres:
        """The uniform law on the posterior's product of spheres."""
        assert isinstance(posterior, ProductOfSpheres)
        uniform = self.factor_head.prior(posterior.factors)
        return ProductOfSpheres(uniform.expand((self.num_factors,)), validate_args=False)

    def _check_dim(self, dim: int) -> None:
        if dim % self.num_factors or dim < 2 * self.num_factors:
            raise ValueError(
                f"directions must have a multiple of {self.num_factors} coordinates, at least 2 per factor, got {dim}"
            )


class NormalHead(LatentHead):
    """q(z | x) = N(mean, diag(exp(logstd))^2) with a standard normal prior  (Kingma & Welling 2014).

    The log standard deviation is capped at 10, as in PyG's ``VGAE``.

    Args:
        min_logstd: Smallest log standard deviation; none by default.  Where densities of such laws are evaluated, as
            in M1+M2, a limit keeps untrained ones finite.
    """

    def __init__(self, min_logstd: float = -math.inf) -> None:
        super().__init__()
        if not min_logstd < _MAX_LOGSTD:
            raise ValueError(f"min_logstd must be below {_MAX_LOGSTD}, got {min_logstd}")
        self.min_logstd = min_logstd

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"min_logstd={self.min_logstd}"

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(d, d): a mean and a log standard deviation."""
        return dim, dim

    def coordinates(self, manifold_dim: int) -> int:
        """d, for R^d."""
        return manifold_dim

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The Euclidean distance."""
        return _distance(a, b)

    def forward(self, *parameters: Tensor) -> Independent:
        """Makes the posterior.

        Args:
            *parameters: Mean [..., d] and log standard deviation [..., d], both unconstrained.

        Returns:
            Laws of batch shape [...] on R^d.

        Raises:
            ValueError: If there are not two parameters, or their shapes differ.
        """
        if len(parameters) != 2:
            raise ValueError(f"the encoder must return (mean [..., d], logstd [..., d]), got {len(parameters)} tensors")
        mean, logstd = (_at_least_float32(p) for p in parameters)
        if mean.shape != logstd.shape:
            raise ValueError(f"logstd must have the shape of mean, {tuple(mean.shape)}, got {tuple(logstd.shape)}")
        scale = logstd.clamp(self.min_logstd, _MAX_LOGSTD).exp()
        return Independent(Normal(mean, scale, validate_args=False), 1, validate_args=False)

    def prior(self, posterior: Distribution) -> Independent:
        """The standard normal law on R^d."""
        zero = torch.zeros_like(posterior.mean)
        return Independent(Normal(zero, torch.ones_like(zero), validate_args=False), 1, validate_args=False)


def unit_direction(direction: Tensor) -> Tensor:
    """Normalises vectors of any length; a zero vector becomes the first axis.

    Args:
        direction: Vectors, shape [..., m], of any finite size.

    Returns:
        Unit vectors, same shape.  The gradient at a zero vector is finite.
    """
    # Squares of entries far from 1 under- or overflow; the normalised vector does not depend on the scale.
    size = direction.detach().abs().amax(dim=-1, keepdim=True)
    is_zero = size == 0
    scaled = direction / torch.where(is_zero, torch.ones_like(size), size)
    axis = torch.eye(1, direction.shape[-1], dtype=direction.dtype, device=direction.device)[0]
    return F.normalize(torch.where(is_zero, axis, scaled), dim=-1)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    # By differences, not by products: those lose the digits of small distances.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _at_least_float32(parameter: Tensor) -> Tensor:
    return parameter.float() if parameter.dtype in (torch.float16, torch.bfloat16) else parameter
