"""Models: graph autoencoders and variational autoencoders, each with any latent law."""

from spherical_gae.models.autoencoder import Autoencoder
from spherical_gae.models.graph import NormalGAE, SphericalGAE, VariationalGAE
from spherical_gae.models.vae import NormalVAE, SphericalVAE, VAELoss, VariationalAutoencoder

__all__ = [
    "Autoencoder",
    "NormalGAE",
    "NormalVAE",
    "SphericalGAE",
    "SphericalVAE",
    "VAELoss",
    "VariationalAutoencoder",
    "VariationalGAE",
]
