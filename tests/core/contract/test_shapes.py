"""Shapes of all that a law gives, broadcasting, expansion, and what is built from it: copies, Independent, mixtures."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, kl_divergence

from tests.helpers.distributions import ALL, DIMS, PAIRS, PARAMETERS, Case, Values, entropy_of
from tests.helpers.places import DTYPES, seeded, tensor

BATCHES = ((), (4,), (2, 3), (0,), (3, 0))


def close(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def has_covariance(law: Distribution) -> bool:
    return hasattr(law, "covariance_matrix")


@ALL
@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8])
def test_shapes_and_dtypes(case: Case, dim: int, dtype: torch.dtype) -> None:
    size = dim * case.spheres
    for batch in BATCHES:
        law = case.law(batch=batch, dim=dim, dtype=dtype)
        assert (law.batch_shape, law.event_shape) == (batch, (size,))
        results = {(*batch, size): [law.mean, law.variance, law.rsample()], batch: [entropy_of(case, law)]}
        if case.has_mode:
            results.setdefault((*batch, size), []).append(law.mode)
        if has_covariance(law):
            results.update({(*batch, size, size): [law.covariance_matrix]})
        for shape in ((), (0,), (5, 2)):
            results.setdefault((*shape, *batch, size), []).extend([law.sample(shape), law.rsample(shape)])
            results.setdefault((*shape, *batch), []).append(law.log_prob(law.sample(shape)))
        for expected, tensors in results.items():
            assert all((t.shape, t.dtype) == (expected, dtype) for t in tensors)
        point = case.points(dim=dim, dtype=dtype)
        assert law.log_prob(point).shape == batch


# Of a batch of shape (2, 4), those of these shapes.
PARTS: dict[tuple[int, ...], Any] = {
    (): (0, 0),
    (1,): (0, slice(1)),
    (4,): 0,
    (2, 1): (slice(2), slice(1)),
    (0, 1): (slice(0), slice(1)),
}


@PARAMETERS
@pytest.mark.parametrize("dim", [2, 3, 8])
@pytest.mark.parametrize("shapes", [((), (4,)), ((1,), (4,)), ((4,), ()), ((2, 1), (4,)), ((0, 1), (4,))], ids=str)
def test_parameters_broadcast(case: Case, name: str, dim: int, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """The law is that of the parameters expanded, whichever of them is the smaller one."""
    batch = torch.broadcast_shapes(*shapes)
    values = case.values(case.raw((2, 4), dim))
    small = {other: value[PARTS[shapes[0] if other == name else shapes[1]]] for other, value in values.items()}
    full = {other: value.expand((*batch, *values[other].shape[2:])) for other, value in small.items()}
    law, expanded = (case.build(v, batch, dim, torch.float64, None) for v in (small, full))
    assert law.batch_shape == expanded.batch_shape == batch
    x = case.points(5, *batch, dim=dim)
    close(law.log_prob(x), expanded.log_prob(x))
    close(entropy_of(case, law), entropy_of(case, expanded))
    assert torch.equal(law.rsample((3,), seeded()), expanded.rsample((3,), seeded()))


@ALL
@pytest.mark.parametrize("dim", [2, 8])
def test_points_broadcast_with_the_batch(case: Case, dim: int) -> None:
    law, x = case.law(batch=(3,), dim=dim), case.points(5, 1, dim=dim)
    density = law.log_prob(x)
    assert density.shape == (5, 3)
    close(density, law.log_prob(x.expand(5, 3, -1)))
    close(law.log_prob(x[0, 0]), density[0])


@ALL
@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("start", "batch"), [((), (5,)), ((3,), (2, 3)), ((1, 3), [4, 3]), ((3,), (0, 3)), ((), ())])
def test_expand(case: Case, start: tuple[int, ...], batch: Any, validate: bool) -> None:
    """Class, values, memory, validation and options stay; samples are those of a law made with that batch."""
    law = case.law(batch=start, dim=8, validate_args=validate)
    larger = law.expand(batch)
    assert type(larger) is type(law)
    assert (larger.batch_shape, larger.event_shape) == (tuple(batch), law.event_shape)
    assert larger._validate_args is validate
    assert vars(larger).keys() == vars(law).keys()
    for name, value in vars(law).items():
        if isinstance(value, Tensor):
            assert vars(larger)[name].untyped_storage().data_ptr() == value.untyped_storage().data_ptr()
        elif not isinstance(value, Distribution | torch.Size):
            assert vars(larger)[name] == value
    for name in case.parameters if case.num_factors is None else ():
        trail = getattr(law, name).shape[len(start) :]
        assert torch.equal(getattr(larger, name), getattr(law, name).expand((*batch, *trail)))
    raw = {k: v.expand((*batch, *v.shape[len(start) :])) for k, v in case.raw(start, 8).items()}
    made = case.law(raw, tuple(batch), 8, validate_args=validate)
    sample = larger.rsample((4,), seeded())
    assert torch.equal(sample, made.rsample((4,), seeded()))
    x = case.points(*batch, dim=8)
    close(larger.log_prob(x), law.log_prob(x).expand(batch))
    close(entropy_of(case, larger), entropy_of(case, law).expand(batch))
    close(larger.mean, law.mean.expand(*batch, -1))
    close(larger.variance, law.variance.expand(*batch, -1))
    # One draw for each element, not one for all.
    assert sample.numel() == sample.unique().numel()


@ALL
def test_expand_to_a_shape_that_does_not_fit_is_refused(case: Case) -> None:
    law = case.law(batch=(3,))
    for batch in ((4,), (3, 1), (), (3, 2), (2, 1)):
        with pytest.raises(RuntimeError, match="expand"):
            law.expand(batch)


@ALL
@DIMS
def test_strided_arguments(case: Case, dim: int) -> None:
    """Transposed, flipped and expanded parameters and points give what their contiguous copies give."""
    raw = {name: value.transpose(0, 1) for name, value in case.raw((3, 5), dim).items()}
    raw = {name: v.flip(0) if v.dim() == 2 else v for name, v in raw.items()}
    values = case.values(raw)
    views = {name: _strided(value) for name, value in values.items()}
    assert not any(view.is_contiguous() for view in views.values())
    law, copies = (case.build(v, (5, 3), dim, torch.float64, None) for v in (views, values))
    assert torch.equal(law.rsample((2,), seeded()), copies.rsample((2,), seeded()))
    x = case.points(5, dim=dim).unsqueeze(1).expand(5, 3, -1)
    assert torch.equal(law.log_prob(x), copies.log_prob(x.contiguous()))
    assert torch.equal(entropy_of(case, law), entropy_of(case, copies))
    one = {name: value[:1, :1].expand_as(value) for name, value in values.items()}
    law, copies = (case.build(v, (5, 3), dim, torch.float64, None) for v in (one, _contiguous(one)))
    assert torch.equal(law.rsample((2,), seeded()), copies.rsample((2,), seeded()))
    assert torch.equal(law.log_prob(x), copies.log_prob(x))


def _strided(value: Tensor) -> Tensor:
    """The same numbers, every second one in memory."""
    return torch.stack([value, torch.zeros_like(value)], -1)[..., 0]


def _contiguous(values: Values) -> Values:
    return {name: value.contiguous() for name, value in values.items()}


@ALL
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))], ids=["copy", "pickle"])
@pytest.mark.parametrize("validate", [True, False])
def test_copies(case: Case, clone: Any, validate: bool) -> None:
    law = case.law(batch=(4,), validate_args=validate).expand((2, 4))
    copied = clone(law)
    assert (type(copied), copied.batch_shape, repr(copied)) == (type(law), (2, 4), repr(law))
    assert copied._validate_args is validate
    x = case.points(2, 4)
    assert torch.equal(copied.sample((5,), seeded()), law.sample((5,), seeded()))
    assert torch.equal(copied.log_prob(x), law.log_prob(x))
    assert torch.equal(entropy_of(case, copied), entropy_of(case, law))


@ALL
def test_independent(case: Case) -> None:
    law, x = case.law(batch=(2, 4)), case.points(5, 2, 4)
    together = Independent(law, 1)
    assert (together.batch_shape, together.event_shape) == ((2,), (4, *law.event_shape))
    close(together.log_prob(x), law.log_prob(x).sum(-1))
    if case.is_exact:
        close(together.entropy(), law.entropy().sum(-1))
    assert together.rsample((3,)).shape == (3, 2, 4, *law.event_shape)


@ALL
@pytest.mark.parametrize("dim", [2, 3, 64])
def test_mixture_density_and_mean(case: Case, dim: int) -> None:
    law, weights = case.law(case.raw((4,), dim, which="values"), (4,), dim), tensor([0.1, 0.2, 0.3, 0.4])
    mixture = MixtureSameFamily(Categorical(weights), law)
    x = case.points(7, dim=dim)
    expected = torch.logsumexp(weights.log() + law.log_prob(x.unsqueeze(-2)), -1)
    torch.testing.assert_close(mixture.log_prob(x), expected, rtol=1e-13, atol=1e-13)
    close(mixture.mean, (weights.unsqueeze(-1) * law.mean).sum(0))
    spread = law.variance + law.mean.square()
    close(mixture.variance, (weights.unsqueeze(-1) * spread).sum(0) - mixture.mean.square())


@PAIRS
def test_divergences_broadcast(p: Case, q: Case) -> None:
    """Also over empty batches, and through Independent."""
    first, second = p.law(batch=(4,)), q.law(batch=(4,), seed=1)
    expected = kl_divergence(first, second)
    assert expected.shape == (4,)
    close(kl_divergence(first.expand((2, 4)), second), expected.expand(2, 4))
    close(kl_divergence(first, second.expand((2, 4))), expected.expand(2, 4))
    single = q.law(seed=1)
    close(kl_divergence(first, single), kl_divergence(first, single.expand((4,))))
    single = p.law(seed=1)
    close(kl_divergence(single, second), kl_divergence(single.expand((4,)), second))
    outer = kl_divergence(p.law(batch=(2, 1)), second)
    close(outer, kl_divergence(p.law(batch=(2, 1)).expand((2, 4)), second.expand((2, 4))))
    assert kl_divergence(first.expand((0, 4)), second).shape == (0, 4)
    close(kl_divergence(Independent(first, 1), Independent(second, 1)), expected.sum(-1))


@PAIRS
def test_divergence_across_dimensions_is_refused(p: Case, q: Case) -> None:
    with pytest.raises(ValueError, match="one sphere, got dimensions 3 and 8"):
        kl_divergence(p.law(dim=3), q.law(dim=8))
