from .autoencoder import Autoencoder
from .directed import DirectedEmbeddings, DirectedGAE
from .graph import NormalGAE, SphericalGAE, VariationalGAE
from .importance import importance_weighted_log_likelihood, widened
from .m1 import M1Classifier
from .refinement import refined_posterior
from .scoring import score_links
from .semi_supervised import M1M2, M1M2Loss
from .vae import NormalVAE, SphericalVAE, VAELoss, VariationalAutoencoder

__all__ = [
    "M1M2",
    "Autoencoder",
    "DirectedEmbeddings",
    "DirectedGAE",
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
    "score_links",
    "widened",
]
