"""Densities, moments, entropies and divergences against quadrature on circles and spheres; dtypes and extremes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from tests.helpers.distributions import ALL, DIMS, EXACT, PAIRS, Case, entropy_of, partners
from tests.helpers.places import DTYPES, direction, seeded

SMALL = pytest.mark.parametrize("dim", [2, 3])


def measure_of(case: Case, dim: int, which: str = "values") -> tuple[object, Tensor, Tensor, Tensor]:
    """The laws at all places and values, their nodes, log densities [n, *batch] and weighted densities."""
    x, weight = case.rule(dim)
    law = case.law(case.grid(dim, which=which), dim=dim)
    spread = (1,) * len(law.batch_shape)
    log_density = law.log_prob(x.view(-1, *spread, x.shape[-1]))
    return law, x, log_density, weight.view(-1, *spread) * log_density.exp()


@ALL
@SMALL
def test_density_integrates_to_one(case: Case, dim: int) -> None:
    total = measure_of(case, dim)[3].sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-13)


@ALL
@SMALL
def test_moments_and_mode(case: Case, dim: int) -> None:
    """Mean, variance and covariance are the density's, which is nowhere larger than at the mode."""
    law, x, log_density, measure = measure_of(case, dim)
    close = {"rtol": 1e-11, "atol": 1e-12}
    mean = torch.einsum("n...,ni->...i", measure, x)
    torch.testing.assert_close(law.mean, mean, **close)
    second = torch.stack([torch.einsum("n...,ni->...i", measure, x * column.unsqueeze(-1)) for column in x.T], -1)
    covariance = second - mean.unsqueeze(-1) * mean.unsqueeze(-2)
    torch.testing.assert_close(law.variance, covariance.diagonal(dim1=-2, dim2=-1), **close)
    if hasattr(law, "covariance_matrix"):
        torch.testing.assert_close(law.covariance_matrix, covariance, **close)
    if case.has_mode:
        assert (law.log_prob(law.mode) - log_density >= -1e-13).all()
    else:
        with pytest.raises(NotImplementedError):
            _ = law.mode


@EXACT
@SMALL
def test_entropy(case: Case, dim: int) -> None:
    law, _, log_density, measure = measure_of(case, dim)
    entropy = -torch.xlogy(measure, log_density.exp()).sum(0)
    torch.testing.assert_close(entropy_of(case, law), entropy, rtol=1e-9, atol=1e-9)


@PAIRS
@SMALL
def test_divergences(p: Case, q: Case, dim: int) -> None:
    """Between laws at different places with different values, all of them."""
    first, x, log_p, measure = measure_of(p, dim)
    for k in (1, 2):
        # Beside each place the next one, beside each value the k-th after it.
        raw = {name: value.roll((1, k), (0, 1)) for name, value in q.grid(dim).items()}
        second = q.law(raw, dim=dim)
        batch = torch.broadcast_shapes(first.batch_shape, second.batch_shape)
        log_q = second.expand(batch).log_prob(x.view(-1, *(1,) * len(batch), x.shape[-1]))
        # Where p underflows, so does what it adds.
        ratio = log_p.view(*log_p.shape, *(1,) * (len(batch) + 1 - log_p.dim())) - log_q
        share = measure.view(*measure.shape, *(1,) * (len(batch) + 1 - measure.dim()))
        expected = torch.where(share > 0, share * ratio, 0.0).sum(0)
        torch.testing.assert_close(kl_divergence(first, second), expected, rtol=1e-9, atol=1e-9)


@ALL
@DIMS
def test_dtypes_agree(case: Case, dim: int) -> None:
    """What float32 gives is what float64 gives for the same parameters, to 1e-5 of a value or of 1 nat."""
    raw = case.grid(dim, torch.float32)
    values = case.values(raw)
    laws = [
        case.build({k: v.to(d) for k, v in values.items()}, (), dim, d, True) for d in (torch.float32, torch.float64)
    ]
    x = torch.cat([laws[0].sample((5,), seeded()), case.points(5, *laws[0].batch_shape, dim=dim, dtype=torch.float32)])
    results: list[list[Tensor]] = []
    for law, dtype in zip(laws, (torch.float32, torch.float64), strict=True):
        found = [law.log_prob(x.to(dtype)), entropy_of(case, law), law.mean, law.variance]
        for p, q in partners(case):
            other = (q if p is case else p).law(dim=dim, dtype=dtype, seed=1)
            found.append(kl_divergence(law, other) if p is case else kl_divergence(other, law))
        assert all(t.dtype == dtype for t in found)
        results.append(found)
    for single, double in zip(*results, strict=True):
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-5)


@ALL
@DTYPES
@DIMS
def test_extreme_values(case: Case, dim: int, dtype: torch.dtype) -> None:
    """Values and their gradients stay finite at every place, samples unit vectors and their gradients bounded."""
    raw = {k: v.requires_grad_() for k, v in case.grid(dim, dtype, which="extremes").items()}
    law = case.law(raw, dim=dim, dtype=dtype)
    sample = law.rsample((20,), seeded())
    norms = sample.detach().unflatten(-1, (case.spheres, dim)).norm(dim=-1)
    assert (norms - 1).abs().max() < 1e-6
    others = [(q if p is case else p).law(dim=dim, dtype=dtype, seed=1) for p, q in partners(case)]
    values = [sample @ direction("random", dim, dtype).repeat(case.spheres)]
    values += [law.log_prob(sample.detach()), entropy_of(case, law), law.mean, law.variance]
    for (p, _), other in zip(partners(case), others, strict=True):
        values.append(kl_divergence(law, other) if p is case else kl_divergence(other, law))
    for value in values:
        assert value.isfinite().all()
        if value.requires_grad:
            gradients = torch.autograd.grad(value.sum(), list(raw.values()), retain_graph=True, allow_unused=True)
            assert any(g is not None for g in gradients)
            assert all(g.isfinite().all() for g in gradients if g is not None)
