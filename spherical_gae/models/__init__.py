"""Models: graph autoencoders and variational autoencoders, each with any latent law."""

from spherical_gae.models.autoencoder import Autoencoder
from spherical_gae.models.graph import NormalGAE, SphericalGAE, VariationalGAE
from spherical_gae.models.importance import importance_weighted_log_likelihood, widened
from spherical_gae.models.m1 import M1Classifier
from spherical_gae.models.refinement import refined_posterior
from spherical_gae.models.semi_supervised import M1M2, M1M2Loss
from spherical_gae.models.vae import NormalVAE, SphericalVAE, VAELoss, VariationalAutoencoder

__all__ = [
    "M1M2",
    "Autoencoder",
    "M1Classifier",
    "M1M2Loss",
    "NormalGAE",
    "NormalVAE",
    "SphericalGAE",
    "SphericalVAE",
    "VAELoss",
    "VariationalAutoencoder",
    "VariationalGAE",
    "importance_weighted_log_likelihood",
    "refined_posterior",
    "widened",
]
