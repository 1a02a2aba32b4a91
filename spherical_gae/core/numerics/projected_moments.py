"""Mean and second moments of a projected normal vector, by quadrature in one variable.

With x ~ N(mu, diag(s^2)), 1 / |x| = pi^(-1/2) int t^(-1/2) exp(-t |x|^2) dt and 1 / |x|^2 = int exp(-t |x|^2) dt, so
that

    E[z_i]     = pi^(-1/2) int t^(1/2) F(t) m_i(t) du,          m_i = mu_i / (1 + 2 t s_i^2),
    E[z_i z_j] = int t F(t) (m_i m_j + [i = j] v_i) du,         v_i = s_i^2 / (1 + 2 t s_i^2),

over u = log t, with F(t) = E[exp(-t |x|^2)].  The trapezoidal rule is exact to rounding for such integrands.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from spherical_gae.core.numerics.operators import last_size

_NODES = 512
# So many nodes are summed at once.
_CHUNK = 32
_FOLDS = 64.0


def projected_mean(loc: Tensor, scale: Tensor) -> Tensor:
    """E[z].

    Args:
        loc: mu, shape [..., m].
        scale: s > 0, the same shape, the largest of |mu_i| and s_i at most 1e12 times the smallest s_i.

    Returns:
        Shape [..., m]; computed in float64 with an error of 1e-12, in the dtype of ``loc``.
    """
    mu, s, start, step = _frame(loc, scale)
    total = torch.zeros_like(mu)
    for first in range(0, _NODES, _CHUNK):
        time, share, mass = _nodes(mu, s, start, step, first)
        total = total + mu * (share * (time.sqrt() * mass).unsqueeze(-1)).sum(-2)
    return (total * (step.unsqueeze(-1) / math.sqrt(math.pi))).to(loc.dtype)


def projected_second_moment(loc: Tensor, scale: Tensor) -> Tensor:
    """E[z z^T], as ``projected_mean``.

    Args:
        loc: mu, shape [..., m].
        scale: s > 0, the same shape.

    Returns:
        Shape [..., m, m].
    """
    mu, s, start, step = _frame(loc, scale)
    outer = torch.zeros((*mu.shape, mu.shape[-1]), dtype=mu.dtype, device=mu.device)
    spread = torch.zeros_like(mu)
    for first in range(0, _NODES, _CHUNK):
        time, share, mass = _nodes(mu, s, start, step, first)
        weight = (time * mass).unsqueeze(-1)
        centre = share * mu.unsqueeze(-2)
        outer = outer + (centre * weight).mT @ centre
        spread = spread + s.square() * (share * weight).sum(-2)
    return ((outer + torch.diag_embed(spread)) * step[..., None, None]).to(loc.dtype)


def projected_covariance(loc: Tensor, scale: Tensor) -> Tensor:
    """E[z z^T] - E[z] E[z]^T, as ``projected_mean``, with an absolute error of 1e-12.

    Both moments are subtracted in float64, as their difference may be far smaller than they.  Variances are at least 0.

    Args:
        loc: mu, shape [..., m].
        scale: s > 0, the same shape.

    Returns:
        Shape [..., m, m].
    """
    mean = projected_mean(loc.double(), scale.double())
    second = projected_second_moment(loc.double(), scale.double())
    covariance = second - mean.unsqueeze(-1) * mean.unsqueeze(-2)
    variance = covariance.diagonal(dim1=-2, dim2=-1)
    return (covariance + torch.diag_embed(variance.clamp(min=0) - variance)).to(loc.dtype)


def _frame(loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """mu and s at a mean square of 1, first u and its step, [...]."""
    mu, s = loc.double(), scale.double()
    dim = last_size(mu)
    size = ((mu.square() + s.square()).mean(-1, keepdim=True)).rsqrt()
    mu, s = mu * size, s * size
    low = torch.full_like(mu[..., 0], -_FOLDS - math.log(dim))
    # Beyond 1 / s_i^2 of all i the integrands fall as t^(-m / 2) or faster.
    high = -2 * s.detach().amin(-1).log() + _FOLDS / dim
    return mu, s, low, (high - low) / (_NODES - 1)


def _nodes(mu: Tensor, s: Tensor, start: Tensor, step: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
    """t [..., n], 1 / (1 + 2 t s_i^2) [..., n, m] and F(t) [..., n] of some of the nodes."""
    number = torch.arange(first, min(first + _CHUNK, _NODES), dtype=mu.dtype, device=mu.device)
    time = (start.unsqueeze(-1) + step.unsqueeze(-1) * number).exp()
    grown = 2 * time.unsqueeze(-1) * s.square().unsqueeze(-2)
    share = 1 / (1 + grown)
    exponent = -0.5 * torch.log1p(grown) - time.unsqueeze(-1) * mu.square().unsqueeze(-2) * share
    return time, share, exponent.sum(-1).exp()
