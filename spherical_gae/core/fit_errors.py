"""How far a von Mises-Fisher distribution fitted to samples may be from the true one."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from spherical_gae.core.von_mises_fisher import VonMisesFisher


class FitErrors(NamedTuple):
    """Standard errors of a fit, shape ``batch_shape``.

    Attributes:
        loc: Of the mean direction along each of the m - 1 directions at right angles to it, in radians.
        concentration: Of the concentration.

    Example:
        >>> import torch
        >>> from spherical_gae import VonMisesFisher
        >>> from spherical_gae.core import fit_standard_errors
        >>> errors = fit_standard_errors(VonMisesFisher(torch.tensor([0.0, 0.0, 1.0]), torch.tensor(10.0)), 100)
        >>> errors.concentration
        tensor(1.0000)
    """

    loc: Tensor
    concentration: Tensor


def fit_standard_errors(fitted: VonMisesFisher, num_samples: int) -> FitErrors:
    """Standard errors of maximum likelihood, from Fisher's information.

    For n samples it is n kappa A_m(kappa) for the mean direction along each tangent and n A_m'(kappa) for the
    concentration, and nothing between the two  (Mardia and Jupp 2000, section 10.3.1); a standard error is the root of
    its inverse.  Right for large n: with few samples the estimate of kappa is too large on average, by a factor of
    about n (m - 1) / ((n - 1) (m - 1) - 2) if they are concentrated.

    Args:
        fitted: From ``VonMisesFisher.fit``.
        num_samples: Number n >= 1 of samples that it was fitted to; of weighted samples (sum w)^2 / sum w^2.

    Returns:
        The standard errors; at a concentration of 0 that of the mean direction is infinite.

    Raises:
        ValueError: If ``num_samples`` is below 1.

    Example:
        >>> import torch
        >>> truth = VonMisesFisher(torch.eye(3)[0], 10.0)
        >>> fitted = VonMisesFisher.fit(truth.sample((1000,), torch.Generator().manual_seed(0)))
        >>> errors = fit_standard_errors(fitted, 1000)
        >>> bool((fitted.concentration - 10).abs() < 3 * errors.concentration)
        True
    """
    if not num_samples >= 1:
        raise ValueError(f"num_samples: given {num_samples}, allowed: 1 or more")
    along, _ = fitted.principal_variances
    information = num_samples * fitted.concentration * fitted.mean_resultant_length
    return FitErrors(information.rsqrt(), (num_samples * along).rsqrt())
