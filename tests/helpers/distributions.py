"""The list of all laws, for the tests that hold for each: a law is added by its line in ``CASES``.

A parameter is a function of a free tensor, its "raw" value, so that derivatives can be taken in any direction.  Batch
axes come first; in a product, the axis that counts the factors follows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, kl_divergence
from torch.nn.functional import normalize

from spherical_gae.core import (
    HypersphericalUniform,
    PowerSpherical,
    ProductOfSpheres,
    ProjectedNormal,
    SphericalCauchy,
    VonMisesFisher,
    sampled_entropy,
)
from tests.helpers.places import PLACE_NAMES, direction, seeded
from tests.helpers.sphere_quadrature import circle, pairs, sphere

Values = dict[str, Tensor]
# Of parameter values, batch shape, dimension, dtype and validation.
Build = Callable[[Values, tuple[int, ...], int, torch.dtype, "bool | None"], Any]


class Wrong(NamedTuple):
    """An argument that is refused: from a good one of batch shape (2,), the error, and a pattern of its message."""

    make: Callable[[Any], Any]
    error: type[Exception]
    message: str


def _same(raw: Tensor) -> Tensor:
    return raw


@dataclass(frozen=True)
class Parameter:
    """A vector, unless it has values.

    Attributes:
        values: Of a scalar, from the least that is allowed on.
        inner: Of a scalar, some about which it can be varied, all densities being smooth.
        extremes: Of a scalar, those between which everything stays finite, in float32 as well.
        of_raw: The allowed value for any tensor of real numbers.
        wrong: What is refused.
    """

    values: tuple[float, ...] = ()
    inner: tuple[float, ...] = ()
    extremes: tuple[float, ...] = ()
    of_raw: Callable[[Tensor], Tensor] = _same
    wrong: tuple[Wrong, ...] = ()


@dataclass(frozen=True, eq=False)
class Case:
    """A law: how it is built, and what the tests must know besides.

    Attributes:
        name: In the tests' names.
        build: Makes it.
        parameters: By name, which is that of the argument and of the attribute.
        num_factors: Number of spheres, of a product.
        has_mode: Whether it has a mode.
        is_exact: Whether its entropy and divergences are, not random estimates.
        wrong: Other arguments that are refused; the good one is None.
    """

    name: str
    build: Build
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    num_factors: int | None = None
    has_mode: bool = True
    is_exact: bool = True
    wrong: tuple[Wrong, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def spheres(self) -> int:
        return self.num_factors or 1

    def raw(
        self,
        batch: tuple[int, ...] = (),
        dim: int = 3,
        dtype: torch.dtype = torch.float64,
        seed: int = 0,
        which: str = "inner",
    ) -> Values:
        """Random directions, and the scalars' values one after the other."""
        shape = batch if self.num_factors is None else (*batch, self.num_factors)
        raw = {}
        for i, (name, parameter) in enumerate(self.parameters.items()):
            values = torch.tensor(getattr(parameter, which), dtype=torch.float64)
            if parameter.values:
                raw[name] = values[(torch.arange(math.prod(shape)) + seed) % len(values)].view(shape).to(dtype)
            else:
                noise = torch.randn(*shape, dim, dtype=torch.float64, generator=seeded(10 * seed + i))
                raw[name] = normalize(noise, dim=-1).to(dtype)
        return raw

    def grid(self, dim: int, dtype: torch.dtype = torch.float64, which: str = "values") -> Values:
        """Vectors at each of the places along the first batch axis, scalars at each value along the second."""
        raw = {}
        for name, parameter in self.parameters.items():
            if parameter.values:
                column = torch.tensor(getattr(parameter, which), dtype=torch.float64).to(dtype).unsqueeze(0)
            else:
                column = torch.stack([direction(place, dim, dtype) for place in PLACE_NAMES]).unsqueeze(1)
            if self.num_factors is not None:
                axis = 0 if not parameter.values else 1
                column = torch.stack([column.roll(k, axis) for k in range(self.num_factors)], 2)
            raw[name] = column
        return raw

    def values(self, raw: Values) -> Values:
        """The parameters' allowed values."""
        return {name: parameter.of_raw(raw[name]) for name, parameter in self.parameters.items()}

    def law(
        self,
        raw: Values | None = None,
        batch: tuple[int, ...] = (),
        dim: int = 3,
        dtype: torch.dtype = torch.float64,
        validate_args: bool | None = None,
        seed: int = 0,
    ) -> Any:
        """The law of these raw values, by default those of ``raw``."""
        raw = self.raw(batch, dim, dtype, seed) if raw is None else raw
        return self.build(self.values(raw), batch, dim, dtype, validate_args)

    def points(self, *batch: int, dim: int = 3, dtype: torch.dtype = torch.float64, seed: int = 9) -> Tensor:
        """Random points of the support."""
        noise = torch.randn(*batch, self.spheres, dim, dtype=torch.float64, generator=seeded(seed))
        return normalize(noise, dim=-1).to(dtype).flatten(-2)

    def rule(self, dim: int) -> tuple[Tensor, Tensor]:
        """Quadrature on the support, made of circles or of spheres."""
        if self.num_factors is None:
            return circle(2000) if dim == 2 else sphere(120)
        return pairs(*(circle(60) if dim == 2 else sphere(13)))


def entropy_of(case: Case, law: Any) -> Tensor:
    """The entropy; of one that is estimated by samples, the estimate by one fixed point."""
    if case.is_exact:
        return law.entropy()
    point = normalize(torch.linspace(-1, 1.5, law.dim, dtype=law.loc.dtype), dim=0)
    return sampled_entropy(law, point.expand(*law.batch_shape, -1))


def of(law: Callable[..., Distribution], **options: Any) -> Build:
    """Builds a law whose arguments are its parameters, these options and ``validate_args``."""

    def build(
        values: Values, batch: tuple[int, ...], dim: int, dtype: torch.dtype, validate_args: bool | None
    ) -> Distribution:
        return law(**values, validate_args=validate_args, **options)

    return build


def uniform(
    values: Values, batch: tuple[int, ...], dim: int, dtype: torch.dtype, validate_args: bool | None
) -> HypersphericalUniform:
    law = HypersphericalUniform(dim, dtype, validate_args=validate_args)
    return law.expand(batch) if batch else law


def product(factors: Build, num_factors: int) -> Build:
    """Builds the product of these laws."""

    def build(
        values: Values, batch: tuple[int, ...], dim: int, dtype: torch.dtype, validate_args: bool | None
    ) -> ProductOfSpheres:
        law = factors(values, (*batch, num_factors), dim, dtype, validate_args)
        return ProductOfSpheres(law, validate_args=validate_args)

    return build


def with_last(value: float) -> Callable[[Tensor], Tensor]:
    """Replaces the last number."""
    return lambda good: torch.cat([good[:-1], good.new_tensor([value])])


def with_last_row(value: float) -> Callable[[Tensor], Tensor]:
    """Replaces the last vector's first number."""
    return lambda good: torch.cat([good[:-1], torch.cat([good.new_tensor([[value]]), good[-1:, 1:]], -1)])


def isotropic(
    values: Values, batch: tuple[int, ...], dim: int, dtype: torch.dtype, validate_args: bool | None
) -> ProjectedNormal:
    """One scale for all dimensions."""
    return ProjectedNormal(values["loc"], values["scale"].unsqueeze(-1), validate_args=validate_args)


DIRECTION = Parameter(
    of_raw=lambda raw: normalize(raw, dim=-1),
    wrong=(
        Wrong(lambda good: good * 1.5, ValueError, r"unit vectors, within 1e-05, got a norm off by 0\.5: .*normalize"),
        Wrong(lambda good: good * math.nan, ValueError, "unit vectors.* got a norm off by nan"),
        Wrong(lambda good: good[:, :1], ValueError, r"shape \[\.\.\., m\] with m >= 2, got \(2, 1\)"),
        Wrong(lambda good: good[0, 0], ValueError, r"shape \[\.\.\., m\] with m >= 2, got \(\)"),
        Wrong(lambda good: good.long(), TypeError, r"float32 or float64, got torch\.int64"),
        Wrong(lambda good: good.half(), TypeError, r"float32 or float64, got torch\.float16"),
        Wrong(lambda good: good.tolist(), TypeError, "a tensor, got list"),
    ),
)
CONCENTRATION = Parameter(
    values=(0.0, 1.0, 3.0, 20.0, 200.0),
    inner=(3.0, 7.0, 20.0),
    extremes=(0.0, 2e-45, 1e-30, 1e10, 1e30),
    wrong=(
        Wrong(with_last(math.nan), ValueError, "finite and at least 0, got nan"),
        Wrong(with_last(math.inf), ValueError, "finite and at least 0, got inf"),
        Wrong(with_last(-2.0), ValueError, r"finite and at least 0, got -2\.0"),
        Wrong(lambda good: -1.0, ValueError, r"finite and at least 0, got -1\.0"),
        Wrong(lambda good: math.inf, ValueError, "finite and at least 0, got inf"),
        Wrong(lambda good: good.unsqueeze(-1), ValueError, r"batch shape of loc, \(2,\), got \(2, 1\).*squeeze"),
        Wrong(lambda good: good.new_ones(3), ValueError, r"broadcasts with the batch shape of loc, \(2,\), got \(3,\)"),
        Wrong(lambda good: good.float(), TypeError, r"dtype of loc, torch\.float64, got torch\.float32"),
        Wrong(lambda good: good.long(), TypeError, r"dtype of loc, torch\.float64, got torch\.int64"),
        Wrong(lambda good: "a", TypeError, "a tensor or a number, got str"),
        Wrong(lambda good: good.to("meta"), ValueError, "device of loc, cpu, got meta"),
    ),
)
RHO = Parameter(
    values=(0.0, 0.2, 0.4, 0.6, 0.8),
    inner=(0.4, 0.5, 0.6),
    extremes=(0.0, 2e-45, 1e-30, 0.99, 0.99999),
    wrong=(
        Wrong(with_last(math.nan), ValueError, "at least 0 and below 1, got nan"),
        Wrong(with_last(1.0), ValueError, r"at least 0 and below 1, got 1\.0"),
        Wrong(lambda good: -0.5, ValueError, r"at least 0 and below 1, got -0\.5"),
        Wrong(lambda good: good.unsqueeze(-1), ValueError, r"batch shape of loc, \(2,\), got \(2, 1\).*squeeze"),
        Wrong(lambda good: good.float(), TypeError, r"dtype of loc, torch\.float64, got torch\.float32"),
        Wrong(lambda good: None, TypeError, "a tensor or a number, got NoneType"),
    ),
)
# Far enough from 0 for gradients of a finite variance, which in few dimensions have none near it.
MEAN = Parameter(
    of_raw=lambda raw: 4 * raw,
    wrong=(
        Wrong(with_last_row(math.nan), ValueError, "finite, got nan"),
        Wrong(with_last_row(math.inf), ValueError, "finite, got inf"),
        Wrong(lambda good: good[:, :1], ValueError, r"shape \[\.\.\., m\] with m >= 2, got \(2, 1\)"),
        Wrong(lambda good: good.half(), TypeError, r"float32 or float64, got torch\.float16"),
        Wrong(lambda good: good.tolist(), TypeError, "a tensor, got list"),
    ),
)
SCALE_WRONG = (
    Wrong(with_last_row(math.nan), ValueError, "finite and above 0, got nan"),
    Wrong(with_last_row(0.0), ValueError, r"finite and above 0, got 0\.0"),
    Wrong(lambda good: -1.0, ValueError, r"finite and above 0, got -1\.0"),
    Wrong(lambda good: good.new_ones(2), ValueError, r"shape \[\.\.\., 3\], as loc, or \[\.\.\., 1\] .*, got \(2,\)"),
    Wrong(lambda good: good.new_ones(5, 3), ValueError, r"broadcasts with loc, \(2, 3\), got \(5, 3\)"),
    Wrong(lambda good: good.float(), TypeError, r"dtype of loc, torch\.float64, got torch\.float32"),
)
# Raw values are of length 1: the scales of one law differ by a factor of about 3.
SCALES = Parameter(of_raw=lambda raw: (0.8 * raw).exp(), wrong=SCALE_WRONG)
ONE_SCALE = Parameter(values=(100.0, 8.0, 2.0, 1.0, 0.4), inner=(1.5, 1.0, 0.6), extremes=(1e-6, 1e-3, 1.0, 1e6))
DIRECTED = {"loc": DIRECTION, "concentration": CONCENTRATION}
# Two factors' quadrature has few nodes on each.
BROAD = {"loc": DIRECTION, "concentration": replace(CONCENTRATION, values=(0.0, 1.0, 3.0), inner=(1.0, 2.0, 3.0))}

WRONG_SAMPLER = Wrong(
    lambda _: VonMisesFisher(torch.eye(2), 1.0, sampler="wood"), ValueError, "sampler must be one of .*, got 'wood'"
)
WRONG_DIM = tuple(
    Wrong(lambda _, dim=dim: HypersphericalUniform(dim), ValueError, f"dim must be an integer of at least 2, got {dim}")
    for dim in (1, 0, -3, 2.0, True)
)
LAWS = "factors must be VonMisesFisher, .* or HypersphericalUniform, got"
AXIS = r"factors must have a last batch axis that counts the factors, at least one, got batch shape"
WRONG_FACTORS = (
    Wrong(lambda _: ProductOfSpheres(Normal(torch.zeros(2), torch.ones(2))), TypeError, f"{LAWS} Normal"),
    Wrong(lambda _: ProductOfSpheres(HypersphericalUniform(3)), ValueError, rf"{AXIS} \(\)"),
    Wrong(lambda _: ProductOfSpheres(VonMisesFisher(torch.eye(3)[0], 1.0)), ValueError, rf"{AXIS} \(\)"),
    Wrong(lambda _: ProductOfSpheres(VonMisesFisher(torch.ones(0, 3), 1.0)), ValueError, rf"{AXIS} \(0,\)"),
    Wrong(
        lambda _: ProductOfSpheres(ProductOfSpheres(HypersphericalUniform(3).expand((2,)))),
        TypeError,
        f"{LAWS} ProductOfSpheres",
    ),
)

CASES = (
    Case("VonMisesFisher", of(VonMisesFisher), DIRECTED, wrong=(WRONG_SAMPLER,)),
    Case("VonMisesFisher_exact", of(VonMisesFisher, sampler="exact"), DIRECTED),
    Case("PowerSpherical", of(PowerSpherical), DIRECTED),
    Case("SphericalCauchy", of(SphericalCauchy), {"loc": DIRECTION, "rho": RHO}),
    Case("ProjectedNormal", of(ProjectedNormal), {"loc": MEAN, "scale": SCALES}, has_mode=False, is_exact=False),
    Case("ProjectedNormal_isotropic", isotropic, {"loc": MEAN, "scale": ONE_SCALE}),
    Case("HypersphericalUniform", uniform, has_mode=False, wrong=WRONG_DIM),
    Case("Product_VonMisesFisher", product(of(VonMisesFisher), 2), BROAD, 2, wrong=WRONG_FACTORS),
    Case("Product_Uniform", product(uniform, 2), num_factors=2, has_mode=False),
)


def _kind(case: Case) -> Case:
    """The first one of the same class: divergences do not depend on how samples are drawn."""

    def kind(c: Case) -> tuple[Any, ...]:
        law = c.law()
        return type(law), type(getattr(law, "factors", None)), c.is_exact

    return next(c for c in CASES if kind(c) == kind(case))


def _is_registered(p: Case, q: Case) -> bool:
    if not p.is_exact or q.name == _TESTED_ELSEWHERE:
        return False
    try:
        kl_divergence(p.law(), q.law())
    except NotImplementedError:
        return False
    return True


KINDS = {case: _kind(case) for case in CASES}
# To it, the logarithm of a density is infinite at one point, where sums over the sphere are not exact; and most of
# these divergences take long.  They are tested beside their definition.
_TESTED_ELSEWHERE = "PowerSpherical"
# Between which a Kullback-Leibler divergence is registered.
DIVERGENCES = tuple((p, q) for p in CASES for q in CASES if KINDS[p] is p and KINDS[q] is q and _is_registered(p, q))

# On each side of where the machinery changes; the circle and the dimension 8 take the other paths, and more time.
DIMS = pytest.mark.parametrize(
    "dim", [pytest.param(2, marks=pytest.mark.slow), 3, pytest.param(8, marks=pytest.mark.slow), 64]
)
ALL = pytest.mark.parametrize("case", CASES, ids=str)
EXACT = pytest.mark.parametrize("case", [case for case in CASES if case.is_exact], ids=str)
PARAMETRIC = pytest.mark.parametrize("case", [case for case in CASES if case.parameters], ids=str)
PAIRS = pytest.mark.parametrize(("p", "q"), DIVERGENCES, ids=[f"{p}-{q}" for p, q in DIVERGENCES])
PARAMETERS = pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in CASES for name in case.parameters],
    ids=[f"{case}-{name}" for case in CASES for name in case.parameters],
)


def partners(case: Case) -> list[tuple[Case, Case]]:
    """The pairs with a divergence of which the law is one."""
    first = [(case, q) for p, q in DIVERGENCES if p is KINDS[case]]
    second = [(p, case) for p, q in DIVERGENCES if q is KINDS[case]]
    return list(dict.fromkeys(first + second))
