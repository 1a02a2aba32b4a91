from .mixture import VonMisesFisherMixture
from .spherical_k_means import SphericalKMeans

__all__ = [
    "SphericalKMeans",
    "VonMisesFisherMixture",
]
