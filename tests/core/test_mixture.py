"""Mixtures on the sphere, and log densities of all points under all components."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import (
    HypersphericalUniform,
    PowerSpherical,
    ProductOfSpheres,
    ProjectedNormal,
    SphericalCauchy,
    SphericalMixture,
    VonMisesFisher,
)
from spherical_gae.core.mixture import pairwise_log_prob

KINDS = ("projected normal", "isotropic", "vmf", "power spherical", "spherical cauchy")
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def components(kind: str, loc: Tensor, spread: Tensor) -> Any:
    """One distribution for each row of ``loc`` [K, m] and ``spread`` [K] in [0, 1]: narrower for larger numbers."""
    unit = F.normalize(loc, dim=-1)
    if kind == "projected normal":
        return ProjectedNormal(3 * loc, (loc.flip(0) - 4 * spread.unsqueeze(-1)).exp(), validate_args=False)
    if kind == "isotropic":
        return ProjectedNormal(loc, (1 - 5 * spread.unsqueeze(-1)).exp(), validate_args=False)
    if kind == "spherical cauchy":
        return SphericalCauchy(unit, 0.99 * spread, validate_args=False)
    law = VonMisesFisher if kind == "vmf" else PowerSpherical
    return law(unit, 10 ** (4 * spread), validate_args=False)


def allowed_error(law: Any, z: Tensor, value: Tensor, eps: float) -> Tensor:
    """Roundings of the value, to ``eps``, and what float64's make of the exponents and of squared distances."""
    rounded = 16 * eps * (law.event_shape[0] + value.abs())
    if isinstance(law, ProjectedNormal):
        exponent = (law.loc / law.scale).square().sum(-1)
        # Of log M(a): a was rounded to eps, and its slope is below m / a + a.
        return rounded + 2e-15 * exponent
    near, far = ((z.unsqueeze(-2) + sign * law.loc).square().sum(-1).requires_grad_() for sign in (-1, 1))
    slopes = torch.autograd.grad(law._log_density(near, far).sum(), (near, far), allow_unused=True)
    return rounded + 2e-15 * sum(slope.abs() for slope in slopes if slope is not None)


def numbers(dim: int, dtype: torch.dtype, count: int = 40) -> tuple[Tensor, Tensor]:
    torch.manual_seed(dim)
    return torch.randn(count, dim, dtype=dtype), torch.linspace(0, 1, count, dtype=dtype)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 41])
@pytest.mark.parametrize("kind", KINDS)
def test_log_densities_are_exact_to_the_stated_error(kind: str, dim: int, dtype: torch.dtype) -> None:
    """Against ``log_prob`` in float64 of the same numbers: points of every component, and their antipodes."""
    loc, spread = numbers(dim, dtype)
    law = components(kind, loc, spread)
    z = law.sample((4,)).flatten(0, 1)
    z = torch.cat([z, -z])
    found = pairwise_log_prob(law, z)
    assert found.dtype == dtype
    parameters = {name: getattr(law, name).double() for name in law.arg_constraints}
    exact = type(law)(**parameters, validate_args=False)
    value = exact.log_prob(z.double().unsqueeze(-2))
    error = (found.double() - value).abs()
    assert (error <= allowed_error(exact, z.double(), value, torch.finfo(dtype).eps)).all()


@DTYPES
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_log_prob(kind: str, dtype: torch.dtype) -> None:
    """In the points and in all parameters, of one sum with random weights; float32's to its rounding."""
    loc, spread = numbers(5, torch.float64)
    z = F.normalize(torch.randn(30, 5, dtype=torch.float64), dim=-1)
    weight = torch.randn(30, 40, dtype=torch.float64)
    gradients = []
    for of_pairs, as_dtype in ((pairwise_log_prob, dtype), (_log_prob_of_pairs, torch.float64)):
        inputs = [x.to(as_dtype).requires_grad_() for x in (loc, 0.5 * spread, z)]
        value = of_pairs(components(kind, *inputs[:2]), inputs[2])
        gradients.append(torch.autograd.grad((value * weight).sum(), inputs))
    tolerance = 2e-5 if dtype == torch.float32 else 1e-11
    for found, expected in zip(*gradients, strict=True):
        assert ((found - expected).norm() / expected.norm()).item() < tolerance


def _log_prob_of_pairs(law: Any, z: Tensor) -> Tensor:
    found: Tensor = law.log_prob(z.unsqueeze(-2))
    return found


@pytest.mark.parametrize("shape", [(), (6,), (2, 3)])
@pytest.mark.parametrize("kind", [*KINDS, "uniform", "product", "normal"])
def test_density_is_that_of_torch(kind: str, shape: tuple[int, ...]) -> None:
    loc, spread = numbers(4, torch.float64, 5)
    laws = {
        "uniform": lambda: HypersphericalUniform(4, torch.float64).expand((5,)),
        "product": lambda: ProductOfSpheres(VonMisesFisher(F.normalize(loc.view(5, 2, 2), dim=-1), 3.0)),
        "normal": lambda: Independent(Normal(loc, 2.0), 1),
    }
    law = laws[kind]() if kind in laws else components(kind, loc, spread)
    weights = Categorical(logits=torch.randn(5, dtype=torch.float64))
    mixture, expected = (cls(weights, law) for cls in (SphericalMixture, MixtureSameFamily))
    z = law.sample(shape)[..., 0, :]
    torch.testing.assert_close(mixture.log_prob(z), expected.log_prob(z), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_no_points_have_no_densities(kind: str) -> None:
    law = components(kind, *numbers(4, torch.float64, 5))
    for validate_args in (False, True):
        mixture = SphericalMixture(Categorical(logits=torch.zeros(5)), law, validate_args=validate_args)
        assert mixture.log_prob(torch.ones(0, 4, dtype=torch.float64)).shape == (0,)
    with pytest.raises(ValueError, match="right-most size"):
        mixture.log_prob(torch.ones(0, 3, dtype=torch.float64))


def test_batches_of_mixtures_are_computed_by_torch() -> None:
    loc, spread = numbers(3, torch.float64, 6)
    law = components("vmf", loc.view(2, 3, 3), spread.view(2, 3))
    weights = Categorical(logits=torch.randn(2, 3, dtype=torch.float64))
    mixture, expected = (cls(weights, law) for cls in (SphericalMixture, MixtureSameFamily))
    z = expected.sample((7,))
    assert mixture.log_prob(z).equal(expected.log_prob(z))
    single = SphericalMixture(Categorical(logits=torch.zeros(6)), components("vmf", loc, spread))
    expanded = single.expand((2,))
    assert isinstance(expanded, SphericalMixture)
    torch.testing.assert_close(expanded.log_prob(z[0]), single.log_prob(z[0]))


def test_points_off_the_sphere_are_refused() -> None:
    law = components("vmf", *numbers(3, torch.float64, 4))
    mixture = SphericalMixture(Categorical(logits=torch.zeros(4)), law, validate_args=True)
    with pytest.raises(ValueError, match="within the support"):
        mixture.log_prob(torch.full((3,), 2.0, dtype=torch.float64))
