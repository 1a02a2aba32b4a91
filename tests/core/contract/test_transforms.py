"""What runs a law in another way changes nothing: vmap, jacrev, hessian, compile, autocast; and it never waits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.distributions import Normal, kl_divergence
from torch.func import hessian, jacrev, vmap

from tests.helpers.distributions import (
    ALL,
    CASES,
    DIMS,
    KINDS,
    PARAMETERS,
    PARAMETRIC,
    Case,
    Values,
    entropy_of,
    partners,
)
from tests.helpers.places import DTYPES, seeded
from tests.helpers.recorder import Recorder


def functions(case: Case, dim: int, validate: bool | None) -> dict[str, Callable[..., Tensor]]:
    """Of a point and the raw values of one law, which is built inside."""

    def law(raw: tuple[Tensor, ...]) -> object:
        return case.law(dict(zip(case.parameters, raw, strict=True)), dim=dim, validate_args=validate)

    found = {
        "log_prob": lambda x, *raw: law(raw).log_prob(x),
        "entropy": lambda x, *raw: entropy_of(case, law(raw)),
        "mean": lambda x, *raw: law(raw).mean.sum(),
        "variance": lambda x, *raw: law(raw).variance.square().sum(),
    }
    for p, q in partners(case):
        other = (q if p is case else p).law(dim=dim, validate_args=validate, seed=1)
        if p is case:
            found[f"to {q}"] = lambda x, *raw, other=other: kl_divergence(law(raw), other)
        if q is case:
            found[f"from {p}"] = lambda x, *raw, other=other: kl_divergence(other, law(raw))
    return found


def torch_validates_inside_vmap() -> bool:
    """Its own laws, before some version, could not be made there with validation."""
    try:
        vmap(lambda scale: Normal(torch.zeros(()), scale, validate_args=True).log_prob(scale))(torch.ones(2))
    except RuntimeError:
        return False
    return True


@ALL
@DIMS
@pytest.mark.parametrize("validate", [None, False], ids=["default", "unchecked"])
def test_vmap(case: Case, dim: int, validate: bool | None) -> None:
    """Over points and parameters, also with the default validation, it is what a loop gives."""
    if validate is None and not torch_validates_inside_vmap():
        pytest.skip("this torch cannot validate inside vmap")
    raw, x = list(case.raw((4,), dim).values()), case.points(4, dim=dim)
    for name, function in functions(case, dim, validate).items():
        loop = torch.stack([function(x[i], *(value[i] for value in raw)) for i in range(4)])
        torch.testing.assert_close(
            vmap(function)(x, *raw), loop, rtol=1e-12, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}"
        )


@PARAMETERS
def test_vmap_checks_values(case: Case, name: str) -> None:
    """A value that is not allowed, in one element, is refused inside vmap as well, and named."""
    values = case.values(case.raw((4,)))
    bad = values | {
        name: torch.where(torch.arange(4).view(4, *[1] * (values[name].dim() - 1)) == 2, math.nan, values[name])
    }

    def density(*parts: Tensor) -> Tensor:
        law = case.build(dict(zip(case.parameters, parts, strict=True)), (), 3, torch.float64, True)
        return law.log_prob(case.points())

    assert (
        vmap(lambda *parts: case.build(dict(zip(values, parts, strict=True)), (), 3, torch.float64, True).mean)(
            *values.values()
        )
        .isfinite()
        .all()
    )
    with pytest.raises(ValueError, match=f"^{name} must .* got .*a value that vmap hides"):
        vmap(density)(*bad.values())


@pytest.mark.slow
@PARAMETRIC
@pytest.mark.parametrize("dim", [2, 3, 16])
def test_function_transforms(case: Case, dim: int) -> None:
    """vmap of jacrev and of hessian over a law built inside the function are autograd's derivatives."""
    values, x = case.raw((5,), dim, which="values"), case.points(5, dim=dim)
    numbers = tuple(range(1, 1 + len(values)))
    direction = [torch.ones_like(value) for value in values.values()]
    for function in functions(case, dim, False).values():
        leaf = [value.clone().requires_grad_() for value in values.values()]
        total = torch.stack([function(x[i], *(value[i] for value in leaf)) for i in range(5)]).sum()
        if not total.requires_grad:
            continue
        first = grad(total, leaf, create_graph=True, materialize_grads=True)
        jacobians = vmap(jacrev(function, argnums=numbers))(x, *values.values())
        torch.testing.assert_close(jacobians, tuple(first), rtol=1e-10, atol=1e-10)
        along = sum((g * d).sum() for g, d in zip(first, direction, strict=True))
        second = grad(along, leaf, materialize_grads=True)
        rows = vmap(hessian(function, argnums=numbers))(x, *values.values())
        for row, expected, value in zip(rows, second, leaf, strict=True):
            sums = [block.reshape(*value.shape, -1).sum(-1) for block in row]
            torch.testing.assert_close(sum(sums), expected, rtol=1e-9, atol=1e-9)


Others = list[tuple[Case, Case, Values]]


def others_of(case: Case, dim: int, dtype: torch.dtype) -> Others:
    """The pairs with a divergence, and the raw values of the other law."""
    return [(p, q, (q if p is case else p).raw((), dim, dtype, seed=1)) for p, q in partners(case)]


def step(
    case: Case, raw: Values, others: Others, dim: int, dtype: torch.dtype, generator: torch.Generator | None
) -> list[Tensor]:
    """What a training step may do, for a law of batch shape (20,)."""
    law = case.law(raw, (20,), dim, dtype, validate_args=False)
    sample = law.rsample((), generator)
    found = [sample, law.log_prob(sample)]
    for p, q, values in others:
        other = (q if p is case else p).law(values, (), dim, dtype, validate_args=False)
        found.append(kl_divergence(law, other) if p is case else kl_divergence(other, law))
    return found


def everything(
    case: Case, raw: Values, dim: int, dtype: torch.dtype, generator: torch.Generator | None
) -> list[Tensor]:
    """Each function of the law."""
    found = step(case, raw, others_of(case, dim, dtype), dim, dtype, generator)
    law = case.law(raw, (20,), dim, dtype, validate_args=False)
    found += [entropy_of(case, law), law.mean, law.variance]
    return [*found, law.covariance_matrix] if hasattr(law, "covariance_matrix") else found


def loss_of(values: list[Tensor]) -> Tensor:
    """With a weight for each coordinate."""
    return torch.stack([(v * torch.linspace(-1, 1, v.shape[-1], dtype=v.dtype)).sum() for v in values]).sum()


def leaves(case: Case, dim: int, dtype: torch.dtype) -> Values:
    return {name: value.requires_grad_() for name, value in case.raw((20,), dim, dtype, which="values").items()}


@pytest.mark.slow
@ALL
@DTYPES
@DIMS
def test_no_host_round_trip(case: Case, dim: int, dtype: torch.dtype) -> None:
    """No operator runs that would wait for a GPU, forward or backward."""
    raw = leaves(case, dim, dtype)
    everything(case, raw, dim, dtype, None)  # tables are made once
    with Recorder() as recorder:
        loss = loss_of(everything(case, raw, dim, dtype, None))
        if raw:
            loss.backward()
    assert {"uniform_", "normal_", "exponential_"} & recorder.operators
    waiting = {"_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "equal", "unique"}
    assert not waiting & recorder.operators
    assert not recorder.masked


@ALL
@DIMS
@pytest.mark.parametrize("backward_inside", [False, True])
def test_autocast_changes_nothing(case: Case, dim: int, backward_inside: bool) -> None:
    """Values and gradients are those without it, in float32, wherever backward is called."""
    results = []
    for enabled in (False, True):
        raw = leaves(case, dim, torch.float32)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            values = everything(case, raw, dim, torch.float32, seeded())
        loss = loss_of(values)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled and backward_inside):
            gradients = grad(loss, list(raw.values())) if raw else ()
        results.append([*values, *gradients])
    for expected, got in zip(*results, strict=True):
        assert got.dtype == torch.float32
        assert got.isfinite().all()
        assert torch.equal(got, expected)


def is_compiled(function: Callable[[Tensor], Tensor], *arguments: Tensor) -> bool:
    """Whether torch makes one graph of a function of its own, for one argument after the other."""
    compiled = torch.compile(function, fullgraph=True, backend="eager")
    try:
        for argument in arguments:
            compiled(argument)
    except (torch._dynamo.exc.Unsupported, torch._dynamo.exc.InternalTorchDynamoError):
        return False
    finally:
        torch._dynamo.reset()
    return True


@cache
def torch_compiles_shapes_that_vary() -> bool:
    """Torch 2.4 does not; there, each dimension is compiled anew."""
    return is_compiled(lambda x: Normal(x, 1.0, validate_args=False).rsample(), torch.zeros(2, 3), torch.zeros(2, 8))


@cache
def torch_compiles_expand() -> bool:
    """Torch 2.4 and 2.8 do not."""
    return is_compiled(lambda x: Normal(x, 1.0, validate_args=False).expand((2, 3)).rsample(), torch.zeros(3))


def assert_compiles(case: Case, backend: str, kinds: tuple[tuple[int, torch.dtype], ...]) -> None:
    """The divergences are those to and from other kinds of law, the priors of a training step."""
    # A law without parameters, and the prior of a product, get their batch by it.
    if (not case.parameters or case.num_factors) and not torch_compiles_expand():
        pytest.skip("this torch does not compile Distribution.expand")
    torch._dynamo.reset()

    def loss(others: Others, dim: int, dtype: torch.dtype, *raw: Tensor) -> Tensor:
        return loss_of(step(case, dict(zip(case.parameters, raw, strict=True)), others, dim, dtype, None))

    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    for dim, dtype in kinds:
        if not torch_compiles_shapes_that_vary():
            torch._dynamo.reset()
        results, others = [], [o for o in others_of(case, dim, dtype) if KINDS[o[0]] is not KINDS[o[1]]]
        for function in (loss, compiled):
            raw = list(leaves(case, dim, dtype).values())
            torch.manual_seed(0)
            value = function(others, dim, dtype, *raw)
            results.append([value.detach(), *(grad(value, raw) if raw else ())])
        torch.testing.assert_close(*results)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name in ("VonMisesFisher", "ProjectedNormal")], ids=str
)
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles_as_one_graph(case: Case) -> None:
    """Value and gradients are eager's on the same random numbers, for both dtypes and for one m after the other.

    Of one distribution from tables by the concentration, and of one that has none.
    """
    assert_compiles(case, "eager", ((8, torch.float32), (2, torch.float64), (8, torch.float64)))


@pytest.mark.slow
@ALL
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles_with_its_backward(case: Case) -> None:
    """Of all, in one dimension, where the derivatives are traced as well."""
    assert_compiles(case, "aot_eager", ((8, torch.float32),))
