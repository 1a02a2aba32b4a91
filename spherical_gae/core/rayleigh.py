"""Rayleigh's test: whether directions are uniform."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spherical_gae.core.fit import Samples, checked_samples


class RayleighTest(NamedTuple):
    """Result of Rayleigh's test, float64.

    Attributes:
        statistic: The modified statistic S*, at least 0.
        p_value: Probability of as large a statistic if the directions are uniform.

    Example:
        >>> from spherical_gae import rayleigh_test
        >>> rayleigh_test(torch.eye(3)).p_value < 0.5
        tensor(True)
    """

    statistic: Tensor
    p_value: Tensor


def rayleigh_test(samples: Samples) -> RayleighTest:
    """Tests whether directions are uniform on the sphere, against a mean direction that is not known.

    With R the length of the mean of n samples and S = m n R^2, the statistic

        S* = (1 - 1 / (2 n)) S + S^2 / (2 n (m + 2))

    has a chi-squared distribution of m degrees of freedom, up to terms of order 1/n^2  (Mardia and Jupp 2000, section
    10.4.1; Jupp 2001).  It is the likelihood's score test against von Mises-Fisher distributions.  It does not see
    what has no mean direction, such as directions about an axis, both ways.

    Args:
        samples: Unit vectors, a tensor or array of shape [n, ..., m], float32 or float64: n for each element of the
            batch [...].

    Returns:
        Statistic and p-value, shape [...].

    Raises:
        TypeError: If ``samples`` is neither float32 nor float64, or neither a tensor nor an array.
        ValueError: If there are no samples, or they are not unit vectors.

    Example:
        >>> import numpy as np
        >>> random = np.random.default_rng(0).normal(size=(100, 5))
        >>> uniform = random / np.linalg.norm(random, axis=1, keepdims=True)
        >>> bool(rayleigh_test(uniform).p_value > 0.05)
        True
        >>> shifted = random + [1, 0, 0, 0, 0]
        >>> bool(rayleigh_test(shifted / np.linalg.norm(shifted, axis=1, keepdims=True)).p_value < 1e-6)
        True
    """
    x = checked_samples(samples).detach().double()
    count, dim = x.shape[0], x.shape[-1]
    rayleigh = dim * count * x.mean(0).square().sum(-1)
    statistic = (1 - 1 / (2 * count)) * rayleigh + rayleigh.square() / (2 * count * (dim + 2))
    return RayleighTest(statistic, torch.special.gammaincc(torch.full_like(statistic, dim / 2), statistic / 2))
