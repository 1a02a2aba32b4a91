"""The marginal likelihood of a latent variable model by importance sampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from spherical_gae.core import PowerSpherical, ProductOfSpheres, ProjectedNormal, VonMisesFisher
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
    model: LatentVariableModel,
    x: Tensor,
    num_samples: int = 500,
    max_rows: int = 4096,
    proposal: Callable[[Tensor], Any] | None = None,
) -> Tensor:
    """log p(x) by importance sampling from the posterior.

    log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x) with z_k ~ q(z | x): its expectation lies between the evidence lower
    bound and log p(x), and grows to log p(x) with K  (Burda et al. 2016, eq. 8; Davidson et al. 2018, section 5.2).

    The bound makes q narrower than the true posterior, so that few samples have most of the weight: with the paper's
    models of MNIST, d = 20, 500 samples fall about a nat short of log p(x) (benchmarks/images/mnist_likelihood.py).  A
    wider proposal (``widened``), or one that is fitted to each data point (``refined_posterior``), needs fewer samples;
    with any proposal the expectation is at most log p(x).

    Args:
        model: The model.
        x: Data, shape [B, *event].
        num_samples: Number K of samples per data point, at least 1.
        max_rows: Latents that are decoded at once, at least 1: without gradients, as in the models'
            ``log_likelihood``, memory is that of ``max_rows`` data points, however large B and K.  Some
            thousand images of MNIST's size stay in a processor's cache, which makes it up to twice as fast.
        proposal: Maps data [B', *event] to what is sampled from, of batch shape [B'], which must have a
            density wherever p(x | z) p(z) has one; None for ``model.posterior``, as in the paper.

    Returns:
        Nats, shape [B].

    Raises:
        ValueError: If ``num_samples`` or ``max_rows`` is below 1.

    Example:
        >>> from spherical_gae.models import SphericalVAE
        >>> model = SphericalVAE(dim=2, in_features=8, hidden_features=(4,))
        >>> importance_weighted_log_likelihood(model, torch.ones(5, 8), num_samples=10).shape
        torch.Size([5])
    """
    for name, value in (("num_samples", num_samples), ("max_rows", max_rows)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    at_once = min(num_samples, max_rows)
    chunks = x.split(max(1, max_rows // at_once)) if x.size(0) else ()  # an empty tensor splits into one, not none
    parts = [_log_mean_weight(model, part, num_samples, at_once, proposal) for part in chunks]
    return torch.cat(parts) if parts else x.new_zeros(0)


def widened(posterior: Any, factor: float = 2.0) -> Any:
    """A distribution around the same mode with about ``factor`` times the variance: a proposal to sample from.

    Args:
        posterior: vMF(mu, kappa), Power Spherical(mu, kappa), a product of vMFs, N(mean, diag(std)^2) or the direction
            of such, of any batch shape.
        factor: Above 0; 1 changes nothing.

    Returns:
        vMF or Power Spherical(mu, kappa / factor), a product of these, N(mean, factor diag(std)^2) or its direction, of
        the same shapes and dtype.  If kappa is large, the variance of a vMF in the tangent space is about 1 / kappa
        (Mardia & Jupp 2000, section 9.3.2).

    Raises:
        TypeError: If the posterior is of another kind.
        ValueError: If ``factor`` is not positive and finite.

    Example:
        >>> from spherical_gae.models import SphericalVAE
        >>> model, x = SphericalVAE(dim=2, in_features=64, hidden_features=(32,)), torch.rand(5, 64).round()
        >>> model.log_likelihood(x, num_samples=10, proposal=lambda x: widened(model.posterior(x), 1.5)).shape
        torch.Size([5])
    """
    if not 0 < factor < math.inf:
        raise ValueError(f"factor must be positive and finite, got {factor}")
    if isinstance(posterior, VonMisesFisher):
        concentration = posterior.concentration / factor
        return VonMisesFisher(posterior.loc, concentration, validate_args=False, sampler=posterior.sampler)
    if isinstance(posterior, PowerSpherical):
        return PowerSpherical(posterior.loc, posterior.concentration / factor, validate_args=False)
    if isinstance(posterior, ProjectedNormal):
        scale = posterior.scale[..., :1] if posterior.isotropic else posterior.scale
        return ProjectedNormal(posterior.loc, scale * math.sqrt(factor), validate_args=False)
    if isinstance(posterior, ProductOfSpheres) and isinstance(posterior.factors, VonMisesFisher):
        return ProductOfSpheres(widened(posterior.factors, factor), validate_args=False)
    if isinstance(posterior, Independent) and isinstance(posterior.base_dist, Normal):
        mean, std = posterior.base_dist.loc, posterior.base_dist.scale
        return Independent(
            Normal(mean, std * math.sqrt(factor), validate_args=False),
            posterior.reinterpreted_batch_ndims,
            validate_args=False,
        )
    raise TypeError(
        "posterior must be a VonMisesFisher, a PowerSpherical, a ProductOfSpheres of VonMisesFisher, a ProjectedNormal "
        "or an Independent Normal, "
        f"got {type(posterior).__name__}"
    )


def _log_mean_weight(
    model: LatentVariableModel,
    x: Tensor,
    num_samples: int,
    at_once: int,
    make_proposal: Callable[[Tensor], Any] | None,
) -> Tensor:
    prior, proposal = model.prior(), (make_proposal or model.posterior)(x)
    total = x.new_full((x.size(0),), -math.inf)
    for start in range(0, num_samples, at_once):
        z = proposal.rsample((min(at_once, num_samples - start),))
        repeated = x.expand(z.size(0), *x.shape)
        law = model.likelihood(z.flatten(0, 1))
        reconstruction = log_prob_of_data(law, repeated.flatten(0, 1)).view(z.shape[:2])
        log_weight = reconstruction + prior.log_prob(z) - proposal.log_prob(z)
        total = torch.logaddexp(total, log_weight.logsumexp(0))
    return total - math.log(num_samples)
