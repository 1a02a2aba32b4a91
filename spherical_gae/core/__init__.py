"""The sphere itself: distributions, their divergences and the special functions under them.  Torch only."""

from spherical_gae.core import kl, kl_power_spherical  # noqa: F401 (the second registers divergences)
from spherical_gae.core.confidence_cone import confidence_cone
from spherical_gae.core.constraints import unit_sphere
from spherical_gae.core.cosine import CosineToMean
from spherical_gae.core.fit_errors import FitErrors, fit_standard_errors
from spherical_gae.core.hyperspherical_uniform import HypersphericalUniform
from spherical_gae.core.kl import sampled_entropy, sampled_kl
from spherical_gae.core.mixture import SphericalMixture
from spherical_gae.core.power_spherical import PowerSpherical
from spherical_gae.core.product_of_spheres import ProductOfSpheres
from spherical_gae.core.projected_normal import ProjectedNormal
from spherical_gae.core.rayleigh import RayleighTest, rayleigh_test
from spherical_gae.core.rejection import RejectionSample, rejection_sample
from spherical_gae.core.spherical_cauchy import SphericalCauchy
from spherical_gae.core.von_mises_fisher import VonMisesFisher

__all__ = [
    "CosineToMean",
    "FitErrors",
    "HypersphericalUniform",
    "PowerSpherical",
    "ProductOfSpheres",
    "ProjectedNormal",
    "RayleighTest",
    "RejectionSample",
    "SphericalCauchy",
    "SphericalMixture",
    "VonMisesFisher",
    "confidence_cone",
    "fit_standard_errors",
    "kl",
    "rayleigh_test",
    "rejection_sample",
    "sampled_entropy",
    "sampled_kl",
    "unit_sphere",
]
