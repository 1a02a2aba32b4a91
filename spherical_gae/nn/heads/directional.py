"""Heads of distributions about a mean direction: von Mises-Fisher, Power Spherical, spherical Cauchy."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import HypersphericalUniform, PowerSpherical, SphericalCauchy, VonMisesFisher
from spherical_gae.core.unit_vectors import unit_direction
from spherical_gae.nn.heads.base import LatentHead, angle, two_parameters
from spherical_gae.nn.initial_concentration import InitialConcentration, check_initial_concentration


class DirectionalHead(LatentHead):
    """A direction and a raw number to a distribution about a mean direction, with the uniform prior.

    A zero direction becomes the first axis; half precision is computed in float32.
    """

    def from_direction(self, direction: Tensor, raw: Tensor) -> Distribution:
        """The posterior of unit vectors [..., m] and unconstrained numbers [...]."""
        raise NotImplementedError

    def parameter_widths(self, dim: int) -> tuple[int, ...]:
        """(m, 1): a direction and a concentration."""
        return dim, 1

    def coordinates(self, manifold_dim: int) -> int:
        """d + 1: S^d is the unit sphere in R^(d+1)."""
        return manifold_dim + 1

    def geodesic_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The angle between unit vectors, see ``angle``."""
        return angle(a, b)

    def forward(self, *parameters: Tensor) -> Any:
        """Makes the posterior.

        Args:
            *parameters: Direction [..., m] and concentration [..., 1] or [...], both unconstrained.

        Returns:
            Distributions of batch shape [...] on S^(m-1).

        Raises:
            ValueError: If there are not two parameters, or their shapes do not fit.
        """
        direction, raw = two_parameters(parameters, "direction [..., m], concentration [..., 1] or [...]")
        batch_shape = direction.shape[:-1]
        if not direction.dim() or direction.shape[-1] < 2:
            raise ValueError(f"direction must have shape [..., m] with m >= 2, got {tuple(direction.shape)}")
        if raw.shape == (*batch_shape, 1):
            raw = raw.squeeze(-1)
        if raw.shape != batch_shape:
            raise ValueError(
                f"concentration must have shape {(*batch_shape, 1)} or {tuple(batch_shape)} beside a direction of "
                f"shape {tuple(direction.shape)}, got {tuple(raw.shape)}"
            )
        return self.from_direction(unit_direction(direction), raw)

    def prior(self, posterior: Distribution) -> HypersphericalUniform:
        """The uniform distribution on the posterior's sphere."""
        return uniform_beside(posterior)


class ConcentrationHead(DirectionalHead):
    """The concentration is softplus(raw + offset) + min_concentration.

    Args:
        min_concentration: Smallest concentration, >= 0 and finite.  1 is the paper's choice.
        initial_concentration: Concentration that a raw value of 0 is mapped to, where training starts; finite and above
            ``min_concentration``.  It sets the offset.  ``"dimension"`` is the ambient dimension m, a start that does
            not collapse in high dimensions; ``"paper"`` is no offset, the paper's choice, which starts at
            ``min_concentration`` + log 2: noise for all that a decoder can see, from about 64 dimensions on.

    Raises:
        ValueError: If an argument is out of range; when called, if m is not above ``min_concentration`` with a start at
            the dimension.
    """

    def __init__(
        self, min_concentration: float = 1.0, initial_concentration: InitialConcentration = "dimension"
    ) -> None:
        super().__init__()
        if not 0 <= min_concentration < math.inf:
            raise ValueError(f"min_concentration must be finite and at least 0, got {min_concentration}")
        self.min_concentration, self.initial_concentration = min_concentration, initial_concentration
        check_initial_concentration(initial_concentration)
        if initial_concentration != "dimension":
            self._offset(0)

    def extra_repr(self) -> str:
        """The settings, for ``repr``."""
        return f"min_concentration={self.min_concentration}, initial_concentration={self.initial_concentration!r}"

    def _offset(self, dim: int) -> float:
        """What is added to a raw concentration, for an ambient dimension."""
        if self.initial_concentration == "paper":
            return 0.0
        initial = float(dim if self.initial_concentration == "dimension" else self.initial_concentration)
        if not self.min_concentration < initial < math.inf:
            message = (
                f"initial_concentration must be finite and above min_concentration = {self.min_concentration}, "
                f"got {initial}"
            )
            if self.initial_concentration == "dimension":
                message += f", the 'dimension': give a number, or 'paper' for {self.min_concentration} + log 2"
            raise ValueError(message)
        return softplus_inverse(initial - self.min_concentration)

    def concentration(self, raw: Tensor, dim: int) -> Tensor:
        """The concentration of unconstrained numbers, for an ambient dimension."""
        if self.initial_concentration != "paper":
            raw = raw + self._offset(dim)
        return F.softplus(raw) + self.min_concentration


class VonMisesFisherHead(ConcentrationHead):
    """q(z | x) = vMF(direction / |direction|, softplus(concentration + offset) + min_concentration), uniform prior.

    See ``ConcentrationHead`` for arguments and errors, ``DirectionalHead`` for the parameters.

    Example:
        >>> posterior = VonMisesFisherHead()(torch.ones(5, 3), torch.zeros(5, 1))
        >>> posterior.concentration  # starts at the dimension
        tensor([3., 3., 3., 3., 3.])
    """

    def from_direction(self, direction: Tensor, raw: Tensor) -> VonMisesFisher:
        """See the base class."""
        # The parameters are valid by construction; checking them would wait for the device.
        return VonMisesFisher(direction, self.concentration(raw, direction.shape[-1]), validate_args=False)


class PowerSphericalHead(ConcentrationHead):
    """As ``VonMisesFisherHead``, with ``PowerSpherical`` in place of the von Mises-Fisher distribution.

    Example:
        >>> type(PowerSphericalHead()(torch.ones(5, 3), torch.zeros(5, 1))).__name__
        'PowerSpherical'
    """

    def from_direction(self, direction: Tensor, raw: Tensor) -> PowerSpherical:
        """See the base class."""
        return PowerSpherical(direction, self.concentration(raw, direction.shape[-1]), validate_args=False)


class SphericalCauchyHead(ConcentrationHead):
    """As ``VonMisesFisherHead``, with ``SphericalCauchy`` in place of the von Mises-Fisher distribution.

    A concentration kappa becomes the rho with kappa = (m - 1) / 2 sinh(2 delta), delta = log((1 + rho) / (1 - rho)), at
    which in high dimensions both distributions have the same mean.

    Example:
        >>> type(SphericalCauchyHead()(torch.ones(5, 3), torch.zeros(5, 1))).__name__
        'SphericalCauchy'
    """

    def from_direction(self, direction: Tensor, raw: Tensor) -> SphericalCauchy:
        """See the base class."""
        scaled = self.concentration(raw, direction.shape[-1]) / (0.5 * (direction.shape[-1] - 1))
        rho = torch.tanh(0.25 * torch.asinh(scaled))
        # Not 1, to which it rounds at a kappa of 1e14 in float32.
        return SphericalCauchy(direction, rho.clamp(max=1 - torch.finfo(raw.dtype).eps), validate_args=False)


def softplus_inverse(value: float) -> float:
    """log(exp(value) - 1), for value > 0."""
    return value + math.log(-math.expm1(-value))


def uniform_beside(posterior: Any) -> HypersphericalUniform:
    """The uniform distribution on the sphere of a posterior, with its dtype and on its device."""
    return HypersphericalUniform(posterior.dim, posterior.loc.dtype, posterior.loc.device, validate_args=False)
