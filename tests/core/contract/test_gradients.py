"""Derivatives in every parameter, of values and of the means of samples, against differences and quadrature.

Derivatives are taken in the raw values, from which a parameter is made: those of a direction pass its normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.distributions import kl_divergence

from tests.helpers.distributions import DIMS as FOUR_DIMS
from tests.helpers.distributions import PARAMETERS, PARAMETRIC, Case, Values, entropy_of, partners
from tests.helpers.places import DTYPES, seeded

SLOW = [pytest.param(dim, marks=pytest.mark.slow) for dim in (5, 64, 257)]
DIMS = pytest.mark.parametrize("dim", [2, 3, 16, *SLOW])
SMALL = pytest.mark.parametrize("dim", [2, 3])
BATCH = (3,)


def functions(case: Case, dim: int) -> dict[str, Callable[..., Tensor]]:
    """Of the raw values: log density at fixed points, entropy, and each registered divergence."""
    x = case.points(*BATCH, dim=dim)

    def law(raw: tuple[Tensor, ...]) -> object:
        return case.law(dict(zip(case.parameters, raw, strict=True)), dim=dim, validate_args=False)

    found = {"log_prob": lambda *raw: law(raw).log_prob(x), "entropy": lambda *raw: entropy_of(case, law(raw))}
    for p, q in partners(case):
        other = (q if p is case else p).law(batch=BATCH, dim=dim, seed=1)
        if p is case:
            found[f"to {q}"] = lambda *raw, other=other: kl_divergence(law(raw), other)
        if q is case:
            found[f"from {p}"] = lambda *raw, other=other: kl_divergence(other, law(raw))
    return found


def leaves(case: Case, dim: int) -> list[Tensor]:
    return [value.requires_grad_() for value in case.raw(BATCH, dim).values()]


@pytest.mark.slow
@PARAMETRIC
@DIMS
def test_both_orders_agree_with_differences(case: Case, dim: int) -> None:
    """Of log density, entropy and divergences, along random directions in all parameters and elements."""
    for function in functions(case, dim).values():
        assert gradcheck(function, leaves(case, dim), fast_mode=True)
        assert gradgradcheck(function, leaves(case, dim), fast_mode=True)


def differences(function: Callable[[float], Tensor], step: float = 1e-2) -> tuple[Tensor, Tensor]:
    """First and second derivative at 0."""
    low2, low, middle, high, high2 = (function(k * step) for k in (-2, -1, 0, 1, 2))
    first = (8 * (high - low) - (high2 - low2)) / (12 * step)
    return first, (16 * (high + low) - (high2 + low2) - 30 * middle) / (12 * step**2)


def moved(case: Case, raw: Values, change: Values, amount: float) -> Values:
    return {name: raw[name] + amount * change[name] if name in change else raw[name] for name in case.parameters}


def changes(case: Case, name: str, dim: int) -> Values:
    """A direction in which one parameter is varied: of a scalar, upwards."""
    value = case.raw(BATCH, dim, seed=3)[name]
    return {name: torch.ones_like(value) if case.parameters[name].values else value}


def height(x: Tensor) -> Tensor:
    """A test function without symmetry, which sees correlations."""
    weight = torch.linspace(0.5, -1.2, x.shape[-1], dtype=x.dtype)
    return torch.exp(x @ weight) + (x @ weight.flip(0)) * (x @ weight.square()) ** 2


def mean_by_quadrature(case: Case, dim: int, raw: Values, function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """E[f(x, log p(x))]."""
    x, weight = case.rule(dim)
    log_density = case.law(raw, dim=dim).log_prob(x.unsqueeze(1))
    return torch.einsum("n,n...->...", weight, log_density.exp() * function(x.unsqueeze(1), log_density))


@pytest.mark.slow
@PARAMETERS
@SMALL
def test_entropy_and_divergences_have_the_slopes_of_their_quadrature(case: Case, name: str, dim: int) -> None:
    raw, change = case.raw(BATCH, dim), changes(case, name, dim)
    values = functions(case, dim)
    means = {"entropy": lambda x, log_p: -log_p} if case.is_exact else {}
    for p, q in partners(case):
        other = q.law(batch=BATCH, dim=dim, seed=1)
        if p is case:
            means[f"to {q}"] = lambda x, log_p, other=other: log_p - other.log_prob(x)
    for label, mean in means.items():
        expected = differences(
            lambda t, mean=mean: mean_by_quadrature(case, dim, moved(case, raw, change, t), mean), 1e-3
        )[0]
        leaf = {k: v.clone().requires_grad_() for k, v in raw.items()}
        value = values[label](*leaf.values()).sum()
        (slope,) = grad(value, leaf[name], allow_unused=True, materialize_grads=True)
        got = (slope * change[name]).reshape(*BATCH, -1).sum(-1)
        torch.testing.assert_close(
            got, expected, rtol=1e-7, atol=1e-7, msg=lambda text, label=label: f"{label}: {text}"
        )


def sampled_slopes(
    case: Case, dim: int, raw: Values, change: Values, size: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """First and second derivative of the test function of each sample along a change, shape [size, *BATCH]."""
    leaf = {k: v.to(dtype).expand(size, *v.shape).clone().requires_grad_() for k, v in raw.items()}
    value = height(case.law(leaf, dim=dim, dtype=dtype).rsample((), seeded()))

    def along(gradients: tuple[Tensor, ...]) -> Tensor:
        parts = zip(gradients, change, strict=True)
        return torch.stack([(g * change[k].to(dtype)).reshape(size, *BATCH, -1).sum(-1) for g, k in parts]).sum(0)

    inputs = [leaf[k] for k in change]
    first = along(grad(value.sum(), inputs, create_graph=True))
    second = along(grad(first.sum(), inputs, materialize_grads=True))
    return first.detach().double(), second.double()


def assert_slopes(case: Case, dim: int, change: Values, dtype: torch.dtype) -> None:
    size, raw = 20_000, case.raw(BATCH, dim)
    expected = differences(lambda t: mean_by_quadrature(case, dim, moved(case, raw, change, t), lambda x, _: height(x)))
    for order, (got, exact) in enumerate(
        zip(sampled_slopes(case, dim, raw, change, size, dtype), expected, strict=True)
    ):
        error = got.std(0) / math.sqrt(size) + 1e-12
        assert ((got.mean(0) - exact).abs() < 5 * error).all(), order
        # The test could see a missing derivative.
        assert (exact.abs() > 5 * error).any(), order


@PARAMETERS
@DTYPES
@pytest.mark.parametrize("dim", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_gradient_of_the_mean_of_samples(case: Case, name: str, dim: int, dtype: torch.dtype) -> None:
    """The mean of both derivatives of f(sample) is the derivative of E[f], within 5 standard errors."""
    assert_slopes(case, dim, changes(case, name, dim), dtype)


@PARAMETRIC
@pytest.mark.parametrize("dim", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_mixed_second_derivative_of_the_mean_of_samples(case: Case, dim: int) -> None:
    """Along a change of all parameters at once."""
    change = {k: v for name in case.parameters for k, v in changes(case, name, dim).items()}
    assert_slopes(case, dim, change, torch.float64)


@PARAMETRIC
@FOUR_DIMS
def test_dtypes_agree(case: Case, dim: int) -> None:
    """Gradients in float32 are those in float64 at the same parameters, to 1e-4 of the largest of them."""
    results = []
    for dtype in (torch.float32, torch.float64):
        raw = {k: v.to(dtype).requires_grad_() for k, v in case.raw(BATCH, dim, torch.float32).items()}
        law = case.law(raw, dim=dim, dtype=dtype)
        values = [law.log_prob(case.points(*BATCH, dim=dim, dtype=torch.float32).to(dtype)), entropy_of(case, law)]
        for p, q in partners(case):
            other = (q if p is case else p).law(dim=dim, dtype=dtype, seed=1)
            values.append(kl_divergence(law, other) if p is case else kl_divergence(other, law))
        results.append([grad(v.sum(), raw.values(), retain_graph=True, materialize_grads=True) for v in values])
    for single, double in zip(*results, strict=True):
        for got, expected in zip(single, double, strict=True):
            assert got.dtype == torch.float32
            atol = 1e-5 * float(expected.detach().abs().max())
            torch.testing.assert_close(got.double(), expected, rtol=1e-4, atol=atol)


@PARAMETRIC
@DTYPES
@FOUR_DIMS
def test_gradients_of_empty_and_of_several_samples(case: Case, dim: int, dtype: torch.dtype) -> None:
    """They are finite and of their parameter's shape; without samples they are 0."""
    for batch in ((), (0,), (3,), (3, 1)):
        raw = {k: v.requires_grad_() for k, v in case.raw(batch, dim, dtype).items()}
        law = case.law(raw, batch, dim, dtype)
        for shape in ((), (0,), (4,)):
            gradients = grad(height(law.rsample(shape, seeded(7))).sum(), list(raw.values()), retain_graph=True)
            for gradient, value in zip(gradients, raw.values(), strict=True):
                assert gradient.shape == value.shape
                assert gradient.isfinite().all()
                assert gradient.any() == (0 not in (*shape, *batch))
