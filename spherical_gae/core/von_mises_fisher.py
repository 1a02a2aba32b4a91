"""The von Mises-Fisher distribution on the unit sphere, right in every dimension."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Generator, Tensor
from torch.distributions import ExponentialFamily

from spherical_gae.core.directional import DirectionalDistribution
from spherical_gae.core.fit import Samples, fit_von_mises_fisher
from spherical_gae.core.numerics.angle_family import VonMisesFisherAngle
from spherical_gae.core.numerics.angle_table import MIN_DIM
from spherical_gae.core.numerics.implicit import reparameterized_angle
from spherical_gae.core.numerics.marginal import sample_half_tangent
from spherical_gae.core.numerics.special import (
    kl_to_uniform,
    log_hyp0f1,
    log_scaled_normalizer,
    log_sphere_area,
    mean_resultant_length,
    mean_resultant_ratio,
    mean_resultant_slope,
)
from spherical_gae.core.numerics.tabulated import sample_tabulated
from spherical_gae.core.numerics.tangent import random_point_at_angle

Sampler = Literal["tabulated", "exact"]
# Not looked up in a call: torch.compile of torch 2.4 does not trace get_args.
_SAMPLERS = get_args(Sampler)


class VonMisesFisher(DirectionalDistribution, ExponentialFamily):
    """Von Mises-Fisher distribution vMF(mu, kappa) on the unit sphere S^(m-1) in R^m.

    Its density with respect to the surface measure is C_m(kappa) exp(kappa mu.x)  (Davidson et al. 2018,
    eq. 3, 4).  At kappa = 0 it is the uniform distribution.  ``batch_shape`` is the broadcast of ``loc.shape[:-1]`` and
    ``concentration.shape``; ``event_shape`` is (m,).

    Samples are right for every m >= 2 and kappa from 0 to 1e30 (1e36 in float64), and have norm 1 within 1e-5.
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
        sampler: How the angle to the mean direction is drawn for m >= 3: "tabulated", a smooth transform of one
            normal variate, or "exact", by rejection, many times slower.  On the circle, both are the exact one.

    Raises:
        TypeError: If ``loc`` is neither float32 nor float64, or ``concentration`` has another dtype.
        ValueError: If ``sampler`` is neither, m < 2, the shapes do not broadcast, the concentration has a trailing
            axis of 1 beside ``loc``'s batch, or, with validation on, a value is outside its range.

    Example:
        >>> import torch
        >>> loc = torch.nn.functional.normalize(torch.ones(4, 3), dim=-1)
        >>> q = VonMisesFisher(loc, torch.full((4,), 10.0))
        >>> q.rsample((2,)).shape, q.batch_shape
        (torch.Size([2, 4, 3]), torch.Size([4]))
    """

    angle_family = VonMisesFisherAngle
    _mean_carrier_measure = 0.0

    def __init__(
        self,
        loc: Tensor,
        concentration: Tensor | float,
        validate_args: bool | None = None,
        sampler: Sampler = "tabulated",
    ) -> None:
        if sampler not in _SAMPLERS:
            raise ValueError(f"sampler must be one of {_SAMPLERS}, got {sampler!r}")
        self.sampler: Sampler = sampler
        super().__init__(loc, concentration, validate_args)

    @classmethod
    def fit(cls, samples: Samples, weights: Samples | None = None) -> VonMisesFisher:
        """The distribution of greatest likelihood, see ``fit.fit_von_mises_fisher``.

        How far it may be from the truth say ``fit_standard_errors`` and ``confidence_cone``.

        Args:
            samples: Unit vectors, a tensor or array of shape [n, ..., m], float32 or float64: n for each element of
                the batch [...].
            weights: Non-negative weights, a tensor or array of shape [n] or [n, ...]; all alike if None.

        Returns:
            The distribution, of batch shape [...].

        Raises:
            TypeError: If ``samples`` is neither float32 nor float64, or either is neither a tensor nor an array.
            ValueError: If samples or weights are not as above, or all samples coincide.

        Example:
            >>> import numpy as np
            >>> fitted = VonMisesFisher.fit(np.array([[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]]))
            >>> fitted.loc, round(float(fitted.mean_resultant_length), 4)
            (tensor([1., 0.], dtype=torch.float64), 0.7333)
        """
        return cls(*fit_von_mises_fisher(samples, weights))

    def expand(self, batch_shape: Any, _instance: Any = None) -> VonMisesFisher:
        """Returns the distribution with ``batch_shape``, see ``torch.distributions.Distribution.expand``."""
        new = super().expand(batch_shape, self._get_checked_instance(VonMisesFisher, _instance))
        new.sampler = self.sampler
        return new

    @property
    def mean_resultant_length(self) -> Tensor:
        """A_m(kappa) = E[mu.x], shape ``batch_shape``."""
        return mean_resultant_length(self.concentration, self.dim)

    @property
    def principal_variances(self) -> tuple[Tensor, Tensor]:
        """A' along and A / kappa across the mean direction, shape ``batch_shape`` each."""
        along = mean_resultant_slope(self.concentration, self.dim)
        return along, mean_resultant_ratio(self.concentration, self.dim)

    def _sample(self, loc: Tensor, concentration: Tensor, generator: Generator | None) -> Tensor:
        if self.sampler == "tabulated" and self.dim >= MIN_DIM:
            return sample_tabulated(loc, concentration, VonMisesFisherAngle, generator)
        half_tangent = sample_half_tangent(concentration, self.dim, generator)
        versine, sine = reparameterized_angle(concentration, half_tangent, self.dim)
        return random_point_at_angle(loc, versine, sine, generator)

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
        distance = (value - self.loc).square().sum(-1)
        return self._log_density(distance, distance)

    def _log_density(self, from_mode: Tensor, from_antipode: Tensor) -> Tensor:
        return log_scaled_normalizer(self.concentration, self.dim) - 0.5 * self.concentration * from_mode

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """kappa mu, of which x is the sufficient statistic."""
        return (self.concentration.unsqueeze(-1) * self.loc,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """-log C_m(|eta|)."""
        (eta,) = natural_params
        return log_hyp0f1(torch.linalg.vector_norm(eta, dim=-1), self.dim) + log_sphere_area(self.dim)

    def entropy(self) -> Tensor:
        """-E[log p] = log |S^(m-1)| - KL(vMF || uniform), in nats, shape ``batch_shape``."""
        return log_sphere_area(self.dim) - kl_to_uniform(self.concentration, self.dim)
