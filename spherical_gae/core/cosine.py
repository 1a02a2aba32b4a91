"""The distribution of mu.x, the cosine of the angle to the mean direction, with its distribution function."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints

from spherical_gae.core.directional import DirectionalDistribution, expand_if_needed
from spherical_gae.core.numerics.angle_table import MIN_DIM, tabulated_angle
from spherical_gae.core.numerics.special import log_sphere_area

_BISECTIONS = 60
_LARGEST_SCORE = 8.7


class CosineToMean(Distribution):
    """w = mu.x for x of a distribution about a mean direction mu; it does not depend on mu.

    Its density is |S^(m-2)| (1 - w^2)^((m-3)/2) times that of x.  Its quantiles come from the table by which x is
    sampled (``angle_table.py``), with an error of the distribution function below 1e-6 in float32, 1e-9 in float64,
    besides the rounding of w: where much of the mass is at 1 - w < 1e-3 (concentrations from a hundred times m on),
    float32 tells few angles apart; take float64.

    Args:
        law: ``VonMisesFisher``, ``PowerSpherical`` or ``SphericalCauchy``.
        validate_args: Whether ``log_prob`` and ``cdf`` check their argument; torch.distributions' default if None.

    Raises:
        TypeError: If ``law`` is none of these.

    Example:
        >>> from spherical_gae import VonMisesFisher
        >>> angle = CosineToMean(VonMisesFisher(torch.tensor([1.0, 0.0, 0.0]), 10.0))
        >>> low = angle.icdf(torch.tensor(0.05))  # 95% of the points lie nearer to the mean direction
        >>> low.acos().rad2deg().round(), angle.cdf(low)
        (tensor(46.), tensor(0.0500))
    """

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012 (the base class declares it so)
    support = constraints.interval(-1.0, 1.0)
    has_rsample = True

    def __init__(self, law: DirectionalDistribution, validate_args: bool | None = None) -> None:
        if not isinstance(law, DirectionalDistribution):
            raise TypeError(f"law must be VonMisesFisher, PowerSpherical or SphericalCauchy, got {type(law).__name__}")
        self.law = law
        super().__init__(law.batch_shape, Size(), validate_args=validate_args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.law!r})"

    def expand(self, batch_shape: Any, _instance: Any = None) -> CosineToMean:
        """Returns the distribution with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = self._get_checked_instance(CosineToMean, _instance)
        new.law = self.law.expand(batch_shape)
        Distribution.__init__(new, Size(batch_shape), Size(), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        """The mean resultant length, shape ``batch_shape``."""
        return self.law.mean_resultant_length

    @property
    def variance(self) -> Tensor:
        """The variance of x along mu, shape ``batch_shape``."""
        return self.law.principal_variances[0]

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draws reparameterised samples, shape [*sample_shape, *batch_shape], with gradients in the concentration.

        In float32 a cosine says nothing of angles below 3e-4; its gradient does.
        """
        shape = self._extended_shape(Size(sample_shape))
        concentration = expand_if_needed(self.law.concentration, shape)
        if self._has_table:
            return self._at_score(torch.randn_like(concentration), concentration)
        loc = expand_if_needed(self.law.loc.detach(), (*shape, self.law.dim))
        cosine = (self.law._sample(loc, concentration, None) * loc).sum(-1)
        # Rounded to the interval without a loss of the gradient.
        return cosine + (cosine.clamp(-1, 1) - cosine).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of w in [-1, 1], shape of the broadcast with ``batch_shape``.

        At the ends it is the limit; NaN at -1 for ``PowerSpherical`` on the circle.
        """
        if self._validate_args:
            self._validate_sample(value)
        dim = self.law.dim
        # |x - mu|^2 and |x + mu|^2 of a point with this cosine.
        density = self.law._log_density(2 * (1 - value), 2 * (1 + value)) + log_sphere_area(dim - 1)
        if dim == 3:
            return density  # 0 times log 0 would be NaN at the ends
        return density + 0.5 * (dim - 3) * (torch.log1p(-value) + torch.log1p(value))

    def icdf(self, value: Tensor) -> Tensor:
        """The quantile of probabilities in [0, 1], differentiable in the parameters and in ``value``.

        Raises:
            NotImplementedError: For ``VonMisesFisher`` on the circle, which has no table.
        """
        # A large cosine is a small angle.
        return self._at_score(
            -torch.special.ndtri(value).clamp(-_LARGEST_SCORE, _LARGEST_SCORE), self.law.concentration
        )

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a cosine of at most ``value``, twice differentiable in the parameters and in ``value``.

        Raises:
            NotImplementedError: For ``VonMisesFisher`` on the circle, which has no table.
        """
        if self._validate_args:
            self._validate_sample(value)
        value, _ = torch.broadcast_tensors(value, self.law.loc[..., 0])
        # Not no_grad, out of which values of nested torch.func transforms escape.
        concentration, fixed = self.law.concentration.detach(), value.detach()
        low, high = torch.full_like(fixed, -_LARGEST_SCORE), torch.full_like(fixed, _LARGEST_SCORE)
        for _ in range(_BISECTIONS):
            score = 0.5 * (low + high)
            above = self._at_score(score, concentration) > fixed
            low, high = torch.where(above, score, low), torch.where(above, high, score)
        probability = torch.special.ndtr(-score)
        # The value is there; two derivatives follow from the integral of the density from the quantile of this
        # probability, which moves with the parameters, to the value: 0, and by the midpoint rule to second order.
        quantile = self._at_score(score, self.law.concentration)
        middle = 0.5 * (value + quantile)
        eps = torch.finfo(value.dtype).eps
        # The density of the Power Spherical one is 0^kappa at -1; with m = 3 all are finite at 1, and may be steep.
        middle = middle.clamp(min=-1 + eps)
        if self.law.dim != 3:  # where the density is 0 or infinite at the ends
            middle = middle.clamp(max=1 - eps)
        return probability + self.log_prob(middle).exp() * (value - quantile - (value - quantile).detach())

    @property
    def _has_table(self) -> bool:
        family = self.law.angle_family
        return family is not None and (family.__name__ != "VonMisesFisherAngle" or self.law.dim >= MIN_DIM)

    def _at_score(self, score: Tensor, concentration: Tensor) -> Tensor:
        """The cosine of the angle whose distribution function is Phi(score)."""
        law, family = self.law, self.law.angle_family
        if family is None or not self._has_table:
            raise NotImplementedError(f"{type(law).__name__} has no table of its angle for m = {law.dim}")
        concentration, score = torch.broadcast_tensors(concentration, score)
        return tabulated_angle(concentration, score, family, law.dim).cosine
