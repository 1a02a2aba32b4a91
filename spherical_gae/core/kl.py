"""Kullback-Leibler divergences between distributions on the sphere, registered with torch.distributions.

Example:
    >>> from torch.distributions import kl_divergence
    >>> from spherical_gae import HypersphericalUniform, VonMisesFisher
    >>> posterior = VonMisesFisher(torch.tensor([0.0, 0.0, 1.0]), torch.tensor(10.0))
    >>> kl_divergence(posterior, HypersphericalUniform(3))
    tensor(1.9957)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, MixtureSameFamily, kl_divergence, register_kl

from spherical_gae.core.directional import DirectionalDistribution, check_same_sphere
from spherical_gae.core.hyperspherical_uniform import HypersphericalUniform
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle
from spherical_gae.core.numerics.kl_to_uniform import divergence_to_uniform
from spherical_gae.core.numerics.special import (
    kl_to_uniform,
    log_hyp0f1,
    log_peak_ratio,
    log_sphere_area,
    mean_resultant_deficit,
    mean_resultant_length,
)
from spherical_gae.core.numerics.spherical_cauchy_divergence import SphericalCauchyDivergence
from spherical_gae.core.power_spherical import PowerSpherical
from spherical_gae.core.product_of_spheres import ProductOfSpheres
from spherical_gae.core.projected_normal import ProjectedNormal
from spherical_gae.core.spherical_cauchy import SphericalCauchy
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
    check_same_sphere(p, q)
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
    check_same_sphere(p, q)
    kl = divergence_to_uniform(p.concentration, PowerSphericalAngle, p.dim)
    return kl if not q.batch_shape else kl + kl.new_zeros(q.batch_shape)


@register_kl(SphericalCauchy, HypersphericalUniform)
def kl_spherical_cauchy_uniform(p: SphericalCauchy, q: HypersphericalUniform) -> Tensor:
    """KL(spherical Cauchy || uniform), which does not depend on mu.

    With delta = log((1 + rho) / (1 - rho)) and w the height of a uniform point, it is
    (m - 1) / 2 E[log(1 + (1 - w^2) sinh(delta)^2)], from a table.  Relative error as ``kl_table.tabulated_kl``.

    Args:
        p: Posterior.
        q: Prior on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    kl = divergence_to_uniform(p.hyperbolic_distance, SphericalCauchyDivergence, p.dim)
    return kl if not q.batch_shape else kl + kl.new_zeros(q.batch_shape)


@register_kl(ProjectedNormal, HypersphericalUniform)
def kl_projected_normal_uniform(p: ProjectedNormal, q: HypersphericalUniform) -> Tensor:
    """KL(projected normal || uniform): exact for equal scales, otherwise **random**, an unbiased estimate of one draw.

    See ``ProjectedNormal.kl_to_uniform``.  A loss that decodes a draw passes it to ``sampled_kl`` instead.

    Args:
        p: Posterior.
        q: Prior on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    shape = torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    return (p if shape == p.batch_shape else p.expand(shape)).kl_to_uniform()


@register_kl(VonMisesFisher, VonMisesFisher)
def kl_von_mises_fisher(p: VonMisesFisher, q: VonMisesFisher) -> Tensor:
    """KL(vMF(mu_p, kappa_p) || vMF(mu_q, kappa_q)).

    With G(kappa) = kappa - log 0F1(; m / 2; kappa^2 / 4), which grows only like log kappa,

        KL = G(kappa_p) - G(kappa_q) + (kappa_q - kappa_p) (1 - A(kappa_p)) + kappa_q A(kappa_p) |mu_p - mu_q|^2 / 2.

    Derived from the densities; exactly 0 for p = q.  Absolute error: a few roundings of G.

    Args:
        p: First distribution.
        q: Second distribution, on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    gap = log_peak_ratio(p.concentration, p.dim) - log_peak_ratio(q.concentration, p.dim)
    spread = (q.concentration - p.concentration) * mean_resultant_deficit(p.concentration, p.dim)
    length = mean_resultant_length(p.concentration, p.dim)
    distance = 0.5 * (p.loc - q.loc).square().sum(-1)
    return gap + spread + q.concentration * length * distance


@register_kl(HypersphericalUniform, VonMisesFisher)
def kl_uniform_von_mises_fisher(p: HypersphericalUniform, q: VonMisesFisher) -> Tensor:
    """KL(uniform || vMF) = log 0F1(; m / 2; kappa^2 / 4), since the uniform distribution has mean 0.

    Derived from the densities.  Relative error as ``special.log_hyp0f1``.

    Args:
        p: Uniform distribution.
        q: Distribution on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    kl = log_hyp0f1(q.concentration, q.dim)
    return kl if not p.batch_shape else kl + kl.new_zeros(p.batch_shape)


@register_kl(HypersphericalUniform, HypersphericalUniform)
def kl_uniform(p: HypersphericalUniform, q: HypersphericalUniform) -> Tensor:
    """KL(uniform || uniform) = 0 on one sphere, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    return p.entropy() - q.entropy()


@register_kl(ProductOfSpheres, ProductOfSpheres)
def kl_product_of_spheres(p: ProductOfSpheres, q: ProductOfSpheres) -> Tensor:
    """The sum of the divergences of the factors, since these are independent in both distributions.

    Args:
        p: First distribution.
        q: Second distribution, on as many spheres of the same dimension.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the numbers of factors or the spheres differ.
    """
    _check_same_number(p, q)
    return kl_divergence(p.factors, q.factors).sum(-1)


def sampled_kl(p: Distribution, q: Distribution, value: Tensor) -> Tensor:
    """KL(p || q) for a loss that decodes draws of p: exact where there is a closed form, else unbiased, by these draws.

    - If the divergence is registered and not random: that.
    - p a ``ProjectedNormal``, q uniform: ``ProjectedNormal.sampled_kl_to_uniform``.
    - Products of spheres: the sum over the factors, by this function.
    - q anything else, such as a mixture prior: minus the entropy of p, by ``sampled_entropy``, minus log q(value).

    Args:
        p: Posterior, with event shape (m,).
        q: Prior on the same space.
        value: Draws of p, shape [*sample_shape, *batch_shape, m]; gradients flow into them.

    Returns:
        Nats, shape [*sample_shape, *batch_shape].

    Raises:
        NotImplementedError: If p and q have no registered divergence and p has no entropy.
        ValueError: If the spheres, or their numbers, differ.

    Example:
        >>> import torch
        >>> from spherical_gae import HypersphericalUniform, ProjectedNormal
        >>> q = ProjectedNormal(torch.ones(4, 3), torch.tensor([0.1, 0.5, 1.0]))
        >>> sampled_kl(q, HypersphericalUniform(3), q.rsample()).shape
        torch.Size([4])
    """
    if _is_estimated(p) and isinstance(q, HypersphericalUniform):
        check_same_sphere(p, q)
        return p.sampled_kl_to_uniform(value)  # type: ignore[attr-defined]
    if isinstance(p, ProductOfSpheres) and isinstance(q, ProductOfSpheres) and _is_estimated(p.factors):
        _check_same_number(p, q)
        return sampled_kl(p.factors, q.factors, _blocks(p, value)).sum(-1)
    try:
        return kl_divergence(p, q).expand(value.shape[:-1])
    except NotImplementedError:
        _check_same_space(p, q)
        if not isinstance(p, (DirectionalDistribution, ProjectedNormal)):
            return -(sampled_entropy(p, value) + q.log_prob(value))
    uniform = HypersphericalUniform(p.dim, value.dtype, value.device, validate_args=False)
    return sampled_kl(p, uniform, value) - (q.log_prob(value) + log_sphere_area(p.dim))


def sampled_entropy(p: Distribution, value: Tensor) -> Tensor:
    """The entropy of p, exact where there is a closed form, else an unbiased estimate by these draws.

    Args:
        p: Any distribution with an entropy; estimated is only that of a ``ProjectedNormal`` with a scale per dimension,
            and that of a product of these.
        value: Draws of p, shape [*sample_shape, *batch_shape, m].

    Returns:
        Nats, shape [*sample_shape, *batch_shape].

    Example:
        >>> from spherical_gae import VonMisesFisher
        >>> p = VonMisesFisher(torch.tensor([0.0, 0.0, 1.0]), torch.tensor(10.0))
        >>> sampled_entropy(p, p.sample()) == p.entropy()
        tensor(True)
    """
    if isinstance(p, ProductOfSpheres) and _is_estimated(p.factors):
        return sampled_entropy(p.factors, _blocks(p, value)).sum(-1)
    if _is_estimated(p):
        return log_sphere_area(p.dim) - p.sampled_kl_to_uniform(value)  # type: ignore[attr-defined]
    return p.entropy().expand(value.shape[:-1])


def _is_estimated(p: Distribution) -> bool:
    """Whether the entropy has no closed form, and is estimated by draws."""
    return isinstance(p, ProjectedNormal) and not p.isotropic


def _blocks(p: ProductOfSpheres, value: Tensor) -> Tensor:
    """Points of a product of spheres as points of each, shape [..., K, m]."""
    return value.unflatten(-1, (p.num_factors, -1))


def _check_same_space(p: Distribution, q: Distribution) -> None:
    """Refuses distributions on other spheres, or other numbers of them, where no registered divergence did."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"both laws must have the same event shape, got {tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )
    numbers = [_num_spheres(law) for law in (p, q)]
    if None not in numbers and numbers[0] != numbers[1]:
        raise ValueError(f"both laws must be on as many spheres, got {numbers[0]} and {numbers[1]}")


def _num_spheres(law: Distribution) -> int | None:
    """Number of spheres of the points; None for a law that is not known here."""
    if isinstance(law, MixtureSameFamily):
        return _num_spheres(law.component_distribution)
    if isinstance(law, ProductOfSpheres):
        return law.num_factors
    return 1 if isinstance(law, (DirectionalDistribution, ProjectedNormal, HypersphericalUniform)) else None


def _check_same_number(p: ProductOfSpheres, q: ProductOfSpheres) -> None:
    if p.num_factors != q.num_factors:
        raise ValueError(f"both laws must have as many factors, got {p.num_factors} and {q.num_factors}")
