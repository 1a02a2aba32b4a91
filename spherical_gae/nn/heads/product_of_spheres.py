"""The head of a product of spheres."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from spherical_gae.core import ProductOfSpheres
from spherical_gae.nn.heads.base import LatentHead
from spherical_gae.nn.heads.directional import VonMisesFisherHead
from spherical_gae.nn.initial_concentration import InitialConcentration


class ProductOfSpheresHead(LatentHead):
    """q(z | x) = product of K von Mises-Fisher distributions, each as of ``VonMisesFisherHead``.

    The prior is uniform on the product of spheres.  A latent of d dimensions has one concentration on S^d, K of them
    here: what it needs no more than a few of its directions for costs less.

    Args:
        num_factors: Number K of spheres, at least 1.
        min_concentration: Smallest concentration of each factor, >= 0 and finite.
        initial_concentration: Where the concentration of each factor starts, see ``VonMisesFisherHead``;
            ``"dimension"`` is the ambient dimension of a factor.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> posterior = ProductOfSpheresHead(num_factors=2)(torch.ones(5, 6), torch.zeros(5, 2))
        >>> posterior.rsample().norm(dim=-1) ** 2  # two unit vectors in a row
        tensor([2.0000, 2.0000, 2.0000, 2.0000, 2.0000])
    """

    def __init__(
        self,
        num_factors: int,
        min_concentration: float = 1.0,
        initial_concentration: InitialConcentration = "dimension",
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
            Distributions of batch shape [...] on K spheres S^(m-1).

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
        """The uniform distribution on the posterior's product of spheres."""
        assert isinstance(posterior, ProductOfSpheres)
        uniform = self.factor_head.prior(posterior.factors)
        return ProductOfSpheres(uniform.expand((self.num_factors,)), validate_args=False)

    def _check_dim(self, dim: int) -> None:
        if dim % self.num_factors or dim < 2 * self.num_factors:
            raise ValueError(
                f"directions must have a multiple of {self.num_factors} coordinates, at least 2 per factor, got {dim}"
            )
