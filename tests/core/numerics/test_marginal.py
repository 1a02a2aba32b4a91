"""The sampled angle against its exact law.

Seeds are fixed, so a run is deterministic; about 200 Kolmogorov-Smirnov tests run in all, each must reach
p > 1e-4, which a right sampler would have failed in one of fifty choices of the seeds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from spherical_gae.core.numerics import marginal
from spherical_gae.core.numerics.marginal import sample_half_tangent
from tests.helpers.angle_law import AngleLaw
from tests.helpers.reference import reference

SIZE = 30_000
LEAST_P = 1e-4
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
DIMS = pytest.mark.parametrize("dim", [2, 3, 4, 5, 8, 16, 64, 256, 1000])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def concentrations(dim):
    """From uniform to a point, on both sides of the change of proposals at m / 2."""
    return (0.0, 1e-3, 0.1, 1.0, 0.49 * dim, 0.51 * dim, 100.0, 1e4, 1e6)


@pytest.mark.slow
@DTYPES
@DIMS
def test_law(dim, dtype):
    """And the mean of 1 - cos theta, which is 1 - A within 5 standard errors, the variance of cos theta being A'."""
    for seed, concentration in enumerate(concentrations(dim)):
        kappa = torch.full((SIZE,), concentration, dtype=dtype)
        t = sample_half_tangent(kappa, dim, seeded(seed)).double().numpy()
        rounded = kappa[0].item()
        assert stats.kstest(np.log(t), AngleLaw(dim, rounded).cdf).pvalue > LEAST_P, concentration
        exact = reference(dim, rounded)
        error = (2 / (1 + t**-2.0)).mean() - float(1 - exact.mean_resultant_length)
        assert abs(error) < 5 * math.sqrt(exact.slope / SIZE), concentration


@pytest.mark.parametrize(("dtype", "concentration"), [(torch.float32, 1e30), (torch.float64, 1e36)], ids=str)
@DIMS
def test_law_at_the_largest_concentrations(dim, dtype, concentration):
    """kappa (1 - cos theta) tends to a Gamma((m - 1) / 2) variate."""
    kappa = torch.full((SIZE,), concentration, dtype=dtype)
    t = sample_half_tangent(kappa, dim, seeded()).double().numpy()
    gamma = stats.gamma((dim - 1) / 2)
    assert stats.kstest(2 * kappa[0].item() * t**2, gamma.cdf).pvalue > LEAST_P


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_elements_keep_their_own_concentration(dim):
    """More elements than one chunk of proposals, of interleaved concentrations and not contiguous."""
    values = (0.0, 2.0, 30.0, 1000.0)
    kappa = torch.tensor(values).expand(20_000, 4)
    assert kappa.numel() > 2 * marginal._CHUNK
    t = sample_half_tangent(kappa, dim, seeded()).double().numpy()
    for column, concentration in zip(t.T, values, strict=True):
        assert stats.kstest(np.log(column), AngleLaw(dim, concentration).cdf).pvalue > LEAST_P


@pytest.mark.parametrize("dim", [2, 4, 5, 6, 8, 16, 64, 256, 1000, 65536])
def test_none_accepted_has_probability_below_1e_9(dim):
    """Acceptance by quadrature over the two variates of a proposal, near its worst at m / 2 and at both ends."""
    factors = (0.1, 0.3, 0.45, 0.499, 0.5, 0.501, 0.55, 0.7, 1, 2, 10)
    kappa = torch.tensor([0, 1e-8, 1e-2, 0.5, 3, 1e3, 1e6, 1e10] + [f * dim for f in factors], dtype=torch.float64)
    probability = (torch.arange(256, dtype=torch.float64) + 0.5) / 256
    energy, angle = torch.meshgrid(-torch.log(probability), math.pi * probability, indexing="ij")
    variates = energy.reshape(-1, 1), angle.reshape(-1, 1)
    log_ratio = marginal._propose_wood(kappa, dim, *variates)[1]
    if dim > 3:
        gamma_log_ratio = marginal._propose_gamma(kappa, dim, *variates)[1]
        log_ratio = torch.where(kappa > dim / 2, gamma_log_ratio, log_ratio)
    rounds = marginal._ROUNDS_CIRCLE if dim == 2 else marginal._ROUNDS
    missed = (1 - log_ratio.exp().mean(0)) ** rounds
    assert missed.max() < 1e-9
    # An envelope below the target anywhere would bias the law however often it accepts.
    assert log_ratio.max() < 1e-15 * dim


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 5, 100])
def test_bounded_away_from_zero_and_infinity(dim, dtype):
    kappa = torch.tensor([0.0, torch.finfo(dtype).tiny, 1.0, 1e10, 1e30, torch.finfo(dtype).max / 4], dtype=dtype)
    t = sample_half_tangent(kappa.expand(1000, 6), dim, seeded())
    square = t * t
    assert square.isfinite().all()
    assert (1 / square).isfinite().all()


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_nan_returns_nan(dim):
    t = sample_half_tangent(torch.tensor([math.nan, 1.0, math.nan]), dim, seeded())
    assert t.isnan().tolist() == [True, False, True]


@pytest.mark.parametrize("dim", [2, 3, 5])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)], ids=str)
def test_shape(dim, shape):
    concentration = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    t = sample_half_tangent(concentration, dim)
    assert (t.shape, t.dtype, t.requires_grad) == (shape, torch.float64, False)


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_generator(dim):
    """The same seed gives the same sample, another one another, and the global state is left alone."""
    kappa, state = torch.ones(100), torch.get_rng_state()
    first = sample_half_tangent(kappa, dim, seeded(1))
    assert torch.equal(first, sample_half_tangent(kappa, dim, seeded(1)))
    assert not torch.equal(first, sample_half_tangent(kappa, dim, seeded(2)))
    assert torch.equal(torch.get_rng_state(), state)
