from .core import (
    HypersphericalUniform,
    PowerSpherical,
    ProductOfSpheres,
    ProjectedNormal,
    SphericalCauchy,
    VonMisesFisher,
    confidence_cone,
    fit_standard_errors,
    rayleigh_test,
    sampled_kl,
)
from .data import link_split, load_graph, load_images, read_graph, split_links
from .embedding import SphericalGraphEmbedding
from .models import (
    M1M2,
    Autoencoder,
    DirectedGAE,
    M1Classifier,
    NormalGAE,
    NormalVAE,
    SphericalGAE,
    SphericalVAE,
    score_links,
)
from .nn import DegreeBiasedDecoder, GCNEncoder, InnerProductDecoder, NormalizedPropagationEncoder
from .training import GAEConfig, LinkMasking, M1M2Config, VAEConfig, fit_gae, fit_m1m2, fit_vae

__version__: str

__all__ = [
    "M1M2",
    "Autoencoder",
    "DegreeBiasedDecoder",
    "DirectedGAE",
    "GAEConfig",
    "GCNEncoder",
    "HypersphericalUniform",
    "InnerProductDecoder",
    "LinkMasking",
    "M1Classifier",
    "M1M2Config",
    "NormalGAE",
    "NormalVAE",
    "NormalizedPropagationEncoder",
    "PowerSpherical",
    "ProductOfSpheres",
    "ProjectedNormal",
    "SphericalCauchy",
    "SphericalGAE",
    "SphericalGraphEmbedding",
    "SphericalVAE",
    "VAEConfig",
    "VonMisesFisher",
    "confidence_cone",
    "fit_gae",
    "fit_m1m2",
    "fit_standard_errors",
    "fit_vae",
    "link_split",
    "load_graph",
    "load_images",
    "rayleigh_test",
    "read_graph",
    "sampled_kl",
    "score_links",
    "split_links",
]
