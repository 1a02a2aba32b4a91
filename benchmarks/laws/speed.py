"""Seconds of one sample and divergence, forward and backward, for several laws; and of a whole training step."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from scipy.stats import vonmises_fisher
from torch import Tensor, nn
from torch.distributions import Distribution, Normal, kl_divergence
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import (
    HypersphericalUniform,
    PowerSpherical,
    ProjectedNormal,
    SphericalCauchy,
    VonMisesFisher,
    sampled_kl,
)
from spherical_gae.nn import LatentHead, NormalHead, VonMisesFisherHead

SHAPES = ((64, 11), (2708, 16), (100_000, 16), (10_000, 256))
Step = Callable[[], object]


def loss_steps(batch: int, dim: int, validate: bool) -> dict[str, Step]:
    """For each law, a call that samples, adds the divergence to its prior and goes backward.

    The parameters are leaves: unit vectors and concentrations, or means and standard deviations, of the same (batch,
    dim).  Values are checked where ``validate`` says so, in all laws of torch.distributions' interface.
    """
    generator = torch.Generator().manual_seed(0)
    loc = F.normalize(torch.randn(batch, dim, generator=generator), dim=-1).requires_grad_()
    concentration = (50 * torch.rand(batch, generator=generator) + 1).requires_grad_()
    mean = torch.randn(batch, dim, generator=generator).requires_grad_()
    scale = (torch.rand(batch, dim, generator=generator) + 0.1).requires_grad_()

    def spherical(law: Callable[..., Distribution], **options: Any) -> Step:
        def step() -> None:
            posterior = law(loc, concentration, validate_args=validate, **options)
            prior = HypersphericalUniform(dim, validate_args=validate)
            backward(posterior.rsample(), kl_divergence(posterior, prior), loc, concentration)

        return step

    def normal() -> None:
        prior = Normal(torch.zeros(()), torch.ones(()), validate_args=validate)
        posterior = Normal(mean, scale, validate_args=validate)
        backward(posterior.rsample(), kl_divergence(posterior, prior), mean, scale)

    def projected_normal() -> None:
        posterior = ProjectedNormal(mean, scale, validate_args=validate)
        prior, z = HypersphericalUniform(dim, validate_args=validate), posterior.rsample()
        backward(z, sampled_kl(posterior, prior, z), mean, scale)

    def spherical_cauchy() -> None:
        # Of the same gradient in the concentration's place.
        posterior = SphericalCauchy(loc, torch.tanh(concentration / 50), validate_args=validate)
        prior = HypersphericalUniform(dim, validate_args=validate)
        backward(posterior.rsample(), kl_divergence(posterior, prior), loc, concentration)

    steps: dict[str, Step] = {
        "normal": normal,
        "vMF, tabulated": spherical(VonMisesFisher),
        "vMF, exact": spherical(VonMisesFisher, sampler="exact"),
        "power spherical": spherical(PowerSpherical),
        "spherical Cauchy": spherical_cauchy,
        "projected normal": projected_normal,
    }
    peer = pythae_step(loc, concentration)
    return steps if peer is None else {**steps, "pythae": peer}


def backward(sample: Tensor, divergence: Tensor, *parameters: Tensor) -> None:
    """Gradients of a sum, which costs every law the same."""
    for parameter in parameters:
        parameter.grad = None
    (sample.sum() + divergence.sum()).backward()


def pythae_step(loc: Tensor, concentration: Tensor) -> Step | None:
    """The sampler and divergence of pythae's S-VAE, if it is installed."""
    try:
        from pythae.models.svae.svae_model import SVAE
    except ImportError:
        return None
    model = SVAE.__new__(SVAE)
    nn.Module.__init__(model)
    column = concentration.detach().unsqueeze(-1).clone().requires_grad_()

    def step() -> None:
        divergence = model._compute_kl(m=loc.shape[-1], concentration=column)
        backward(model._sample_von_mises(loc, column), divergence, loc, column)

    return step


def scipy_seconds(batch: int, dim: int) -> float:
    """Seconds of scipy's sampler, which has one law at a time and no gradient, for as many samples of one law."""
    law = vonmises_fisher([1.0] + [0.0] * (dim - 1), 20.0)
    return interleaved({"scipy": lambda: law.rvs(batch, random_state=0)}, 5)["scipy"]


def training_steps(batch: int = 64, latent_dim: int = 10) -> dict[str, Step]:
    """A step of a variational autoencoder of the paper's size, 784-256-128-d and back, with Adam.

    The spherical one has the same number of degrees of freedom: d of the manifold, S^d in R^(d+1).
    """
    heads = {
        "normal": (NormalHead(), latent_dim),
        "vMF, tabulated": (VonMisesFisherHead(initial_concentration="paper"), latent_dim + 1),
    }
    return {name: training_step(head, dim, batch) for name, (head, dim) in heads.items()}


def training_step(head: LatentHead, dim: int, batch: int) -> Step:
    """One model's step on random images."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, 784, generator=generator).round()
    trunk = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
    outputs = nn.ModuleList(nn.Linear(128, width) for width in head.parameter_widths(dim))
    decoder = nn.Sequential(nn.Linear(dim, 128), nn.ReLU(), nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 784))
    optimizer = torch.optim.Adam([*trunk.parameters(), *outputs.parameters(), *decoder.parameters()], lr=1e-3)

    def step() -> None:
        hidden = trunk(images)
        posterior = head(*(output(hidden) for output in outputs))
        logits = decoder(posterior.rsample())
        divergence = kl_divergence(posterior, head.prior(posterior))
        loss = F.binary_cross_entropy_with_logits(logits, images, reduction="sum") + divergence.sum()
        optimizer.zero_grad()
        (loss / batch).backward()
        optimizer.step()

    return step


def interleaved(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Median seconds of each call over the rounds, one after the other in each."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 3):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if number >= 3:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}
