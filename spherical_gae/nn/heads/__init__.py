"""Heads: raw parameters to a posterior distribution, each with its prior; one file a family."""

from spherical_gae.nn.heads.base import LatentHead
from spherical_gae.nn.heads.directional import PowerSphericalHead, SphericalCauchyHead, VonMisesFisherHead
from spherical_gae.nn.heads.normal import NormalHead
from spherical_gae.nn.heads.point import FixedDirectionHead, PlainHead, PointMass
from spherical_gae.nn.heads.product_of_spheres import ProductOfSpheresHead
from spherical_gae.nn.heads.projected_normal import ProjectedNormalHead

__all__ = [
    "FixedDirectionHead",
    "LatentHead",
    "NormalHead",
    "PlainHead",
    "PointMass",
    "PowerSphericalHead",
    "ProductOfSpheresHead",
    "ProjectedNormalHead",
    "SphericalCauchyHead",
    "VonMisesFisherHead",
]
