"""Kullback-Leibler divergences between laws on the sphere, registered with torch.distributions."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import kl_divergence, register_kl

from spherical_gae.core.directional import DirectionalDistribution
from spherical_gae.core.hyperspherical_uniform import HypersphericalUniform
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle
from spherical_gae.core.numerics.kl_to_uniform import divergence_to_uniform
from spherical_gae.core.numerics.special import (
    kl_to_uniform,
    log_hyp0f1,
    log_peak_ratio,
    mean_resultant_deficit,
    mean_resultant_length,
)
from spherical_gae.core.power_spherical import PowerSpherical
from spherical_gae.core.product_of_spheres import ProductOfSpheres
from spherical_gae.core.von_mises_fisher import VonMisesFisher


@register_kl(VonMisesFisher, HypersphericalUniform)
def kl_von_mises_fisher_uniform(p: VonMisesFisher, q: HypersphericalUniform) -> Tensor:
    """KL(vMF || uniform) = kappa A + log C + log |S^(m-1)|, which does not depend on mu.

    Source: Davidson et al. (2018), eq. 5.  Relative error as ``special.kl_to_uniform``.

    Args:
        p: Posterior.
        q: Prior on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    _check_same_sphere(p, q)
    kl = kl_to_uniform(p.concentration, p.dim)
    return kl if not q.batch_shape else kl + kl.new_zeros(q.batch_shape)


@register_kl(PowerSpherical, HypersphericalUniform)
def kl_power_spherical_uniform(p: PowerSpherical, q: HypersphericalUniform) -> Tensor:
    """KL(Power Spherical || uniform), which does not depend on mu.

    With beta = (m - 1) / 2, alpha = beta + kappa and psi the digamma function, it is

        kappa (psi(alpha) - psi(alpha + beta)) + log Gamma(alpha + beta) - log Gamma(alpha) + log Gamma(beta)
            - log Gamma(2 beta)

    (De Cao and Aziz 2020, eq. 16).  Relative error as ``kl_table.tabulated_kl``.

    Args:
        p: Posterior.
        q: Prior on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    _check_same_sphere(p, q)
    kl = divergence_to_uniform(p.concentration, PowerSphericalAngle, p.dim)
    return kl if not q.batch_shape else kl + kl.new_zeros(q.batch_shape)


@register_kl(VonMisesFisher, VonMisesFisher)
def kl_von_mises_fisher(p: VonMisesFisher, q: VonMisesFisher) -> Tensor:
    """KL(vMF(mu_p, kappa_p) || vMF(mu_q, kappa_q)).

    With G(kappa) = kappa - log 0F1(; m / 2; kappa^2 / 4), which grows only like log kappa,

        KL = G(kappa_p) - G(kappa_q) + (kappa_q - kappa_p) (1 - A(kappa_p)) + kappa_q A(kappa_p) |mu_p - mu_q|^2 / 2.

    Derived from the densities; exactly 0 for p = q.  Absolute error: a few roundings of G.

    Args:
        p: First law.
        q: Second law, on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    _check_same_sphere(p, q)
    gap = log_peak_ratio(p.concentration, p.dim) - log_peak_ratio(q.concentration, p.dim)
    spread = (q.concentration - p.concentration) * mean_resultant_deficit(p.concentration, p.dim)
    length = mean_resultant_length(p.concentration, p.dim)
    distance = 0.5 * (p.loc - q.loc).square().sum(-1)
    return gap + spread + q.concentration * length * distance


@register_kl(HypersphericalUniform, VonMisesFisher)
def kl_uniform_von_mises_fisher(p: HypersphericalUniform, q: VonMisesFisher) -> Tensor:
    """KL(uniform || vMF) = log 0F1(; m / 2; kappa^2 / 4), since the uniform law has mean 0.

    Derived from the densities.  Relative error as ``special.log_hyp0f1``.

    Args:
        p: Uniform law.
        q: Law on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    _check_same_sphere(p, q)
    kl = log_hyp0f1(q.concentration, q.dim)
    return kl if not p.batch_shape else kl + kl.new_zeros(p.batch_shape)


@register_kl(HypersphericalUniform, HypersphericalUniform)
def kl_uniform(p: HypersphericalUniform, q: HypersphericalUniform) -> Tensor:
    """KL(uniform || uniform) = 0 on one sphere, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    _check_same_sphere(p, q)
    return p.entropy() - q.entropy()


@register_kl(ProductOfSpheres, ProductOfSpheres)
def kl_product_of_spheres(p: ProductOfSpheres, q: ProductOfSpheres) -> Tensor:
    """The sum of the divergences of the factors, since these are independent in both laws.

    Args:
        p: First law.
        q: Second law, on as many spheres of the same dimension.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the numbers of factors or the spheres differ.
    """
    if p.num_factors != q.num_factors:
        raise ValueError(f"both laws must have as many factors, got {p.num_factors} and {q.num_factors}")
    return kl_divergence(p.factors, q.factors).sum(-1)


def _check_same_sphere(
    p: DirectionalDistribution | HypersphericalUniform, q: DirectionalDistribution | HypersphericalUniform
) -> None:
    if p.dim != q.dim:
        raise ValueError(f"p and q must live on one sphere, got dimensions {p.dim} and {q.dim}")
