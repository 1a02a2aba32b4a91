"""The cone about a fitted mean direction that holds the true one with a given probability."""

from __future__ import annotations

import math

import scipy  # its parts load when a quantile is asked for, not when a distribution is imported
import torch
from torch import Tensor

from spherical_gae.core.von_mises_fisher import VonMisesFisher


def confidence_cone(fitted: VonMisesFisher, num_samples: int, level: float = 0.95) -> Tensor:
    """Semi-angle of the confidence cone of the mean direction, in radians.

    It is the largest angle t with

        2 (n - 1) kappa A_m(kappa) (1 - cos t) / (m - 1) <= F,

    F the ``level`` quantile of the F distribution with m - 1 and (n - 1) (m - 1) degrees of freedom.  For concentrated
    samples this is the cone of Watson and Williams (1956), on S^2 Fisher's (1953), right for any n  (Mardia and Jupp
    2000, section 10.4); for large n the left side has the chi-squared distribution of the likelihood, at any
    concentration.  Measured for m up to 10, its coverage is within .02 of ``level`` where n A_m(kappa)^2 is 10 or more.
    Far below that the samples may as well be uniform, see ``rayleigh_test``, and the cone is too narrow.

    Args:
        fitted: From ``VonMisesFisher.fit``.
        num_samples: Number n >= 2 of samples that it was fitted to.
        level: Probability that the cone holds the true mean direction, in (0, 1).

    Returns:
        Angles in (0, pi], shape ``batch_shape``; pi where the whole sphere is as likely.

    Raises:
        ValueError: If ``num_samples`` or ``level`` is out of range.

    Example:
        >>> truth = VonMisesFisher(torch.eye(3)[0], 10.0)
        >>> fitted = VonMisesFisher.fit(truth.sample((1000,), torch.Generator().manual_seed(0)))
        >>> bool(torch.arccos(fitted.loc @ truth.loc) < confidence_cone(fitted, 1000))
        True
    """
    if not num_samples >= 2:
        raise ValueError(f"num_samples: given {num_samples}, allowed: 2 or more")
    if not 0 < level < 1:
        raise ValueError(f"level: given {level}, allowed: between 0 and 1")
    tangents = fitted.dim - 1
    quantile = float(scipy.special.fdtri(tangents, (num_samples - 1) * tangents, level))
    information = (num_samples - 1) * fitted.concentration * fitted.mean_resultant_length
    # 1 - cos t = 2 sin(t / 2)^2, which keeps the digits of small angles.
    half_versine = quantile * tangents / (4 * information)
    return torch.where(half_versine < 1, 2 * half_versine.clamp(max=1).sqrt().asin(), math.pi)
