"""Hyperspherical latent variables in PyTorch, and spherical graph autoencoders above all."""

from spherical_gae.core import HypersphericalUniform, PowerSpherical, ProductOfSpheres, VonMisesFisher
from spherical_gae.data import load_graph, load_images, read_graph, split_links
from spherical_gae.models import M1M2, Autoencoder, M1Classifier, NormalGAE, NormalVAE, SphericalGAE, SphericalVAE
from spherical_gae.nn import DegreeBiasedDecoder, GCNEncoder, InnerProductDecoder, NormalizedPropagationEncoder
from spherical_gae.training import (
    BatchConfig,
    FitConfig,
    LinkMasking,
    SemiSupervisedConfig,
    fit,
    fit_m1m2,
    fit_vae,
)

__version__ = "0.1.0"

__all__ = [
    "M1M2",
    "Autoencoder",
    "BatchConfig",
    "DegreeBiasedDecoder",
    "FitConfig",
    "GCNEncoder",
    "HypersphericalUniform",
    "InnerProductDecoder",
    "LinkMasking",
    "M1Classifier",
    "NormalGAE",
    "NormalVAE",
    "NormalizedPropagationEncoder",
    "PowerSpherical",
    "ProductOfSpheres",
    "SemiSupervisedConfig",
    "SphericalGAE",
    "SphericalVAE",
    "VonMisesFisher",
    "fit",
    "fit_m1m2",
    "fit_vae",
    "load_graph",
    "load_images",
    "read_graph",
    "split_links",
]
