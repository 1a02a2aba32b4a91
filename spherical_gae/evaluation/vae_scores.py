"""The figures by which variational autoencoders are compared."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spherical_gae.models.vae import VariationalAutoencoder
from spherical_gae.training.checkpoint import seed_random


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
def score_vae(model: VariationalAutoencoder, data: Tensor, num_samples: int = 500, seed: int = 0) -> VAEScores:
    """Scores a model.

    Args:
        model: The model.
        data: What the observation is a law of, for Bernoulli pixels zeros and ones; shape [N, *event], on the
            model's device.
        num_samples: Samples per data point for the likelihood, see ``log_likelihood``.
        seed: Seed of the samples; the caller's generators are left as they were.
    """
    with torch.random.fork_rng(devices=[data.device] if data.device.type == "cuda" else []):
        seed_random(seed, data.device)
        losses = [(model.loss(part), part.size(0)) for part in data.split(4096)]
        log_likelihood = model.log_likelihood(data, num_samples).double().mean()
    reconstruction, kl = (
        sum(size * getattr(loss, name).double() for loss, size in losses) / data.size(0)
        for name in ("reconstruction", "kl")
    )
    return VAEScores(*(float(value) for value in (log_likelihood, reconstruction - kl, reconstruction, kl)))
