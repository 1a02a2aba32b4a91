"""The figures by which variational autoencoders are compared."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from spherical_gae.nn.modes import HasModes, evaluating
from spherical_gae.randomness import seeded


class ScoredModel(HasModes, Protocol):
    """What the scores need of a model; ``VariationalAutoencoder`` has it."""

    def loss(self, x: Tensor) -> Any:
        """Means of ``reconstruction`` and ``kl`` over data points, in nats."""

    def log_likelihood(self, x: Tensor, num_samples: int) -> Tensor:
        """log p(x) of each data point."""


class VAEScores(NamedTuple):
    """Means over a set of data in nats; the columns of the paper's table 1.

    Attributes:
        log_likelihood: log p(x) by importance sampling (LL).
        bound: The evidence lower bound (L[q]), reconstruction - kl.
        reconstruction: E_q log p(x | z), one sample per data point (RE).
        kl: KL(q(z | x) || p(z)) (KL).

    Example:
        >>> scores = VAEScores(log_likelihood=-90.0, bound=-95.0, reconstruction=-70.0, kl=25.0)
        >>> scores.reconstruction - scores.kl == scores.bound
        True
    """

    log_likelihood: float
    bound: float
    reconstruction: float
    kl: float


@torch.no_grad()
def score_vae(model: ScoredModel, data: Tensor, num_samples: int = 500, seed: int = 0) -> VAEScores:
    """Scores a model, in evaluation mode.

    Args:
        model: The model, a ``VariationalAutoencoder`` for instance.
        data: What the observation is a distribution of, for Bernoulli pixels zeros and ones; shape [N, *event], on the
            model's device.
        num_samples: Samples per data point for the likelihood, see ``log_likelihood``.
        seed: Seed of the samples; the caller's generators are left as they were.

    Example:
        >>> from spherical_gae.models import SphericalVAE
        >>> model = SphericalVAE(dim=2, in_features=8, hidden_features=(4,))
        >>> scores = score_vae(model, torch.ones(10, 8), num_samples=20)
        >>> scores.log_likelihood < 0
        True
    """
    with evaluating(model), seeded(seed, data.device):
        losses = [(model.loss(part), part.size(0)) for part in data.split(4096)]
        log_likelihood = model.log_likelihood(data, num_samples).double().mean()
    reconstruction, kl = (
        sum(size * getattr(loss, name).double() for loss, size in losses) / data.size(0)
        for name in ("reconstruction", "kl")
    )
    return VAEScores(*(float(value) for value in (log_likelihood, reconstruction - kl, reconstruction, kl)))
