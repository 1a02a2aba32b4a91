"""The figures by which variational autoencoders are compared."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from spherical_gae.randomness import seeded


class ScoredModel(Protocol):
    """What the scores need of a model; ``VariationalAutoencoder`` has it."""

    training: bool

    def train(self, mode: bool = True) -> Any:
        """Training mode, or evaluation mode."""

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
        data: What the observation is a law of, for Bernoulli pixels zeros and ones; shape [N, *event], on the
            model's device.
        num_samples: Samples per data point for the likelihood, see ``log_likelihood``.
        seed: Seed of the samples; the caller's generators are left as they were.
    """
    was_training = model.training
    model.train(False)
    try:
        with seeded(seed, data.device):
            losses = [(model.loss(part), part.size(0)) for part in data.split(4096)]
            log_likelihood = model.log_likelihood(data, num_samples).double().mean()
    finally:
        model.train(was_training)
    reconstruction, kl = (
        sum(size * getattr(loss, name).double() for loss, size in losses) / data.size(0)
        for name in ("reconstruction", "kl")
    )
    return VAEScores(*(float(value) for value in (log_likelihood, reconstruction - kl, reconstruction, kl)))
