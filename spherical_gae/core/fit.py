"""Maximum likelihood for the von Mises-Fisher distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from spherical_gae.core.constraints import unit_sphere
from spherical_gae.core.numerics.bessel import ratio_terms

# From the approximation of Banerjee et al. (2005), each step doubles the digits.
_NEWTON_STEPS = 8
# After a step this small in log(kappa), what is left is rounding.
_LAST_STEP = 1e-8


Samples = Tensor | np.ndarray


def fit_von_mises_fisher(samples: Samples, weights: Samples | None = None) -> tuple[Tensor, Tensor]:
    """The mean direction and concentration of greatest likelihood.

    With the weighted mean of the samples of length R, mu is its direction and kappa solves A_m(kappa) = R
    (Mardia and Jupp 2000, section 10.3.1), by Newton's method on 1 - A, in float64, from the approximation
    R (m - R^2) / (1 - R^2).  1 - R comes from the distances to mu, so that concentrated samples keep their digits.

    Args:
        samples: Unit vectors, a tensor or array of shape [n, ..., m], float32 or float64: n for each element of the
            batch [...].
        weights: Non-negative weights, a tensor or array of shape [n] or [n, ...]; all alike if None.

    Returns:
        Tensors, ``loc`` [..., m] and ``concentration`` [...], in the dtype of the samples, without gradients.  Where
        the samples' mean is 0, the concentration is 0 and the direction the first axis.

    Raises:
        TypeError: If ``samples`` is neither float32 nor float64, or either is neither a tensor nor an array.
        ValueError: If there are no samples, they are not unit vectors, the weights have another shape, are
            negative or sum to 0, or all samples coincide, where the likelihood has no maximum.
    """
    samples = checked_samples(samples)
    share = _shares(samples, weights)
    x = samples.detach().double()
    mean = (share.unsqueeze(-1) * x).sum(0)
    length = torch.linalg.vector_norm(mean, dim=-1)
    first_axis = torch.zeros_like(mean)
    first_axis[..., 0] = 1
    loc = torch.where(length.unsqueeze(-1) > 0, mean / length.clamp(min=1e-300).unsqueeze(-1), first_axis)
    deficit = (share * 0.5 * (x - loc).square().sum(-1)).sum(0)
    # Distances this small are rounding, of the samples and of their mean.
    smallest = (64 * torch.finfo(samples.dtype).eps) ** 2
    if not (deficit > smallest).all():
        raise ValueError("samples must not all coincide: the likelihood then grows with the concentration for ever")
    return loc.to(samples.dtype), invert_deficit(deficit.clamp(max=1), samples.shape[-1]).to(samples.dtype)


def invert_deficit(deficit: Tensor, dim: int) -> Tensor:
    """kappa with 1 - A_m(kappa) = deficit.

    Args:
        deficit: 1 - R in (0, 1], R the mean resultant length, float64, any shape.
        dim: Ambient dimension m >= 2.

    Returns:
        The same shape; 0 at a deficit of 1.
    """
    length = 1 - deficit
    kappa = length * (dim - length * length) / (deficit * (1 + length))
    for _ in range(_NEWTON_STEPS):
        terms = ratio_terms(kappa, dim)
        # In log(kappa) a step can neither leave the half-line nor run away where A is flat.
        step = (terms.deficit - deficit) / (terms.slope * kappa.clamp(min=1e-300))
        kappa = kappa * torch.exp(step.clamp(-1, 1))
        if not (step.abs() > _LAST_STEP).any():
            break
    return kappa


def checked_samples(samples: Samples) -> Tensor:
    """Unit vectors as a tensor [n, ..., m]; what they have to be is in ``fit_von_mises_fisher``."""
    x = _as_tensor("samples", samples)
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"samples must be float32 or float64, got {x.dtype}")
    if x.dim() < 2 or x.shape[-1] < 2 or not x.shape[0]:
        raise ValueError(f"samples must have shape [n, ..., m] with n >= 1 and m >= 2, got {tuple(x.shape)}")
    if not unit_sphere.check(x).all():
        worst = float((x.detach().norm(dim=-1) - 1).abs().max())
        raise ValueError(f"samples must be unit vectors, got a norm off by {worst:.3g}")
    return x


def _as_tensor(name: str, values: Any) -> Tensor:
    if isinstance(values, np.ndarray):
        # A copy in the machine's byte order: torch takes neither others nor arrays that are read-only.
        values = torch.from_numpy(values.astype(values.dtype.newbyteorder("="), copy=True, order="C"))
    if not isinstance(values, Tensor):
        raise TypeError(f"{name} must be a tensor or an array, got {type(values).__name__}")
    return values


def _shares(samples: Tensor, weights: Samples | None) -> Tensor:
    """The weights as shares of one, with the samples' batch shape."""
    batch = samples.shape[:-1]
    if weights is None:
        return torch.full(batch, 1 / batch[0], dtype=torch.float64, device=samples.device)
    weights = _as_tensor("weights", weights).to(samples.device)
    if weights.shape not in (batch[:1], batch):
        raise ValueError(f"weights must have shape {tuple(batch[:1])} or {tuple(batch)}, got {tuple(weights.shape)}")
    weights = weights.detach().double().reshape(*weights.shape, *[1] * (len(batch) - weights.dim())).expand(batch)
    total = weights.sum(0)
    if not ((weights >= 0).all() and (total > 0).all() and total.isfinite().all()):
        raise ValueError("weights must be finite, at least 0 and not all 0")
    return weights / total
