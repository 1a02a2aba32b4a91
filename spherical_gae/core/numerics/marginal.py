"""Exact samples of the angle between a von Mises-Fisher sample and its mean direction.

The angle theta in [0, pi] has density proportional to exp(kappa cos theta) sin(theta)^(m-2).  It is returned as
t = tan(theta / 2) in [0, inf], which keeps its relative precision at the mean (t = 0) and at the antipode
(t = inf) alike; cos theta itself has lost every digit of theta at either end.

All proposals are closed forms of exponential and uniform variates, a fixed number is drawn at once, and the
first accepted one is taken: no loop, no host round trip.  Where none is accepted, with a probability below 1e-9,
the first proposal stands, so the distribution is exact up to rounding and a total variation of 1e-9.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

# The worst acceptance is .658 for the circle (kappa -> inf) and .90 for m >= 4 (kappa = m / 2).
_ROUNDS_CIRCLE = 20
_ROUNDS = 10
# Proposals are made for this many elements at a time, so that memory stays bounded and caches warm.
_CHUNK = 1 << 15


def sample_half_tangent(concentration: Tensor, dim: int, generator: Generator | None = None) -> Tensor:
    """Draws t = tan(theta / 2) for each concentration.

    Sources: inversion for m = 3 (Davidson et al. 2018, section 3.3, after Ulrich 1984); otherwise Ulrich's
    envelope as corrected by Wood (1994) below kappa = m / 2, and above it a gamma envelope drawn by
    Marsaglia and Tsang (2000).

    Args:
        concentration: kappa >= 0, any shape, float32 or float64.
        dim: Ambient dimension m >= 2.
        generator: Source of randomness; torch's global one if None.

    Returns:
        t in (0, inf), bounded so that t^2 does not overflow, same shape and dtype; no gradient.
    """
    kappa = concentration.detach().reshape(-1)
    draw = _invert_on_sphere if dim == 3 else _reject
    chunks = [draw(part, dim, generator) for part in kappa.split(_CHUNK)]
    t = torch.cat(chunks) if len(chunks) > 1 else chunks[0]
    bound = math.sqrt(torch.finfo(t.dtype).max) / 4
    return t.clamp(min=1 / bound, max=bound).reshape(concentration.shape)


def _invert_on_sphere(kappa: Tensor, dim: int, generator: Generator | None) -> Tensor:
    """m = 3: x = 1 - cos theta is an exponential variate truncated to [0, 2]."""
    energy = torch.empty_like(kappa, memory_format=torch.contiguous_format).exponential_(
        generator=generator
    )  # -log(1 - u)
    log_u = torch.log(-torch.expm1(-energy))
    u = torch.exp(log_u)
    # Each side has one form for small kappa, where logaddexp would cancel, and one that never overflows.
    safe = kappa.clamp(min=torch.finfo(kappa.dtype).tiny)
    small = -torch.log1p(u * torch.expm1(-2 * kappa))
    large = -torch.logaddexp(-energy, log_u - 2 * kappa)
    x = torch.where(kappa < 1, small, large) / safe
    x = torch.where(kappa == 0, 2 * u, x)
    near_antipode = torch.log1p(torch.exp(-energy) * torch.expm1(2 * kappa.clamp(max=40))) / safe
    rest = torch.where(kappa < 40, near_antipode, 2 - x)
    rest = torch.where(kappa == 0, 2 * torch.exp(-energy), rest)
    return (x / rest.clamp(min=torch.finfo(kappa.dtype).tiny)).sqrt()


def _reject(kappa: Tensor, dim: int, generator: Generator | None) -> Tensor:
    """Draws a fixed number of proposals for each element and takes the first accepted one."""
    rounds = _ROUNDS_CIRCLE if dim == 2 else _ROUNDS
    shape = (rounds, *kappa.shape)
    energy, threshold = kappa.new_empty((2, *shape)).exponential_(generator=generator)
    angle = kappa.new_empty(shape).uniform_(0, 2 * math.pi, generator=generator)
    t, log_ratio = _propose_wood(kappa, dim, energy, angle)
    if dim > 3:
        gamma_t, gamma_log_ratio = _propose_gamma(kappa, dim, energy, angle)
        concentrated = kappa > 0.5 * dim
        t = torch.where(concentrated, gamma_t, t)
        log_ratio = torch.where(concentrated, gamma_log_ratio, log_ratio)
    first = (threshold >= -log_ratio).to(torch.uint8).argmax(0, keepdim=True)
    return t.gather(0, first).squeeze(0)


def _propose_wood(kappa: Tensor, dim: int, energy: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Proposes a uniform point of the sphere, moved towards the mean by tan -> sqrt(b) tan.

    Returns the half tangent and the log acceptance probability, (m - 1) (log1p(d) - d) <= 0.
    """
    scaled = kappa / (0.5 * (dim - 1))
    b = 1 / (scaled + torch.hypot(scaled, torch.ones_like(scaled)))
    # The height w of a uniform point, by Ulrich's polar form of the symmetric beta law.
    log_rest = energy * (-2 / (dim - 2)) if dim > 2 else torch.full_like(energy, -math.inf)
    rest, radius_squared = torch.exp(log_rest), -torch.expm1(log_rest)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    height = radius_squared.sqrt() * cosine
    complement = rest + radius_squared * sine * sine  # 1 - w^2, free of cancellation
    cotangent = (1 + height.abs()) / complement.sqrt()
    t = b.sqrt() * torch.where(height > 0, cotangent, 1 / cotangent)
    spread = 1 - height + b * (1 + height)
    d = (1 - b) * height / spread
    return t, (dim - 1) * (torch.log1p(d) - d)


def _propose_gamma(kappa: Tensor, dim: int, energy: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Proposes x = 1 - cos theta from Gamma(a, rate), a = (m - 1) / 2, which touches the target at x0.

    Returns the half tangent and the log acceptance probability: -inf where the proposal leaves [0, 2].
    """
    a = 0.5 * (dim - 1)
    scaled = kappa / a
    b = 1 / (scaled + torch.hypot(scaled, torch.ones_like(scaled)))
    x0 = 2 * b / (1 + b)
    rate = kappa + (a - 1) / (2 - x0)
    # A gamma variate as the cube of a shifted normal (Marsaglia and Tsang), the normal by Box and Muller.
    shape = a - 1 / 3
    normal = (2 * energy).sqrt() * torch.cos(angle)
    y = normal / math.sqrt(9 * shape)
    root = (1 + y).clamp(min=0)
    x = shape * root**3 / rate
    gamma_ratio = 0.5 * normal * normal + shape * (3 * torch.log(root) - y * (3 + y * (3 + y)))
    d = (x - x0) / (2 - x0)
    target_ratio = (a - 1) * (torch.log1p(-d.clamp(max=1)) + d)
    inside = (x < 2) & (root > 0)
    rest = torch.where(inside, 2 - x, 1)
    log_ratio = torch.where(inside, gamma_ratio + target_ratio, -math.inf)
    return (x / rest).sqrt(), log_ratio
