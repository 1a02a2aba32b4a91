"""Maximum likelihood: its equation, its score, and the truth within the error of the estimate."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from scipy import stats

from spherical_gae.core import HypersphericalUniform, VonMisesFisher
from spherical_gae.core.fit import fit_von_mises_fisher, invert_deficit
from tests.helpers.places import direction, directions, seeded
from tests.helpers.reference import reference

DIMS = (2, 3, 10, 200, 5000)
CONCENTRATIONS = (0.01, 1.0, 50.0, 1e5, 1e8)


def pair(dim, deficit):
    """Two samples about the first axis, whose mean has length 1 - deficit: a small one keeps its digits in the sine."""
    sine = math.sqrt(deficit * (2 - deficit))
    samples = torch.zeros(2, dim, dtype=torch.float64)
    samples[:, 0], samples[:, 1] = 1 - deficit, torch.tensor([sine, -sine], dtype=torch.float64)
    return samples


def exact_deficit(dim, kappa):
    """1 - A; where the power series is long, by mpmath's own Bessel functions."""
    if kappa < 1e6:
        return 1 - reference(dim, kappa).mean_resultant_length
    return 1 - mp.besseli(mpf(dim) / 2, kappa) / mp.besseli(mpf(dim) / 2 - 1, kappa)


def equation_errors(dim, concentration):
    """Of A_m(kappa) = R: the error in A, that of 1 - A over itself, and that of kappa over the true one."""
    exact = exact_deficit(dim, concentration)
    loc, kappa = fit_von_mises_fisher(pair(dim, float(exact)))
    assert torch.equal(loc, direction("e1", dim))
    error = abs(exact_deficit(dim, kappa.item()) - exact)
    return float(error), float(error / exact), abs(kappa.item() / concentration - 1)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_solves_its_equation(dim, concentration):
    """Relative in 1 - A as well, so that concentrated samples keep the digits that R = 1 - 1e-8 would lose."""
    in_length, in_deficit, _ = equation_errors(dim, concentration)
    assert in_length < 1e-12
    assert in_deficit < 1e-12


@pytest.mark.parametrize("dim", DIMS)
def test_all_concentrations_at_once(dim):
    """The steps end when none of them needs one more; a deficit of 1 is a concentration of 0."""
    kappa = torch.tensor(CONCENTRATIONS, dtype=torch.float64)
    deficit = torch.tensor([*(float(exact_deficit(dim, value)) for value in CONCENTRATIONS), 1.0], dtype=torch.float64)
    found = invert_deficit(deficit, dim)
    # kappa m of a deficit that is rounded: 1 - A(.01) = 1 - .01 / m.
    torch.testing.assert_close(found[:-1], kappa, rtol=1e-12, atol=5e-16 * dim)
    assert found[-1] == 0


@pytest.mark.parametrize("concentration", [1e5, 1e8, 1e11])
def test_concentrated_samples_in_any_direction(concentration):
    """The rounding of samples is 1e-16 beside distances of kappa^-1/2: 1 - R keeps more than its square root."""
    samples = VonMisesFisher(direction("random", 10), concentration).sample((1000,), seeded())
    loc, kappa = fit_von_mises_fisher(samples)
    exact = [[mpf(x) for x in row] for row in samples.tolist()]
    exact = [[x / sum(y * y for y in row) ** 0.5 for x in row] for row in exact]
    deficit = 1 - sum((sum(column) / 1000) ** 2 for column in zip(*exact, strict=True)) ** 0.5
    # 1 - A = (m - 1) / (2 kappa) - (m - 1) (m - 3) / (8 kappa^2) + ..., inverted.
    expected = 9 / (2 * deficit) - mpf(7) / 4
    assert abs(kappa.item() / expected - 1) < 1e-15 * math.sqrt(concentration) + 10 / concentration**2
    assert loc.norm().item() == pytest.approx(1, abs=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3, 10, 200])
@pytest.mark.parametrize("concentration", [0.5, 20.0, 1e5])
def test_score_vanishes(dim, concentration):
    """The likelihood has no slope there in kappa and along the sphere, and is smaller around."""
    samples = VonMisesFisher(direction("random", dim), concentration).sample((500,), seeded())
    fitted = VonMisesFisher.fit(samples)
    loc, kappa = fitted.loc.clone().requires_grad_(), fitted.concentration.clone().requires_grad_()
    best = VonMisesFisher(loc, kappa).log_prob(samples).mean()
    of_loc, of_kappa = torch.autograd.grad(best, (loc, kappa))
    tangential = of_loc - (of_loc @ loc) * loc
    assert of_kappa.abs() < 1e-13
    assert tangential.norm() < 1e-13 * kappa
    noise = torch.randn(200, dim + 1, dtype=torch.float64, generator=seeded(1))
    # From a hundredth of the standard errors to a hundred of them.
    scale = torch.logspace(-2, 2, 200, dtype=torch.float64) / math.sqrt(500)
    error = (1 / reference(dim, kappa.item()).slope) ** 0.5
    other_kappa = (kappa + float(error) * scale * noise[:, 0]).abs()
    spread = fitted.mean_resultant_length.mul(kappa).rsqrt()
    other_loc = torch.nn.functional.normalize(loc + (spread * scale).unsqueeze(-1) * noise[:, 1:], dim=-1)
    for others in ((loc, other_kappa), (other_loc, kappa), (other_loc, other_kappa)):
        assert (VonMisesFisher(*others).log_prob(samples.unsqueeze(1)).mean(0) < best).all()


def standard_errors(dim, concentration, size=20_000):
    """The error of kappa over its asymptotic standard error, and the probability of a larger one of loc."""
    truth = VonMisesFisher(direction("random", dim), concentration)
    fitted = VonMisesFisher.fit(truth.sample((size,), seeded()))
    exact = reference(dim, concentration)
    of_kappa = (fitted.concentration.item() - concentration) * math.sqrt(size * exact.slope)
    # Along each of m - 1 tangents the variance is 1 / (n kappa A).
    square = (fitted.loc - truth.loc).square().sum().item() * size * concentration * float(exact.mean_resultant_length)
    return of_kappa, stats.chi2(dim - 1).sf(square)


@pytest.mark.parametrize(
    ("dim", "concentration"),
    [(2, 0.5), (2, 20.0), (2, 1e6), (3, 1.0), (3, 200.0), (10, 5.0), (10, 1e4), (200, 150.0), (200, 1e4)],
)
def test_finds_the_truth(dim, concentration):
    of_kappa, of_loc = standard_errors(dim, concentration)
    assert abs(of_kappa) < 5
    assert of_loc > 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64], ids=str)
def test_weights_are_repetitions(dtype):
    samples = VonMisesFisher(direction("random", 5), 3.0).sample((6,), seeded())
    counts = torch.tensor([3, 0, 1, 2, 5, 1])
    expected = fit_von_mises_fisher(samples.repeat_interleave(counts, 0))
    torch.testing.assert_close(fit_von_mises_fisher(samples, counts.to(dtype)), expected, rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(fit_von_mises_fisher(samples, 1000 * counts.to(dtype)), expected, rtol=1e-13, atol=1e-14)
    equal = fit_von_mises_fisher(samples, torch.ones(6, dtype=dtype))
    torch.testing.assert_close(equal, fit_von_mises_fisher(samples), rtol=1e-13, atol=1e-14)


def test_batches():
    """Each element of the batch is fitted on its own, with its own weights or those of all."""
    kappa = torch.tensor([[0.1, 3.0, 50.0], [1e3, 1e6, 1.0]], dtype=torch.float64)
    loc = torch.nn.functional.normalize(torch.randn(2, 3, 4, dtype=torch.float64, generator=seeded()), dim=-1)
    samples = VonMisesFisher(loc, kappa).sample((40,), seeded())
    weights = torch.rand(40, 2, 3, dtype=torch.float64, generator=seeded())
    for given in (None, weights[:, 0, 0], weights):
        fitted = VonMisesFisher.fit(samples, given)
        assert (fitted.batch_shape, fitted.event_shape) == ((2, 3), (4,))
        for i in range(2):
            for j in range(3):
                own = given[:, i, j] if given is weights else given
                one = fit_von_mises_fisher(samples[:, i, j], own)
                torch.testing.assert_close((fitted.loc[i, j], fitted.concentration[i, j]), one, rtol=1e-12, atol=1e-14)
    assert VonMisesFisher.fit(samples[:, :0]).batch_shape == (0, 3)


@pytest.mark.parametrize("concentration", [0.3, 20.0, 1e4])
@pytest.mark.parametrize("dim", [2, 10, 200])
def test_dtypes(dim, concentration):
    """float32 samples are fitted in float64, and the result rounded."""
    samples = VonMisesFisher(direction("random", dim, torch.float32), concentration).sample((100,), seeded())
    got, expected = fit_von_mises_fisher(samples), fit_von_mises_fisher(samples.double())
    for single, double in zip(got, expected, strict=True):
        assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
        torch.testing.assert_close(single, double.float(), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_arrays_are_tensors(dtype):
    samples, weights = directions(8, 2, 4, dtype=dtype), torch.rand(8, generator=seeded())
    expected = fit_von_mises_fisher(samples, weights)
    array = samples.numpy()
    backwards, swapped = array[::-1][::-1], array.astype(array.dtype.newbyteorder())
    frozen = array.copy()
    frozen.setflags(write=False)
    for given in (array, backwards, swapped, frozen):
        for weight in (weights, weights.numpy()):
            torch.testing.assert_close(fit_von_mises_fisher(given, weight), expected, rtol=0, atol=0)
    assert VonMisesFisher.fit(array).loc.dtype == dtype


def test_has_no_gradient():
    samples = direction("random", 3).expand(4, 3) * torch.tensor([[1], [1], [-1], [1]])
    fitted = VonMisesFisher.fit(samples.clone().requires_grad_(), torch.ones(4, requires_grad=True))
    assert not fitted.loc.requires_grad
    assert not fitted.concentration.requires_grad


@pytest.mark.parametrize("dim", [2, 3, 10, 200])
@pytest.mark.parametrize("place", ["e1", "random"])
def test_without_a_mean_it_is_uniform(dim, place):
    """Kappa is 0, up to rounding, and the direction the first axis, where the samples cancel exactly."""
    samples = torch.stack([direction(place, dim), -direction(place, dim)])
    loc, kappa = fit_von_mises_fisher(samples)
    assert torch.equal(loc, direction("e1", dim))
    assert 0 <= kappa < 1e-15 * dim


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_uniform_samples_give_a_small_concentration(dim):
    """n m R^2 has a chi-square law of m degrees, and kappa = m R at first order."""
    samples = HypersphericalUniform(dim, dtype=torch.float64).sample((20_000,), seeded())
    _, kappa = fit_von_mises_fisher(samples)
    assert 1e-4 < stats.chi2(dim).sf(20_000 * kappa.item() ** 2 / dim) < 1 - 1e-4


UNIT = torch.eye(3)


@pytest.mark.parametrize(
    ("samples", "weights", "error", "message"),
    [
        (UNIT * 1.1, None, ValueError, r"samples must be unit vectors, got a norm off by 0\.1"),
        (UNIT * math.nan, None, ValueError, "samples must be unit vectors, got a norm off by nan"),
        (UNIT[:0], None, ValueError, r"samples must have shape \[n, \.\.\., m\] with n >= 1 .*got \(0, 3\)"),
        (UNIT[0], None, ValueError, r"samples must have shape .*got \(3,\)"),
        (torch.ones(3, 1), None, ValueError, r"samples must have shape .*m >= 2, got \(3, 1\)"),
        (UNIT.long(), None, TypeError, r"samples must be float32 or float64, got torch\.int64"),
        (UNIT.half(), None, TypeError, r"samples must be float32 or float64, got torch\.float16"),
        (UNIT, [1.0, 1.0, 1.0], TypeError, "weights must be a tensor or an array, got list"),
        ([[1.0, 0.0]], None, TypeError, "samples must be a tensor or an array, got list"),
        (np.eye(3, dtype=np.int64), None, TypeError, r"samples must be float32 or float64, got torch\.int64"),
        (UNIT, torch.ones(2), ValueError, r"weights must have shape \(3,\) or \(3,\), got \(2,\)"),
        (UNIT, torch.ones(3, 1), ValueError, r"weights must have shape .*got \(3, 1\)"),
        (
            UNIT.expand(4, 3, 3),
            torch.ones(4, 2),
            ValueError,
            r"weights must have shape \(4,\) or \(4, 3\), got \(4, 2\)",
        ),
        (UNIT, torch.tensor([1.0, -1.0, 1.0]), ValueError, "weights must be finite, at least 0 and not all 0"),
        (UNIT, torch.zeros(3), ValueError, "weights must be finite, at least 0 and not all 0"),
        (UNIT, torch.tensor([1.0, math.nan, 1.0]), ValueError, "weights must be finite, at least 0 and not all 0"),
        (UNIT, torch.tensor([1.0, math.inf, 1.0]), ValueError, "weights must be finite, at least 0 and not all 0"),
        (UNIT[:1], None, ValueError, "samples must not all coincide"),
        (UNIT, torch.tensor([0.0, 1.0, 0.0]), ValueError, "samples must not all coincide"),
    ],
)
def test_wrong_arguments_are_named(samples, weights, error, message):
    for fit in (fit_von_mises_fisher, VonMisesFisher.fit):
        with pytest.raises(error, match=message):
            fit(samples, weights)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("dim", [2, 3, 10, 200])
def test_one_point_many_times(dim, dtype):
    """It is recognised although no point of the dtype has norm 1 exactly, as is one element of a batch."""
    point = direction("random", dim, dtype)
    with pytest.raises(ValueError, match="samples must not all coincide"):
        fit_von_mises_fisher(point.expand(7, dim))
    batch = torch.stack((point.expand(2, dim), torch.stack((point, -point))), 1)
    with pytest.raises(ValueError, match="samples must not all coincide"):
        fit_von_mises_fisher(batch)
