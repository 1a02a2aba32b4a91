"""Divergences from and to the Power Spherical distribution, registered with torch.distributions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import register_kl

from spherical_gae.core.directional import check_same_sphere
from spherical_gae.core.hyperspherical_uniform import HypersphericalUniform
from spherical_gae.core.numerics.angle_family import PowerSphericalAngle
from spherical_gae.core.numerics.expected_log import expected_log_share
from spherical_gae.core.numerics.kl_to_uniform import divergence_to_uniform
from spherical_gae.core.numerics.special import kl_to_uniform, log_peak_ratio
from spherical_gae.core.power_spherical import PowerSpherical, log_peak_over_uniform
from spherical_gae.core.von_mises_fisher import VonMisesFisher

_SMALLEST_ANGLE = 1e-10


@register_kl(PowerSpherical, VonMisesFisher)
def kl_power_spherical_von_mises_fisher(p: PowerSpherical, q: VonMisesFisher) -> Tensor:
    """KL(Power Spherical || vMF), in closed form, since log q is linear in x.

    With A_p = E_p[mu_p.x] and G(kappa) = kappa - log 0F1(; m / 2; kappa^2 / 4), it is

        KL(p || uniform) - G(kappa_q) + kappa_q (1 - A_p) + kappa_q A_p |mu_p - mu_q|^2 / 2.

    Derived from the densities.  Absolute error: a few roundings of G.

    Args:
        p: First distribution.
        q: Second one, on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    to_uniform = divergence_to_uniform(p.concentration, PowerSphericalAngle, p.dim)
    deficit = (p.dim - 1) / (p.concentration + (p.dim - 1))
    spread = deficit + p.mean_resultant_length * (0.5 * (p.loc - q.loc).square().sum(-1))
    return to_uniform - log_peak_ratio(q.concentration, q.dim) + q.concentration * spread


@register_kl(HypersphericalUniform, PowerSpherical)
def kl_uniform_power_spherical(p: HypersphericalUniform, q: PowerSpherical) -> Tensor:
    """KL(uniform || Power Spherical), in closed form: (1 + mu.x) / 2 follows Beta(beta, beta), beta = (m - 1) / 2.

    With psi the digamma function and c the log density of q at its mode over the uniform one, it is
    kappa (psi(2 beta) - psi(beta)) - c.  Derived from the densities.  Computed in float64, with an absolute error of a
    few of its roundings of m log m and of kappa: 1e-10 at m = 65536.

    Args:
        p: Uniform distribution.
        q: Distribution on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    beta = torch.tensor(0.5 * (q.dim - 1), dtype=torch.float64, device="cpu")
    mean = float(torch.digamma(2 * beta) - torch.digamma(beta))
    kl = q.concentration.double() * mean - log_peak_over_uniform(q.concentration, q.dim)
    kl = kl.to(q.concentration.dtype)
    return kl if not p.batch_shape else kl + kl.new_zeros(p.batch_shape)


@register_kl(VonMisesFisher, PowerSpherical)
def kl_von_mises_fisher_power_spherical(p: VonMisesFisher, q: PowerSpherical) -> Tensor:
    """KL(vMF || Power Spherical), by quadrature: KL(p || uniform) - c(kappa_q) - kappa_q E_p[log((1 + mu_q.x) / 2)].

    c is the log density of q at its mode over the uniform one.  For kappa_p up to 1e10 the error of the mean is below
    3e-11 in float64, so that the divergence's is below 3e-11 kappa_q, besides the roundings of its terms; in the mean a
    larger kappa_p counts as 1e10.  It takes a thousand times the time of a closed form.

    Args:
        p: First distribution.
        q: Second one, on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    return _by_quadrature(kl_to_uniform(p.concentration, p.dim), p, q)


@register_kl(PowerSpherical, PowerSpherical)
def kl_power_spherical(p: PowerSpherical, q: PowerSpherical) -> Tensor:
    """KL(Power Spherical || Power Spherical), by a double integral; its error is as that of a vMF to it.

    It takes fifty thousand times the time of a closed form: for a few divergences, not for the inner loop of a
    training.

    Args:
        p: First distribution.
        q: Second one, on the same sphere.

    Returns:
        Nats, shape of the broadcast of both batch shapes.

    Raises:
        ValueError: If the spheres differ.
    """
    check_same_sphere(p, q)
    return _by_quadrature(divergence_to_uniform(p.concentration, PowerSphericalAngle, p.dim), p, q)


def _by_quadrature(to_uniform: Tensor, p: VonMisesFisher | PowerSpherical, q: PowerSpherical) -> Tensor:
    # A norm has no second derivative at 0, and the divergence has one where directions are equal or opposite.
    squares = ((p.loc.double() + sign * q.loc.double()).square().sum(-1) for sign in (-1, 1))
    apart, together = (torch.sqrt(square + _SMALLEST_ANGLE**2) for square in squares)
    angle = 2 * torch.atan2(apart, together)
    concentration, angle = torch.broadcast_tensors(p.concentration.double(), angle)
    mean = expected_log_share(concentration, angle, p.dim, type(p).__name__)
    rest = log_peak_over_uniform(q.concentration, q.dim) + q.concentration.double() * mean
    return (to_uniform.double() - rest).to(q.concentration.dtype)
