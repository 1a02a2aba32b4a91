"""A plain autoencoder, with the interface of the variational ones."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from spherical_gae.models.vae import HIDDEN_FEATURES, MNIST_FEATURES, VAELoss, check_dim
from spherical_gae.nn.mlp import MLP
from spherical_gae.nn.observations import BernoulliObservation, Observation, log_prob_of_data


class Autoencoder(nn.Module):
    """Encodes points to points of R^d, without noise and without a prior  (Davidson et al. 2018, section 5.1).

    Args:
        dim: Dimension d of the latent space R^d.
        in_features: Features of a data point, for the default encoder and decoder.
        hidden_features: Widths of the encoder's hidden layers, reversed in the decoder, likewise.
        encoder: Module that maps data [B, *event] to latents [B, d].
        decoder: Module that maps latents [n, d] to the observation's parameters.
        observation: Default: Bernoulli pixels.

    Raises:
        ValueError: If ``dim`` or a width is below 1.

    Example:
        >>> import torch
        >>> model = Autoencoder(dim=2, in_features=8, hidden_features=(4,))
        >>> model.encode(torch.ones(5, 8)).shape
        torch.Size([5, 2])
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
        super().__init__()
        check_dim(dim)
        self.encoder = MLP((in_features, *hidden_features, dim)) if encoder is None else encoder
        self.decoder = MLP((dim, *reversed(hidden_features), in_features)) if decoder is None else decoder
        self.observation = BernoulliObservation() if observation is None else observation

    def forward(self, x: Tensor) -> Tensor:
        """The same as ``encode``."""
        return self.encode(x)

    def encode(self, x: Tensor) -> Tensor:
        """Latents of data [B, *event], shape [B, d]."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """The mean of p(x | z), for pixels their probabilities; z [n, d] to [n, *event]."""
        return self.observation(self.decoder(z)).mean

    def loss(self, x: Tensor, kl_weight: float = 1.0) -> VAELoss:
        """The mean of -log p(x | z) over the batch; there is no KL term, so that its weight has no effect."""
        reconstruction = log_prob_of_data(self.observation(self.decoder(self.encode(x))), x).mean()
        return VAELoss(-reconstruction, reconstruction, reconstruction.new_zeros(()))
