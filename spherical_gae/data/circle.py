"""Points on a circle, mapped to a hundred dimensions: data whose latent space is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from spherical_gae.core import VonMisesFisher

NUM_FEATURES = 100
"""Features of a data point."""
MEANS = (0.0, 2 * math.pi / 3, -2 * math.pi / 3)
"""Mean angles of the components."""
CONCENTRATIONS = (4.0, 4.0, 4.0)
"""Concentrations of the components.  The density is 1.6 times the uniform one at their means, 0.4 times in between."""
NOISE_STD = 1.0
"""Standard deviation of the noise in each feature; the noiseless features have one of 0.65."""
_WEIGHT_STD = 1.5
_MAP_SEED = 1804


class CircleData(NamedTuple):
    """Data points with what they were made from.

    Attributes:
        x: The data, float32 [N, 100].
        angle: Where on the circle a point came from, float64 [N], in (-pi, pi].
        component: The component it was drawn from, int64 [N].

    Example:
        >>> circle_mixture(num_points=6).x.shape
        torch.Size([6, 100])
    """

    x: Tensor
    angle: Tensor
    component: Tensor


def circle_mixture(
    num_points: int,
    seed: int = 0,
    *,
    means: Sequence[float] = MEANS,
    concentrations: Sequence[float] = CONCENTRATIONS,
    noise_std: float = NOISE_STD,
) -> CircleData:
    """A mixture of von Mises-Fisher distributions on S^1, mapped to R^100, with noise  (Davidson et al. 2018, 5.1).

    The components are equally likely.  x = f(cos(angle), sin(angle)) + noise_std * N(0, I), with the map f of
    ``plane_to_features``.  The paper does not say which map, distributions and noise it used; these are our own.

    Args:
        num_points: Number of points N, at least 1.
        seed: Seed of the points and the noise, not of the map; the global random state is not used.
        means: Mean angle of each component, radians.
        concentrations: Concentration of each component, >= 0.
        noise_std: Standard deviation of the noise in each feature, >= 0 and finite.

    Returns:
        The points, in random order.

    Raises:
        ValueError: If ``num_points`` is below 1, there is no component or not one concentration for each mean, or
            a value is out of range.

    Example:
        >>> x, angle, component = circle_mixture(500, seed=3)
        >>> x.shape, angle.shape
        (torch.Size([500, 100]), torch.Size([500]))
    """
    if num_points < 1:
        raise ValueError(f"num_points must be at least 1, got {num_points}")
    if not means or len(means) != len(concentrations):
        raise ValueError(
            f"means and concentrations must have the same length, at least 1, got {len(means)} and "
            f"{len(concentrations)}"
        )
    if not all(map(math.isfinite, means)):
        raise ValueError(f"means must be finite, got {tuple(means)}")
    if not all(0 <= kappa < math.inf for kappa in concentrations):
        raise ValueError(f"concentrations must be finite and at least 0, got {tuple(concentrations)}")
    if not 0 <= noise_std < math.inf:
        raise ValueError(f"noise_std must be finite and at least 0, got {noise_std}")
    generator = Generator().manual_seed(seed)
    component = torch.randint(len(means), (num_points,), generator=generator)
    centers = angle_to_plane(torch.tensor(means, dtype=torch.float64))
    kappas = torch.tensor(concentrations, dtype=torch.float64)
    points = VonMisesFisher(centers[component], kappas[component]).sample(generator=generator)
    angle = torch.atan2(points[:, 1], points[:, 0])
    # atan2 of a negative zero is -pi.
    angle = torch.where(angle <= -math.pi, -angle, angle)
    features = plane_to_features(angle_to_plane(angle))
    noise = torch.empty_like(features).normal_(generator=generator)
    return CircleData((features + noise_std * noise).float(), angle, component)


def angle_to_plane(angle: Tensor) -> Tensor:
    """The points (cos, sin) of angles [...], shape [..., 2]."""
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def plane_to_features(points: Tensor) -> Tensor:
    """The fixed map f(u) = tanh(W u + b) from the plane to R^100.

    W [100, 2] is normal with standard deviation 1.5, b [100] standard normal, both from a seed of their own.  tanh is
    strictly increasing and W has rank 2: f is smooth and injective.

    Args:
        points: Points u of the plane, shape [N, 2].

    Returns:
        Shape [N, 100], of the same dtype.
    """
    generator = Generator().manual_seed(_MAP_SEED)
    weight, bias = torch.empty(NUM_FEATURES, 3, dtype=torch.float64).normal_(generator=generator).split([2, 1], dim=1)
    return torch.tanh(points @ (_WEIGHT_STD * weight).to(points).t() + bias.to(points).flatten())
