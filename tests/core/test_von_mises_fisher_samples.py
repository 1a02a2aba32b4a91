"""Samples of the whole law: where they fall, their gradients, and that the host is never asked.

The law of the angle and of the tangent direction are tested apart, in test_marginal.py and test_tangent.py, and
with the same threshold: about 200 Kolmogorov-Smirnov tests, fixed seeds, each p > 1e-4.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import kl_divergence

from spherical_gae.core import HypersphericalUniform, VonMisesFisher
from tests.helpers.angle_law import AngleLaw
from tests.helpers.places import DTYPES, PLACES, direction, seeded
from tests.helpers.recorder import Recorder
from tests.helpers.reference import reference


@DTYPES
@PLACES
@pytest.mark.parametrize(
    ("dim", "size"), [(2, 20_000), (3, 20_000), (5, 20_000), (16, 20_000), (128, 5000), (1000, 1000)]
)
def test_angle_to_the_mean_direction(dim, size, place, dtype):
    """tan(theta / 2) = |z - mu| / |z + mu| keeps the digits that mu.z loses."""
    loc = direction(place, dim, dtype)
    for seed, concentration in enumerate((0.0, 1.0, 60.0, 1e4, 1e6)):
        sample = VonMisesFisher(loc, concentration).rsample((size,), seeded(seed))
        assert (sample.norm(dim=-1) - 1).abs().max() < 1e-6
        far, near = ((sample.double() - sign * loc.double()).norm(dim=-1).numpy() for sign in (-1, 1))
        law = AngleLaw(dim, concentration)
        assert stats.kstest(np.log(np.maximum(near, 1e-12) / far), law.cdf).pvalue > 1e-4, concentration


@PLACES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.0, 3.0, 100.0])
def test_mean_and_covariance(dim, place, kappa):
    """Within 5 standard errors in every entry; second moments about the exact mean."""
    size = 10_000
    law = VonMisesFisher(direction(place, dim), kappa)
    residual = law.sample((size,), seeded()) - law.mean
    assert (residual.mean(0).abs() < 5 * residual.std(0) / math.sqrt(size)).all()
    products = residual.unsqueeze(-1) * residual.unsqueeze(-2)
    assert ((products.mean(0) - law.covariance_matrix).abs() < 5 * products.std(0) / math.sqrt(size)).all()


@DTYPES
@PLACES
@pytest.mark.parametrize("dim", [2, 3, 8, 1000, 65536])
@pytest.mark.parametrize("concentration", [0.0, 2e-45, 1e-30, 1.0, 1e10, 1e30])
def test_samples_and_gradients_at_the_extremes(dim, concentration, place, dtype):
    """Norms are 1 and the gradients in both parameters finite, and bounded as a rotation's is."""
    size = 100 if dim < 65536 else 2
    loc = direction(place, dim, dtype).expand(size, dim).clone().requires_grad_()
    kappa = torch.full((size,), concentration, dtype=dtype, requires_grad=True)
    weights = direction("random", dim, dtype)
    sample = VonMisesFisher(loc, kappa).rsample((), seeded())
    assert (sample.norm(dim=-1) - 1).abs().max() < 1e-6
    of_loc, of_kappa = torch.autograd.grad((sample @ weights).sum(), (loc, kappa))
    assert of_kappa.isfinite().all()
    assert of_loc.norm(dim=-1).max() < 3


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.5, 20.0, 1e3])
def test_gradient_in_the_mean_direction(dim, kappa, dtype):
    """Of E[a.z] = A a.mu and E[(a.z)^2] = A / kappa |a|^2 + (1 - m A / kappa) (a.mu)^2, within 5 standard errors."""
    size = 20_000
    raw = direction("random", dim, dtype).expand(size, dim).clone().requires_grad_()
    loc = torch.nn.functional.normalize(raw, dim=-1)
    a = torch.ones(dim, dtype=dtype)
    height = VonMisesFisher(loc, kappa).rsample((), seeded()) @ a
    mu = loc[0].detach()
    length = float(reference(dim, kappa).mean_resultant_length)
    tangent_part = a - (a @ mu) * mu
    slopes = {height: length, height**2: 2 * (1 - dim * length / kappa) * (a @ mu).item()}
    for value, slope in slopes.items():
        (gradient,) = torch.autograd.grad(value.sum(), raw, retain_graph=True)
        error = gradient.std(0) / math.sqrt(size)
        assert ((gradient.mean(0) - slope * tangent_part).abs() < 5 * error + 1e-6).all()


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
@pytest.mark.parametrize("kappa", [0.0, 0.5, 20.0, 1e3])
def test_gradient_in_the_concentration(dim, kappa, dtype):
    """The mean of d(mu.z) / dkappa is A' and of its derivative A'', within 5 standard errors."""
    size = 10_000
    loc = direction("random", dim, dtype)
    leaf = torch.full((size,), kappa, dtype=dtype, requires_grad=True)
    height = VonMisesFisher(loc, leaf).rsample((), seeded()) @ loc
    (first,) = torch.autograd.grad(height.sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    exact = reference(dim, kappa)
    length, slope = float(exact.mean_resultant_length), float(exact.slope)
    curvature = -2 * length * slope - (dim - 1) * (slope - length / kappa) / kappa if kappa else 0.0
    for gradient, expected in ((first, slope), (second, curvature)):
        error = gradient.std().item() / math.sqrt(size)
        assert abs(gradient.mean().item() - expected) < 5 * error


@DTYPES
@pytest.mark.parametrize(("dim", "size"), [(3, 20_000), (16, 20_000), (128, 5000)])
@pytest.mark.parametrize("concentration", [0.0, 3.0, 200.0])
def test_exact_sampler_follows_the_same_law(dim, size, concentration, dtype):
    """With the same gradient in the concentration, within 5 standard errors of the difference."""
    loc = direction("random", dim, dtype)
    kappa = torch.full((size,), concentration, dtype=dtype, requires_grad=True)
    gradients = []
    for sampler in ("exact", "tabulated"):
        sample = VonMisesFisher(loc, kappa, sampler=sampler).rsample((), seeded())
        far, near = ((sample.detach().double() - sign * loc.double()).norm(dim=-1).numpy() for sign in (-1, 1))
        assert stats.kstest(np.log(near / far), AngleLaw(dim, concentration).cdf).pvalue > 1e-4
        gradients.append(torch.autograd.grad((sample @ loc).sum(), kappa)[0])
    error = math.hypot(*(g.std().item() for g in gradients)) / math.sqrt(size)
    assert abs(gradients[0].mean() - gradients[1].mean()) < 5 * error


def test_samplers_differ_and_are_kept_by_expand():
    loc = direction("random", 8)
    drawn = {}
    for sampler in ("exact", "tabulated"):
        law = VonMisesFisher(loc, 3.0, sampler=sampler)
        assert law.expand((5,)).sampler == law.sampler == sampler
        drawn[sampler] = law.sample((5,), seeded())
        assert torch.equal(law.expand((5,)).sample((), seeded()), drawn[sampler])
    assert not torch.equal(drawn["exact"], drawn["tabulated"])


def test_unknown_sampler():
    with pytest.raises(ValueError, match=r"sampler must be one of .*, got 'wood'"):
        VonMisesFisher(direction("random", 8), 3.0, sampler="wood")


def autocast_results(dim, enabled, backward_inside, sampler):
    """Sample, density, divergence and the gradients of their sum."""
    raw = torch.randn(100, dim, generator=seeded(1)).requires_grad_()
    kappa = torch.linspace(0.1, 50, 100).requires_grad_()
    weights = torch.linspace(-1, 1, dim)
    with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
        law = VonMisesFisher(torch.nn.functional.normalize(raw, dim=-1), kappa, sampler=sampler)
        sample = law.rsample((), seeded())
        values = sample, law.log_prob(sample), kl_divergence(law, HypersphericalUniform(dim))
    loss = (values[0] * weights).sum() + values[1].sum() + values[2].sum()
    with torch.autocast("cpu", torch.bfloat16, enabled=enabled and backward_inside):
        return *values, *torch.autograd.grad(loss, (raw, kappa))


@pytest.mark.parametrize("sampler", ["tabulated", "exact"])
@pytest.mark.parametrize("backward_inside", [False, True])
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
def test_autocast_changes_nothing(dim, backward_inside, sampler):
    """Values and gradients are those without it, in float32, wherever backward is called."""
    results = (autocast_results(dim, enabled, backward_inside, sampler) for enabled in (False, True))
    for expected, got in zip(*results, strict=True):
        assert got.dtype == torch.float32
        assert got.isfinite().all()
        assert torch.equal(got, expected)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 8, 64])
def test_batch_shapes_and_strides(dim, dtype):
    """Nothing, one law, and mean directions that are expanded or not contiguous; all with gradients."""
    one = direction("random", dim, dtype)
    several = torch.stack([direction(place, dim, dtype) for place in ("random", "e1", "minus_e1")])
    column = several.mT.contiguous().mT
    assert not column.is_contiguous()
    cases = {(): one, (0,): one.expand(0, dim), (3,): one.expand(3, dim), (3, 1): several[:, None]}
    for batch, loc in cases.items():
        kappa = torch.full(batch, 2.0, dtype=dtype, requires_grad=True)
        for shape in ((), (0,), (4,)):
            sample = VonMisesFisher(loc, kappa).rsample(shape, seeded())
            assert (sample.shape, sample.dtype) == ((*shape, *batch, dim), dtype)
            (gradient,) = torch.autograd.grad(sample.sum(), kappa)
            assert gradient.shape == batch
            assert gradient.isfinite().all()
    drawn = (VonMisesFisher(loc, 2.0).sample((4,), seeded()) for loc in (several, column))
    torch.testing.assert_close(*drawn)


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_sample_has_no_gradient_and_the_values_of_rsample(dim):
    loc = direction("random", dim).requires_grad_()
    law = VonMisesFisher(loc, torch.tensor(3.0, dtype=torch.float64, requires_grad=True))
    sample = law.sample((10,), seeded())
    assert not sample.requires_grad
    assert torch.equal(sample, law.rsample((10,), seeded()))


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_generator(dim):
    """The same seed gives the same sample, and the global state is left alone; without one it is used."""
    law, state = VonMisesFisher(direction("random", dim), 3.0), torch.get_rng_state()
    first = law.sample((10,), seeded(1))
    assert torch.equal(first, law.sample((10,), seeded(1)))
    assert not torch.equal(first, law.sample((10,), seeded(2)))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    unseeded = law.sample((10,))
    torch.manual_seed(5)
    assert torch.equal(unseeded, law.sample((10,)))


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_nan_concentration_returns_nan(dim):
    """An unchecked NaN neither hangs the sampler nor reaches the other elements."""
    kappa = torch.tensor([1.0, math.nan])
    law = VonMisesFisher(direction("random", dim, torch.float32), kappa, validate_args=False)
    assert law.sample((3,)).isnan().all(-1).tolist() == [[False, True]] * 3


def step(raw, kappa):
    """What a training step may do: sample, density and both divergences."""
    law = VonMisesFisher(torch.nn.functional.normalize(raw, dim=-1), kappa, validate_args=False)
    prior = HypersphericalUniform(raw.shape[-1], dtype=raw.dtype, validate_args=False)
    sample = law.rsample()
    return (sample[..., 0] + law.log_prob(sample) + kl_divergence(law, prior) + kl_divergence(prior, law)).sum()


def everything(raw, kappa):
    """Each differentiable function of the law besides."""
    law = VonMisesFisher(torch.nn.functional.normalize(raw, dim=-1), kappa, validate_args=False)
    moments = law.mean.sum() + law.variance.sum() + law.covariance_matrix.sum()
    return step(raw, kappa) + moments + (law.entropy() + kl_divergence(law, law.expand(law.batch_shape))).sum()


def arguments(dim, dtype=torch.float32):
    raw = torch.randn(50, dim, dtype=dtype, generator=seeded())
    return raw.requires_grad_(), torch.linspace(0, 100, 50, dtype=dtype).requires_grad_()


@pytest.mark.parametrize("dim", [2, 3, 8, 64])
def test_no_host_round_trip(dim):
    with Recorder() as recorder:
        everything(*arguments(dim)).backward()
    assert {"uniform_", "normal_", "exponential_", "exp"} & recorder.operators
    waiting = {"_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "equal", "unique"}
    assert not waiting & recorder.operators
    assert not recorder.masked


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("dims", [(2,), (3,), (8,), (5, 6, 16)], ids=str)
def test_compiles_as_one_graph(dims):
    """Value and gradients equal those of the eager loss on the same random numbers, for both dtypes and several m."""
    torch._dynamo.reset()
    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for dim, dtype in itertools.product(dims, (torch.float32, torch.float64)):
        results = []
        for function in (step, compiled):
            inputs = arguments(dim, dtype)
            torch.manual_seed(0)
            value = function(*inputs)
            results.append((value.detach(), *torch.autograd.grad(value, inputs)))
        torch.testing.assert_close(*results)
