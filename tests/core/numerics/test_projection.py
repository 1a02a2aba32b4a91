"""The direction of a normal vector, and its divergence from one draw against quadrature over the length."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from spherical_gae.core.numerics.projection import project, sampled_divergence
from tests.helpers.places import seeded


def parameters(dim: int) -> tuple[Tensor, Tensor, Tensor]:
    loc, noise = torch.randn(2, 6, dim, dtype=torch.float64, generator=seeded(dim))
    return 2 * loc, torch.rand(6, dim, dtype=torch.float64, generator=seeded(1)) + 0.2, noise


@pytest.mark.parametrize("dim", [2, 3, 11])
def test_direction_and_its_forward_derivative(dim: int) -> None:
    loc, scale, noise = parameters(dim)
    changes = torch.randn(2, 6, dim, dtype=torch.float64, generator=seeded(2)).unbind()
    plain = torch.func.jvp(lambda a, b: normalize(a + b * noise, dim=-1), (loc, scale), changes)
    found = torch.func.jvp(lambda a, b: project(a, b, noise), (loc, scale), changes)
    torch.testing.assert_close(found, plain, rtol=1e-12, atol=1e-12)


def length_divergence(loc: Tensor, scale: Tensor, z: Tensor) -> Tensor:
    """KL of |x| given its direction from the chi law with m degrees of freedom, by quadrature over the length."""
    dim = loc.shape[-1]
    r = torch.linspace(0, 60, 400_001, dtype=torch.float64)[1:]
    square, product = (z / scale).square().sum(-1), (z * loc / scale.square()).sum(-1)
    log_mass = (dim - 1) * r.log() - 0.5 * square * r * r + product * r
    log_density = log_mass - log_mass.logsumexp(0) - math.log(float(r[0]))
    chi = (dim - 1) * r.log() - 0.5 * r * r - (0.5 * dim - 1) * math.log(2) - math.lgamma(0.5 * dim)
    return (log_density.exp() * (log_density - chi)).sum() * r[0]


@pytest.mark.parametrize("dim", [2, 3, 11])
def test_divergence_is_the_joint_one_less_that_of_the_length(dim: int) -> None:
    """-sum log s - KL(length given z || chi) for parameters of mean square 1."""
    loc, scale, noise = parameters(dim)
    size = (loc.square() + scale.square()).mean(-1, keepdim=True).sqrt()
    z = project(loc, scale, noise)
    expected = [
        -scale_i.log().sum() - length_divergence(loc_i, scale_i, z_i)
        for loc_i, scale_i, z_i in zip(loc / size, scale / size, z, strict=True)
    ]
    torch.testing.assert_close(sampled_divergence(loc, scale, z), torch.stack(expected), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("dim", [2, 3, 11])
def test_forward_derivative_of_the_divergence_is_the_backward_one(dim: int) -> None:
    loc, scale, noise = parameters(dim)
    point = (loc, scale, normalize(noise, dim=-1))
    changes = torch.randn(3, 6, dim, dtype=torch.float64, generator=seeded(2)).unbind()
    forward = torch.func.jvp(sampled_divergence, point, changes)[1].sum()
    gradients = torch.func.grad(lambda *x: sampled_divergence(*x).sum(), (0, 1, 2))(*point)
    backward = sum((g * c).sum() for g, c in zip(gradients, changes, strict=True))
    torch.testing.assert_close(forward, backward, rtol=1e-10, atol=1e-10)
