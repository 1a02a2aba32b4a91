"""The von Mises-Fisher law on the unit sphere, right in every dimension."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Generator, Size, Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint, nonnegative

from spherical_gae.core.angle_family import VonMisesFisherAngle
from spherical_gae.core.angle_table import MIN_DIM
from spherical_gae.core.constraints import NORM_TOLERANCE, unit_sphere
from spherical_gae.core.implicit import reparameterized_angle
from spherical_gae.core.marginal import sample_half_tangent
from spherical_gae.core.special import (
    kl_to_uniform,
    log_scaled_normalizer,
    log_sphere_area,
    mean_resultant_length,
    mean_resultant_ratio,
    mean_resultant_slope,
)
from spherical_gae.core.tabulated import sample_tabulated
from spherical_gae.core.tangent import random_point_at_angle

Sampler = Literal["tabulated", "exact"]


class VonMisesFisher(Distribution):
    """Von Mises-Fisher law vMF(mu, kappa) on the unit sphere S^(m-1) in R^m.

    Its density with respect to the surface measure is C_m(kappa) exp(kappa mu.x)  (Davidson et al. 2018,
    eq. 3, 4).  At kappa = 0 it is the uniform law.  ``batch_shape`` is the broadcast of ``loc.shape[:-1]`` and
    ``concentration.shape``; ``event_shape`` is (m,).

    Samples follow the law for every m >= 2 and kappa from 0 to 1e30 (1e36 in float64), and have norm 1 within 1e-5.
    The distribution function of their angle is off by at most 1e-8 in float32 and 1e-10 in float64, besides rounding
    (``angle_table.py``); the exact sampler's law by a total variation of 1e-9.  Gradients pass through ``rsample``
    to ``loc`` and, by implicit reparameterisation, to ``concentration``; as those of ``log_prob``, ``entropy`` and
    the KL divergences, they can be taken twice.

    Args:
        loc: Mean direction mu, unit vectors, shape [..., m] with m >= 2, float32 or float64.
        concentration: kappa >= 0 and finite, shape [...], dtype and device of ``loc``; or a Python number.
        validate_args: Whether to check values (shapes are always checked); torch.distributions' default
            if None.  The checks read the tensors, which on a GPU waits for it; without them, what an invalid
            value gives is undefined.
        sampler: How the angle to the mean direction is drawn for m >= 4: "tabulated", a smooth transform of one
            normal variate, or "exact", by rejection, many times slower.  Below, both are the exact one.

    Raises:
        TypeError: If ``loc`` is neither float32 nor float64, or ``concentration`` has another dtype.
        ValueError: If ``sampler`` is neither, m < 2, the shapes do not broadcast, the concentration has a trailing
            axis of 1 beside ``loc``'s batch, or, with validation on, a value is outside its range.

    Example:
        >>> loc = torch.nn.functional.normalize(torch.ones(4, 3), dim=-1)
        >>> q = VonMisesFisher(loc, torch.full((4,), 10.0))
        >>> q.rsample((2,)).shape, q.batch_shape
        (torch.Size([2, 4, 3]), torch.Size([4]))
    """

    arg_constraints = {"loc": unit_sphere, "concentration": nonnegative}  # noqa: RUF012
    support: Constraint = unit_sphere
    has_rsample = True

    loc: Tensor
    concentration: Tensor

    def __init__(
        self,
        loc: Tensor,
        concentration: Tensor | float,
        validate_args: bool | None = None,
        sampler: Sampler = "tabulated",
    ) -> None:
        if sampler not in get_args(Sampler):
            raise ValueError(f"sampler must be one of {get_args(Sampler)}, got {sampler!r}")
        concentration = _as_concentration(loc, concentration)
        batch_shape = _check_shapes(loc, concentration)
        validate = Distribution._validate_args if validate_args is None else validate_args
        if validate:
            _check_values(loc, concentration)
        self.sampler: Sampler = sampler
        self.loc = _expand(loc, (*batch_shape, loc.shape[-1]))
        self.concentration = _expand(concentration, batch_shape)
        # The values were checked above, with messages that say more than the base class's.
        super().__init__(batch_shape, loc.shape[-1:], validate_args=False)
        self._validate_args = validate

    def __repr__(self) -> str:
        shapes = f"loc: {tuple(self.loc.shape)}, concentration: {tuple(self.concentration.shape)}"
        return f"{type(self).__name__}({shapes})"

    def expand(self, batch_shape: Any, _instance: Any = None) -> VonMisesFisher:
        """Returns the law with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = self._get_checked_instance(VonMisesFisher, _instance)
        batch_shape = Size(batch_shape)
        new.sampler = self.sampler
        new.loc = self.loc.expand(*batch_shape, self.dim)
        new.concentration = self.concentration.expand(batch_shape)
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def dim(self) -> int:
        """Ambient dimension m."""
        return self.loc.shape[-1]

    @property
    def mean(self) -> Tensor:
        """E[x] = A_m(kappa) mu, inside the ball, shape [*batch_shape, m]."""
        return mean_resultant_length(self.concentration, self.dim).unsqueeze(-1) * self.loc

    @property
    def mode(self) -> Tensor:
        """The mean direction mu, shape [*batch_shape, m]; at kappa = 0 every point is a mode."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Variance of each coordinate, the diagonal of the covariance, shape [*batch_shape, m]."""
        along, across = self._principal_variances()
        square = self.loc.square()
        return along * square + across * (1 - square)

    @property
    def covariance_matrix(self) -> Tensor:
        """A' mu mu^T + (A / kappa) (I - mu mu^T), shape [*batch_shape, m, m]."""
        along, across = (v.unsqueeze(-1) for v in self._principal_variances())
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
        loc, concentration = _expand(self.loc, shape), _expand(self.concentration, shape[:-1])
        if self.sampler == "tabulated" and self.dim >= MIN_DIM:
            return sample_tabulated(loc, concentration, VonMisesFisherAngle, generator)
        half_tangent = sample_half_tangent(concentration, self.dim, generator)
        versine, sine = reparameterized_angle(concentration, half_tangent, self.dim)
        return random_point_at_angle(loc, versine, sine, generator)

    def sample(self, sample_shape: Any = torch.Size(), generator: Generator | None = None) -> Tensor:
        """Draws samples without gradients, see ``rsample``."""
        with torch.no_grad():
            return self.rsample(sample_shape, generator)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the surface measure.

        Evaluated as log(C_m(kappa) e^kappa) - kappa |x - mu|^2 / 2, which equals log C_m(kappa) + kappa mu.x
        on the sphere and loses no digits at large kappa.

        Args:
            value: Unit vectors x, shape broadcastable with [*batch_shape, m].

        Returns:
            The log density, shape [...] of the broadcast.

        Raises:
            ValueError: If validation is on and ``value`` is off the sphere or of the wrong shape.
        """
        if self._validate_args:
            self._validate_sample(value)
        peak = log_scaled_normalizer(self.concentration, self.dim)
        return peak - 0.5 * self.concentration * (value - self.loc).square().sum(-1)

    def entropy(self) -> Tensor:
        """-E[log p] = log |S^(m-1)| - KL(vMF || uniform), in nats, shape ``batch_shape``."""
        return log_sphere_area(self.dim) - kl_to_uniform(self.concentration, self.dim)

    def _principal_variances(self) -> tuple[Tensor, Tensor]:
        """Variance along and across the mean direction, shape [*batch_shape, 1]."""
        along = mean_resultant_slope(self.concentration, self.dim)
        across = mean_resultant_ratio(self.concentration, self.dim)
        return along.unsqueeze(-1), across.unsqueeze(-1)


def _expand(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Spares the derivative of an expansion to the same shape."""
    return tensor if tensor.shape == shape else tensor.expand(shape)


def _as_concentration(loc: Tensor, concentration: Tensor | float) -> Tensor:
    if loc.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"loc must be float32 or float64, got {loc.dtype}")
    if not isinstance(concentration, Tensor):
        return loc.new_tensor(concentration)
    if concentration.dtype != loc.dtype:
        raise TypeError(f"concentration must have the dtype of loc, {loc.dtype}, got {concentration.dtype}")
    return concentration


def _check_shapes(loc: Tensor, concentration: Tensor) -> Size:
    if loc.dim() < 1 or loc.shape[-1] < 2:
        raise ValueError(f"loc must have shape [..., m] with m >= 2, got {tuple(loc.shape)}")
    if loc.shape[:-1] == concentration.shape:
        return concentration.shape
    batch, given = tuple(loc.shape[:-1]), tuple(concentration.shape)
    if batch and given == (*batch, 1):
        raise ValueError(
            f"concentration must have the batch shape of loc, {batch}, got {given}, which would broadcast "
            f"to a larger batch: squeeze its last axis, concentration.squeeze(-1)"
        )
    try:
        return torch.broadcast_shapes(batch, given)
    except RuntimeError:
        raise ValueError(
            f"concentration must have a shape that broadcasts with the batch shape of loc, {batch}, got {given}"
        ) from None


def _check_values(loc: Tensor, concentration: Tensor) -> None:
    if not unit_sphere.check(loc).all():
        worst = float((loc.detach().norm(dim=-1) - 1).abs().max())
        raise ValueError(
            f"loc must hold unit vectors, within {NORM_TOLERANCE}, got a norm off by {worst:.3g}: "
            f"normalise it with torch.nn.functional.normalize(loc, dim=-1)"
        )
    allowed = (concentration >= 0) & concentration.isfinite()
    if not allowed.all():
        value = float(concentration.detach()[~allowed].flatten()[0])
        raise ValueError(f"concentration must be finite and at least 0, got {value}")
