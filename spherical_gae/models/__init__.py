"""Models: an encoder, a latent law and a decoder."""

from spherical_gae.models.graph import NormalGAE, SphericalGAE, VariationalGAE

__all__ = ["NormalGAE", "SphericalGAE", "VariationalGAE"]
