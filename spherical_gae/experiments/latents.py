"""Heads by the name of their distribution."""

from __future__ import annotations

from spherical_gae.experiments.names import GRAPH_LATENTS, LATENTS
from spherical_gae.nn.heads import (
    FixedDirectionHead,
    LatentHead,
    NormalHead,
    PlainHead,
    PowerSphericalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    SphericalCauchyHead,
    VonMisesFisherHead,
)
from spherical_gae.nn.initial_concentration import InitialConcentration


def make_head(latent: str, dim: int) -> LatentHead:
    """The head of an image model's latent.

    Args:
        latent: ``"s"`` for von Mises-Fisher, ``"n"`` for normal, ``"p"`` for projected normal, ``"ps"`` for Power
            Spherical, ``"sc"`` for spherical Cauchy, ``"sp"`` for a product of spheres S^2, each with a von
            Mises-Fisher distribution.
        dim: Dimension of the manifold, for a product even.

    Raises:
        ValueError: If ``latent`` is none of these, or ``dim`` is odd for a product.

    Example:
        >>> make_head("p", dim=5)
        ProjectedNormalHead(min_logscale=-10.0, initial_scale=1.0)
    """
    if latent == "s":
        return VonMisesFisherHead()
    if latent == "n":
        return NormalHead(min_logstd=-10.0)
    if latent == "p":
        return ProjectedNormalHead()
    if latent == "ps":
        return PowerSphericalHead()
    if latent == "sc":
        return SphericalCauchyHead()
    if latent != "sp":
        raise ValueError(f"latent must be one of {', '.join(LATENTS)}, got {latent!r}")
    if dim < 2 or dim % 2:
        raise ValueError(f"dim must be even for a product of spheres S^2, got {dim}")
    return ProductOfSpheresHead(dim // 2, min_concentration=0.0)


def make_graph_head(
    latent: str,
    min_concentration: float,
    num_factors: int = 1,
    initial_concentration: InitialConcentration = "dimension",
) -> LatentHead:
    """The head of an S-VGAE, but for a product of von Mises-Fisher distributions.

    A smallest concentration is a start with as little noise: a projected normal starts at a scale of
    1 / sqrt(min_concentration) beside means of length about 1.

    Args:
        latent: ``"s"``, ``"p"``, ``"ps"`` or ``"sc"``, as for ``make_head``; ``"f"`` for a direction without noise,
            ``"plain"`` for a vector that is not normalised.
        min_concentration: Smallest concentration of the others, see ``ConcentrationHead``.
        num_factors: Number of spheres of ``"f"``.
        initial_concentration: Where the concentration of ``"s"``, ``"ps"`` and ``"sc"`` starts, likewise.

    Raises:
        ValueError: If ``latent`` is none of these.
    """
    if latent == "s":
        return VonMisesFisherHead(min_concentration, initial_concentration)
    if latent == "ps":
        return PowerSphericalHead(min_concentration, initial_concentration)
    if latent == "p":
        return ProjectedNormalHead(initial_scale=max(min_concentration, 1.0) ** -0.5)
    if latent == "sc":
        return SphericalCauchyHead(min_concentration, initial_concentration)
    if latent == "f":
        return FixedDirectionHead(num_factors)
    if latent == "plain":
        return PlainHead()
    raise ValueError(f"latent must be one of {', '.join(GRAPH_LATENTS)}, got {latent!r}")
