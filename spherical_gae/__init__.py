"""Hyperspherical latent variables in PyTorch, and spherical graph autoencoders above all."""

from spherical_gae.core import HypersphericalUniform, PowerSpherical, ProductOfSpheres, VonMisesFisher
from spherical_gae.data import load_graph, split_links
from spherical_gae.models import NormalGAE, SphericalGAE
from spherical_gae.nn import DegreeBiasedDecoder, GCNEncoder, InnerProductDecoder, NormalizedPropagationEncoder
from spherical_gae.training import FitConfig, LinkMasking, fit

__version__ = "0.1.0"

__all__ = [
    "DegreeBiasedDecoder",
    "FitConfig",
    "GCNEncoder",
    "HypersphericalUniform",
    "InnerProductDecoder",
    "LinkMasking",
    "NormalGAE",
    "NormalizedPropagationEncoder",
    "PowerSpherical",
    "ProductOfSpheres",
    "SphericalGAE",
    "VonMisesFisher",
    "fit",
    "load_graph",
    "split_links",
]
