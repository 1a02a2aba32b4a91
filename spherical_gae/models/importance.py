"""The marginal likelihood of a latent variable model by importance sampling."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor

from spherical_gae.nn.observations import log_prob_of_data


class LatentVariableModel(Protocol):
    """What the estimator needs of a model; ``VariationalAutoencoder`` has it."""

    def posterior(self, x: Tensor) -> Any:
        """The distribution q(z | x), batch shape [B]."""

    def prior(self) -> Any:
        """The distribution p(z), event shape [m]."""

    def likelihood(self, z: Tensor) -> Any:
        """The distribution p(x | z) for latents [n, m], batch shape [n]."""


def importance_weighted_log_likelihood(
    model: LatentVariableModel, x: Tensor, num_samples: int = 500, max_rows: int = 16384
) -> Tensor:
    """log p(x) by importance sampling from the posterior.

    log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x) with z_k ~ q(z | x): its expectation lies between the evidence lower
    bound and log p(x), and grows to log p(x) with K  (Burda et al. 2016, eq. 8; Davidson et al. 2018, section 5.2).

    Args:
        model: The model.
        x: Data, shape [B, *event].
        num_samples: Number K of samples per data point, at least 1.
        max_rows: Latents that are decoded at once, at least 1: without gradients, as in the models'
            ``log_likelihood``, memory is that of ``max_rows`` data points, however large B and K.

    Returns:
        Nats, shape [B].

    Raises:
        ValueError: If ``num_samples`` or ``max_rows`` is below 1.
    """
    for name, value in (("num_samples", num_samples), ("max_rows", max_rows)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    at_once = min(num_samples, max_rows)
    chunks = x.split(max(1, max_rows // at_once)) if x.size(0) else ()  # an empty tensor splits into one, not none
    parts = [_log_mean_weight(model, part, num_samples, at_once) for part in chunks]
    return torch.cat(parts) if parts else x.new_zeros(0)


def _log_mean_weight(model: LatentVariableModel, x: Tensor, num_samples: int, at_once: int) -> Tensor:
    posterior, prior = model.posterior(x), model.prior()
    total = x.new_full((x.size(0),), -math.inf)
    for start in range(0, num_samples, at_once):
        z = posterior.rsample((min(at_once, num_samples - start),))
        repeated = x.expand(z.size(0), *x.shape)
        law = model.likelihood(z.flatten(0, 1))
        reconstruction = log_prob_of_data(law, repeated.flatten(0, 1)).view(z.shape[:2])
        log_weight = reconstruction + prior.log_prob(z) - posterior.log_prob(z)
        total = torch.logaddexp(total, log_weight.logsumexp(0))
    return total - math.log(num_samples)
