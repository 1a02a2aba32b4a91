"""What distributions on the sphere with a mean direction and a concentration share: arguments, shapes, moments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real
from typing import Any, TypeVar

import torch
from torch import Generator, Size, Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint, nonnegative

from spherical_gae.core.constraints import NORM_TOLERANCE, all_true, described, shown, unit_sphere
from spherical_gae.core.numerics.angle_family import AngleFamily
from spherical_gae.core.numerics.operators import last_size

Self = TypeVar("Self", bound="DirectionalDistribution")


class DirectionalDistribution(Distribution, ABC):
    """A distribution on the unit sphere S^(m-1) in R^m that is symmetric about its mean direction.

    ``batch_shape`` is the broadcast of ``loc.shape[:-1]`` and ``concentration.shape``; ``event_shape`` is (m,).
    At concentration 0 it is the uniform distribution.

    Args:
        loc: Mean direction mu, unit vectors, shape [..., m] with m >= 2, float32 or float64.
        concentration: kappa >= 0 and finite, shape [...], dtype and device of ``loc``; or a Python number.
        validate_args: Whether to check values (shapes are always checked); torch.distributions' default
            if None.  The checks read the tensors, which on a GPU waits for it; without them, what an invalid
            value gives is undefined.

    Raises:
        TypeError: If ``loc`` is neither float32 nor float64, or ``concentration`` has another dtype.
        ValueError: If m < 2, the shapes do not broadcast, the concentration has a trailing axis of 1 beside
            ``loc``'s batch, or, with validation on, a value is outside its range.
    """

    arg_constraints = {"loc": unit_sphere, "concentration": nonnegative}  # noqa: RUF012
    support: Constraint = unit_sphere
    has_rsample = True

    # The family by which the angle to the mean direction is tabulated.
    angle_family: type[AngleFamily] | None = None

    loc: Tensor
    concentration: Tensor

    def __init__(
        self,
        loc: Tensor,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        concentration = as_parameter(loc, concentration, "concentration")
        batch_shape = check_shapes(loc, concentration, "concentration")
        validate = Distribution._validate_args if validate_args is None else validate_args
        if validate:
            check_unit(loc)
            allowed = (concentration >= 0) & concentration.isfinite()
            check_allowed(allowed, concentration, "concentration", "finite and at least 0")
        self.loc = expand_if_needed(loc, (*batch_shape, loc.shape[-1]))
        self.concentration = expand_if_needed(concentration, batch_shape)
        # The values were checked above, with messages that say more than the base class's.
        super().__init__(batch_shape, loc.shape[-1:], validate_args=False)
        self._validate_args = validate

    def __repr__(self) -> str:
        return described(self, "loc", "concentration")

    def expand(self: Self, batch_shape: Any, _instance: Any = None) -> Self:
        """Returns the distribution with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = self._get_checked_instance(DirectionalDistribution, _instance)
        batch_shape = Size(batch_shape)
        new.loc = self.loc.expand(*batch_shape, self.dim)
        new.concentration = self.concentration.expand(batch_shape)
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def dim(self) -> int:
        """Ambient dimension m."""
        return last_size(self.loc)

    @property
    def mean(self) -> Tensor:
        """E[x] = E[mu.x] mu, inside the ball, shape [*batch_shape, m]."""
        return self.mean_resultant_length.unsqueeze(-1) * self.loc

    @property
    def mode(self) -> Tensor:
        """The mean direction mu, shape [*batch_shape, m]; at kappa = 0 every point is a mode."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Variance of each coordinate, the diagonal of the covariance, shape [*batch_shape, m]."""
        along, across = (v.unsqueeze(-1) for v in self.principal_variances)
        square = self.loc.square()
        return along * square + across * (1 - square)

    @property
    def covariance_matrix(self) -> Tensor:
        """The variance along mu times mu mu^T, and that across times I - mu mu^T, shape [*batch_shape, m, m]."""
        along, across = (v[..., None, None] for v in self.principal_variances)
        outer = self.loc.unsqueeze(-1) * self.loc.unsqueeze(-2)
        eye = torch.eye(self.dim, dtype=self.loc.dtype, device=self.loc.device)
        return along * outer + across * (eye - outer)

    def rsample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws reparameterised samples.

        Args:
            sample_shape: Shape of the sample, () for one per batch element.
            generator: Source of randomness, on the device of ``loc``; torch's global one if None.

        Returns:
            Unit vectors, shape [*sample_shape, *batch_shape, m], with gradients in ``loc`` and
            ``concentration``.
        """
        shape = self._extended_shape(Size(sample_shape))
        loc, concentration = expand_if_needed(self.loc, shape), expand_if_needed(self.concentration, shape[:-1])
        return self._sample(loc, concentration, generator)

    @abstractmethod
    def _sample(self, loc: Tensor, concentration: Tensor, generator: Generator | None) -> Tensor:
        """One reparameterised sample for each of ``loc`` [..., m] and ``concentration`` [...]."""

    def _log_density(self, from_mode: Tensor, from_antipode: Tensor) -> Tensor:
        """The log density at points with these squared distances from mu and from -mu."""
        raise NotImplementedError(f"{type(self).__name__} has no density")

    @property
    @abstractmethod
    def mean_resultant_length(self) -> Tensor:
        """E[mu.x] in [0, 1], the length of the mean vector, shape ``batch_shape``."""

    @property
    @abstractmethod
    def principal_variances(self) -> tuple[Tensor, Tensor]:
        """Variance along and across the mean direction, shape ``batch_shape`` each."""

    def sample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws samples without gradients, see ``rsample``."""
        with torch.no_grad():
            return self.rsample(sample_shape, generator)


def expand_if_needed(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Spares the derivative of an expansion to the same shape."""
    return tensor if tensor.shape == shape else tensor.expand(shape)


def as_parameter(loc: Tensor, value: Tensor | float, name: str) -> Tensor:
    """A parameter as a tensor with the dtype and on the device of ``loc``; refuses what is neither."""
    if not isinstance(loc, Tensor):
        raise TypeError(f"loc must be a tensor, got {type(loc).__name__}")
    if loc.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"loc must be float32 or float64, got {loc.dtype}")
    if isinstance(value, Real):
        return loc.new_full((), float(value))
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor or a number, got {type(value).__name__}")
    if value.device != loc.device:
        raise ValueError(f"{name} must be on the device of loc, {loc.device}, got {value.device}")
    if value.dtype != loc.dtype:
        raise TypeError(f"{name} must have the dtype of loc, {loc.dtype}, got {value.dtype}")
    return value


def check_shapes(loc: Tensor, value: Tensor, name: str) -> Size:
    """The batch shape of vectors and of a number for each; refuses shapes that do not fit."""
    if loc.dim() < 1 or loc.shape[-1] < 2:
        raise ValueError(f"loc must have shape [..., m] with m >= 2, got {tuple(loc.shape)}")
    if loc.shape[:-1] == value.shape:
        return value.shape
    batch, given = tuple(loc.shape[:-1]), tuple(value.shape)
    if batch and given == (*batch, 1):
        raise ValueError(
            f"{name} must have the batch shape of loc, {batch}, got {given}, which would broadcast "
            f"to a larger batch: squeeze its last axis, {name}.squeeze(-1)"
        )
    try:
        return torch.broadcast_shapes(batch, given)
    except RuntimeError:
        raise ValueError(
            f"{name} must have a shape that broadcasts with the batch shape of loc, {batch}, got {given}"
        ) from None


def check_unit(loc: Tensor) -> None:
    """Refuses a mean direction that is not a unit vector."""
    if not all_true(unit_sphere.check(loc)):
        worst = (loc.detach().norm(dim=-1) - 1).abs().max()
        raise ValueError(
            f"loc must hold unit vectors, within {NORM_TOLERANCE}, got a norm off by {shown(worst, '.3g')}: "
            f"normalise it with torch.nn.functional.normalize(loc, dim=-1)"
        )


def check_allowed(allowed: Tensor, value: Tensor, name: str, range_: str) -> None:
    """Refuses a parameter that is not allowed everywhere, naming the first value that is not."""
    if not all_true(allowed):
        # Without a mask, by which vmap takes no elements.
        first = torch.argmin(allowed.flatten().to(torch.uint8))
        found = value.detach().flatten().index_select(0, first.reshape(1))
        raise ValueError(f"{name} must be {range_}, got {shown(found)}")


def check_same_sphere(p: Any, q: Any) -> None:
    """Refuses distributions on spheres of different dimensions."""
    if p.dim != q.dim:
        raise ValueError(f"p and q must live on one sphere, got dimensions {p.dim} and {q.dim}")
