"""Samples follow the density: cell counts, moments, and means of density ratios; where their randomness comes from."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, kl_divergence

from tests.helpers.distributions import ALL, DIMS, EXACT, PAIRS, PARAMETERS, PARAMETRIC, Case, entropy_of
from tests.helpers.places import DTYPES, seeded, tensor
from tests.helpers.sphere_quadrature import cell_of, cells, pairs

SIZE = 20_000


def deviation(values: Tensor, expected: Tensor | float) -> Tensor:
    """Of the means over the first axis from what they should be, in standard errors; rounding does not count."""
    error = values.std(0) / math.sqrt(len(values)) + 1e-13 * (1 + values.mean(0).abs())
    return (values.mean(0) - expected).abs() / error


@ALL
@DTYPES
@pytest.mark.parametrize("dim", [2, 3])
def test_samples_fall_into_cells_as_the_density_says(case: Case, dim: int, dtype: torch.dtype) -> None:
    """Chi-square of the counts in cells of the whole space, for each value of the parameters; p > 1e-4."""
    count, order = (64 if dim == 2 else 16, 16) if case.num_factors is None else (16 if dim == 2 else 4, 6)
    x, weight = cells(dim, count, order)
    per_cell = order if dim == 2 else order * order
    # Nodes of one cell after the other, as they are numbered.
    if dim == 3:
        x, weight = (part.view(count, count, per_cell, -1).flatten(0, 2) for part in (x, weight))
    number = cell_of(x, count)
    if case.num_factors is not None:
        x, weight = pairs(x, weight.flatten())
        amount = int(number.max()) + 1
        number = (number.unsqueeze(1) * amount + number).flatten()
    values = len(next(iter(case.parameters.values())).values) if case.parameters else 1
    raw = case.raw((5,), dim, dtype, which="values")
    law = case.law({k: v[:values] for k, v in raw.items()} if raw else raw, (), dim, dtype)
    exact = case.build(
        {k: v.double() for k, v in case.values({k: v[:values] for k, v in raw.items()}).items()},
        (),
        dim,
        torch.float64,
        False,
    )
    batch = tuple(law.batch_shape)
    density = weight.view(-1, *(1,) * len(batch)) * exact.log_prob(x.view(-1, *(1,) * len(batch), x.shape[-1])).exp()
    probability = torch.zeros(int(number.max()) + 1, *batch, dtype=torch.float64).index_add_(0, number, density)
    torch.testing.assert_close(probability.sum(0), torch.ones(batch, dtype=torch.float64), rtol=0, atol=1e-6)
    blocks = law.sample((SIZE,), seeded()).double().unflatten(-1, (case.spheres, dim))
    found = cell_of(blocks[..., 0, :], count)
    if case.num_factors is not None:
        found = found * amount + cell_of(blocks[..., 1, :], count)
    for found_k, expected in zip(found.view(SIZE, -1).T, SIZE * probability.view(len(probability), -1).T, strict=True):
        counts = torch.bincount(found_k, minlength=len(expected)).double()
        rare = expected < 10
        seen, due = (torch.cat([c[~rare], c[rare].sum().view(1)]).numpy() for c in (counts, expected))
        if due[-1] < 10:
            due[-2] += due[-1]
            seen[-2] += seen[-1]
            seen, due = seen[:-1], due[:-1]
        assert len(due) > 1
        assert stats.chisquare(seen, due * (SIZE / due.sum())).pvalue > 1e-4


@pytest.mark.slow
@ALL
@DIMS
def test_mean_and_covariance(case: Case, dim: int) -> None:
    """Within 5 standard errors in every entry, at every place and value; second moments about the exact mean."""
    size = 10_000 if case.parameters else 50_000
    law = case.law(case.grid(dim), dim=dim)
    residual = law.sample((size,), seeded()) - law.mean
    assert (deviation(residual, 0.0) < 5).all()
    columns = residual.movedim(0, -1).reshape(-1, residual.shape[-1], size)  # [laws, coordinates, samples]
    mean = columns @ columns.mT / size
    error = ((columns.square() @ columns.square().mT / size - mean.square()).clamp(min=0) / size).sqrt()
    variance = law.variance.reshape(len(mean), -1)
    # Points have the length of their blocks.
    total = variance.sum(-1) + law.mean.square().sum(-1).flatten()
    torch.testing.assert_close(total, torch.full_like(total, case.spheres), rtol=1e-12, atol=0)
    diagonal = (mean.diagonal(dim1=-2, dim2=-1) - variance).abs()
    assert (diagonal < 5 * error.diagonal(dim1=-2, dim2=-1) + 1e-13).all()
    if hasattr(law, "covariance_matrix"):
        diagonal = law.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        torch.testing.assert_close(law.variance, diagonal, rtol=1e-12, atol=1e-15)
        assert ((mean - law.covariance_matrix.reshape(mean.shape)).abs() < 5 * error + 1e-13).all()
    # Blocks of a product are independent.
    for k in range(1, case.spheres):
        assert (mean[:, :dim, k * dim : (k + 1) * dim].abs() < 5 * error[:, :dim, k * dim : (k + 1) * dim]).all()


@PARAMETRIC
@DIMS
def test_mean_density_ratio_is_one(case: Case, dim: int) -> None:
    """E_q[p / q] = 1 for p close to q, within 5 standard errors."""
    raw, other = (case.raw((3,), dim, seed=seed) for seed in (0, 1))
    near, step = {}, 0.15 if dim < 64 or "rho" in case.parameters else 0.5
    for name, parameter in case.parameters.items():
        near[name] = raw[name] * 0.9 if parameter.values else raw[name] + step * other[name]
    q, p = case.law(raw, dim=dim), case.law(near, dim=dim)
    x = q.sample((SIZE,), seeded())
    ratio = (p.log_prob(x) - q.log_prob(x)).exp()
    assert (ratio.std(0) > 0.1).all()
    assert (deviation(ratio, 1.0) < 5).all()


@pytest.mark.slow
@EXACT
@DIMS
def test_entropy_is_the_mean_log_density(case: Case, dim: int) -> None:
    law = case.law(batch=(3,), dim=dim)
    assert (deviation(-law.log_prob(law.sample((50_000,), seeded(1))), entropy_of(case, law)) < 5).all()


@pytest.mark.slow
@PAIRS
@DIMS
def test_divergence_is_the_mean_log_ratio(p: Case, q: Case, dim: int) -> None:
    first, second = p.law(batch=(3,), dim=dim), q.law(batch=(3,), dim=dim, seed=1)
    x = first.sample((50_000,), seeded(2))
    assert (deviation(first.log_prob(x) - second.log_prob(x), kl_divergence(first, second)) < 5).all()


@ALL
@DTYPES
@DIMS
def test_sample_has_the_values_of_rsample_without_gradients(case: Case, dim: int, dtype: torch.dtype) -> None:
    raw = {name: value.requires_grad_() for name, value in case.raw((3,), dim, dtype).items()}
    law = case.law(raw, (3,), dim, dtype)
    sample, differentiable = law.sample((10,), seeded()), law.rsample((10,), seeded())
    assert law.has_rsample
    assert torch.equal(sample, differentiable)
    assert not sample.requires_grad
    assert differentiable.requires_grad == bool(case.parameters)
    norms = sample.unflatten(-1, (case.spheres, dim)).norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-14)


@ALL
@DIMS
def test_generator(case: Case, dim: int) -> None:
    """The same seed gives the same sample, and the global state is left alone; without one it is used."""
    law, state = case.law(batch=(2,), dim=dim), torch.get_rng_state()
    for draw in (law.sample, law.rsample):
        first = draw((10,), generator=seeded(1))
        assert torch.equal(first, draw((10,), seeded(1)))
        assert not torch.equal(first, draw((10,), seeded(2)))
        assert torch.equal(torch.get_rng_state(), state)
        torch.manual_seed(5)
        unseeded = draw((10,))
        assert not torch.equal(torch.get_rng_state(), state)
        torch.manual_seed(5)
        assert torch.equal(unseeded, draw((10,)))
        assert not torch.equal(unseeded, draw((10,)))
        torch.set_rng_state(state)


@PARAMETERS
@DTYPES
@DIMS
def test_nan_stays_in_its_element(case: Case, name: str, dim: int, dtype: torch.dtype) -> None:
    """An unchecked NaN neither hangs the sampler nor reaches the other elements."""
    raw = case.raw((3,), dim, dtype)
    clean = case.law(raw, dim=dim, dtype=dtype)
    bad = raw | {name: raw[name].clone()}
    bad[name][1] = math.nan
    law = case.law(bad, dim=dim, dtype=dtype, validate_args=False)
    sample = law.sample((4,), seeded())
    assert sample.isnan().any(-1).tolist() == [[False, True, False]] * 4
    x = case.points(3, dim=dim, dtype=dtype)
    log_prob = law.log_prob(x)
    assert log_prob.isnan().tolist() == [False, True, False]
    others = tensor([0, 2]).long()
    assert torch.equal(log_prob[others], clean.log_prob(x)[others])
    assert torch.equal(entropy_of(case, law)[others], entropy_of(case, clean)[others])
    assert torch.equal(law.mean[others], clean.mean[others])
    if case.parameters[name].values:
        assert entropy_of(case, law).isnan().tolist() == [False, True, False]


@ALL
@pytest.mark.parametrize("dim", [2, 3, 64])
def test_mixture_samples(case: Case, dim: int) -> None:
    """They are on the sphere and have the mixture's mean, within 5 standard errors."""
    law, weights = case.law(case.raw((4,), dim, which="values"), (4,), dim), tensor([0.1, 0.2, 0.3, 0.4])
    mixture = MixtureSameFamily(Categorical(weights), law)
    torch.manual_seed(0)
    sample = mixture.sample((3, 5000))
    assert sample.shape == (3, 5000, dim * case.spheres)
    assert (sample.unflatten(-1, (case.spheres, dim)).norm(dim=-1) - 1).abs().max() < 1e-12
    assert (deviation(sample.flatten(0, 1), mixture.mean) < 5).all()
