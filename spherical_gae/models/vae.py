"""Variational autoencoders: S-VAE on the sphere and N-VAE in the plane are one model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from spherical_gae.core import sampled_kl
from spherical_gae.models.importance import importance_weighted_log_likelihood
from spherical_gae.nn.default_decoder import latent_scale
from spherical_gae.nn.heads import LatentHead, NormalHead, VonMisesFisherHead
from spherical_gae.nn.heads.base import checked_outputs
from spherical_gae.nn.mlp import MLP, MLPEncoder, Scale
from spherical_gae.nn.observations import BernoulliObservation, Observation, log_prob_of_data
from spherical_gae.nn.priors import LatentPrior

MNIST_FEATURES = 784
HIDDEN_FEATURES = (256, 128)


class VAELoss(NamedTuple):
    """A loss and its parts, means over the batch in nats, shape () each.

    Attributes:
        total: -reconstruction + kl_weight * kl; with a weight of 1, the negative of the evidence lower bound.
        reconstruction: log p(x | z) for a sample z of the posterior (RE in the paper's table 1).
        kl: KL(q(z | x) || p(z)), exact where it has a closed form.

    Example:
        >>> loss = VAELoss(total=torch.tensor(95.0), reconstruction=torch.tensor(-70.0), kl=torch.tensor(25.0))
        >>> loss.kl - loss.reconstruction == loss.total
        tensor(True)
    """

    total: Tensor
    reconstruction: Tensor
    kl: Tensor


class VariationalAutoencoder(nn.Module):
    """A variational autoencoder with any latent distribution and any observation  (Kingma & Welling 2014).

    Data points are of any event shape; all methods take one batch axis in front.  For images as [B, channels, height,
    width], encoder and decoder both have to be given; the default ones take vectors.

    Args:
        encoder: Module that maps x [B, *event] to the head's raw parameters, unconstrained.
        head: The latent distribution.
        decoder: Module that maps z [n, m] to the observation's raw parameters [n, *event].
        observation: The distribution of the data given the latent.
        latent_features: Coordinates m of a latent.
        prior: A prior that is learned with the model, such as ``MixturePrior``; the head's own if None.

    Example:
        >>> from spherical_gae.nn import BernoulliObservation, MLP, NormalHead, ParallelLinear
        >>> encoder = torch.nn.Sequential(MLP((8, 4), final_activation=True), ParallelLinear(4, (2, 2)))
        >>> decoder, pixels = MLP((2, 8)), BernoulliObservation()
        >>> model = VariationalAutoencoder(encoder, NormalHead(), decoder, pixels, latent_features=2)
        >>> model.encode(torch.ones(5, 8)).shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: LatentHead,
        decoder: nn.Module,
        observation: Observation,
        latent_features: int,
        prior: LatentPrior | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.decoder, self.observation = decoder, observation
        self.latent_features = latent_features
        self.learned_prior = prior

    def forward(self, x: Tensor) -> Tensor:
        """The same as ``encode``."""
        return self.encode(x)

    def posterior(self, x: Tensor) -> Any:
        """The distribution q(z | x), batch shape [B].

        Raises:
            ValueError: If the encoder's outputs are not those of ``latent_features`` coordinates.
        """
        posterior: Distribution = self.head(*checked_outputs(self.encoder(x)))
        if posterior.event_shape != (self.latent_features,):
            raise ValueError(
                f"the encoder must return the parameters of {self.latent_features} latent coordinates, "
                f"got those of {tuple(posterior.event_shape)}"
            )
        return posterior

    def prior(self) -> Any:
        """The distribution p(z), event shape [m]."""
        if self.learned_prior is not None:
            return self.learned_prior(self.posterior)
        return self.head.prior_of(self.latent_features, next(self.parameters()))

    def likelihood(self, z: Tensor) -> Any:
        """The distribution p(x | z) for latents [n, m], batch shape [n]."""
        return self.observation(self.decoder(z))

    def encode(self, x: Tensor) -> Tensor:
        """Latents of data [B, *event].

        Returns:
            Shape [B, m]: in training mode a sample of the posterior, in evaluation mode its centre (the mean
            direction, or the mean; see the head's ``center``), deterministic.
        """
        posterior = self.posterior(x)
        return posterior.rsample() if self.training else self.head.center(posterior)

    def decode(self, z: Tensor) -> Tensor:
        """The mean of p(x | z), for pixels their probabilities; z [n, m] to [n, *event]."""
        return self.likelihood(z).mean

    @torch.no_grad()
    def sample(self, num_samples: int) -> Tensor:
        """Decodes draws from the prior: means of p(x | z), shape [num_samples, *event]."""
        return self.decode(self.prior().sample((num_samples,)))

    def loss(self, x: Tensor, kl_weight: float = 1.0, num_samples: int = 1) -> VAELoss:
        """The negative evidence lower bound, in training and in evaluation mode.

        With one sample z for each data point, log p(x | z) - kl_weight KL(q(z | x) || p(z)), where the KL term is exact
        or, where it has no closed form, estimated by z (``sampled_kl``).  With K samples the importance-weighted bound

            log 1/K sum_k p(x | z_k) (p(z_k) / q(z_k | x))^kl_weight,

        which lies between that bound and log p(x).

        Args:
            x: Data, shape [B, *event].
            kl_weight: Weight of the KL term, 1 for the bound.
            num_samples: Number K of samples for each data point, at least 1.

        Returns:
            The loss and its parts; with several samples ``kl`` is what the reconstruction is above the bound.
            Sources: Davidson et al. (2018), eq. 1; Burda et al. (2016), eq. 8.

        Raises:
            ValueError: If ``num_samples`` is below 1, or ``x`` is empty.
        """
        if num_samples < 1:
            raise ValueError(f"num_samples must be at least 1, got {num_samples}")
        if len(x) == 0:
            raise ValueError(f"x must hold at least one data point, got shape {tuple(x.shape)}")
        posterior = self.posterior(x)
        prior = self.head.prior(posterior) if self.learned_prior is None else self.prior()
        if num_samples > 1:
            return self._importance_weighted_loss(x, posterior, prior, kl_weight, num_samples)
        z = posterior.rsample()
        reconstruction = log_prob_of_data(self.likelihood(z), x).mean()
        kl = sampled_kl(posterior, prior, z).mean()
        return VAELoss(kl_weight * kl - reconstruction, reconstruction, kl)

    def _importance_weighted_loss(
        self, x: Tensor, posterior: Any, prior: Any, kl_weight: float, num_samples: int
    ) -> VAELoss:
        z = posterior.rsample((num_samples,))
        repeated = x.expand(num_samples, *x.shape).flatten(0, 1)
        fit = log_prob_of_data(self.likelihood(z.flatten(0, 1)), repeated).view(num_samples, -1)
        excess = posterior.log_prob(z) - prior.log_prob(z)
        bound, weighted = (
            (torch.logsumexp(fit - weight * excess, 0) - math.log(num_samples)).mean() for weight in (1.0, kl_weight)
        )
        reconstruction = fit.mean()
        return VAELoss(-weighted, reconstruction, reconstruction - bound)

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        num_samples: int = 500,
        max_rows: int = 4096,
        proposal: Callable[[Tensor], Any] | None = None,
    ) -> Tensor:
        """log p(x), estimated by importance sampling; see ``importance_weighted_log_likelihood``.

        Args:
            x: Data, shape [B, *event].
            num_samples: Samples of the posterior per data point, at least 1; the paper uses 500.
            max_rows: Latents that are decoded at once, which bounds the memory.
            proposal: Maps data to what is sampled from, such as ``lambda x: widened(model.posterior(x))``; None
                for the posterior.

        Returns:
            Nats, shape [B].
        """
        return importance_weighted_log_likelihood(self, x, num_samples, max_rows, proposal)


class SphericalVAE(VariationalAutoencoder):
    """S-VAE: posteriors on the sphere, by default von Mises-Fisher, uniform prior  (Davidson et al. 2018).

    Args:
        dim: Dimension d of the **manifold**, as in the paper: latents are unit vectors of m = d + 1 coordinates.
        in_features: Features of a data point, for the default encoder and decoder.
        hidden_features: Widths of the encoder's hidden layers, reversed in the decoder, likewise.
        encoder: Module that returns the head's parameters, unconstrained: by default
            ``(direction [B, m], concentration [B, 1] or [B])``.
        decoder: Module that maps unit vectors [n, m] to the observation's parameters.
        head: Default: von Mises-Fisher with concentrations that start at m.
            ``VonMisesFisherHead(initial_concentration="paper")`` starts at 1.7 and collapses at d >= 40;
            ``ProjectedNormalHead()`` has a scale for each dimension, the better choice from d = 20 on.
        observation: Default: Bernoulli pixels.
        prior: A prior that is learned with the model, such as ``MixturePrior``; default: uniform.
        scaled_latent: Whether the decoder sees sqrt(m) z in place of z, m the coordinates of a sphere: coordinates of
            the size of a normal latent's.

    Raises:
        ValueError: If ``dim`` or a width is below 1.

    Example:
        >>> model = SphericalVAE(dim=2, in_features=64, hidden_features=(32,))
        >>> x = torch.rand(5, 64).round()
        >>> total, reconstruction, kl = model.loss(x)
        >>> model.encode(x).shape, model.log_likelihood(x, num_samples=10).shape
        (torch.Size([5, 3]), torch.Size([5]))
    """

    def __init__(
        self,
        dim: int,
        in_features: int = MNIST_FEATURES,
        hidden_features: Sequence[int] = HIDDEN_FEATURES,
        *,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        head: LatentHead | None = None,
        observation: Observation | None = None,
        prior: LatentPrior | None = None,
        scaled_latent: bool = False,
    ) -> None:
        check_dim(dim)
        head = VonMisesFisherHead() if head is None else head
        width = head.coordinates(dim)
        # The encoder first: published results depend on the order in which weights are drawn.
        if encoder is None:
            encoder = MLPEncoder(in_features, hidden_features, head.parameter_widths(width))
        if decoder is None:
            decoder = MLP((width, *reversed(hidden_features), in_features))
        if scaled_latent:
            decoder = nn.Sequential(Scale(latent_scale(head, width)), decoder)
        super().__init__(
            encoder,
            head,
            decoder,
            BernoulliObservation() if observation is None else observation,
            width,
            prior,
        )


class NormalVAE(VariationalAutoencoder):
    """N-VAE: normal posteriors with diagonal covariance, standard normal prior  (Kingma & Welling 2014).

    Args:
        dim: Dimension d of the latent space R^d.
        in_features: Features of a data point, for the default encoder and decoder.
        hidden_features: Widths of the encoder's hidden layers, reversed in the decoder, likewise.
        encoder: Module that returns ``(mean [B, d], logstd [B, d])``, unconstrained.
        decoder: Module that maps latents [n, d] to the observation's parameters.
        observation: Default: Bernoulli pixels.

    Raises:
        ValueError: If ``dim`` or a width is below 1.

    Example:
        >>> model = NormalVAE(dim=2, in_features=8, hidden_features=(4,))
        >>> model.loss(torch.ones(5, 8))._fields
        ('total', 'reconstruction', 'kl')
    """

    def __init__(
        self,
        dim: int,
        in_features: int = MNIST_FEATURES,
        hidden_features: Sequence[int] = HIDDEN_FEATURES,
        *,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        observation: Observation | None = None,
    ) -> None:
        check_dim(dim)
        head = NormalHead()
        super().__init__(
            MLPEncoder(in_features, hidden_features, head.parameter_widths(dim)) if encoder is None else encoder,
            head,
            MLP((dim, *reversed(hidden_features), in_features)) if decoder is None else decoder,
            BernoulliObservation() if observation is None else observation,
            dim,
        )


def check_dim(dim: int) -> None:
    """Refuses dimensions below 1."""
    if dim < 1:
        raise ValueError(f"dim must be at least 1, got {dim}")
