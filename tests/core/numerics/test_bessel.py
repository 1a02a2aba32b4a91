"""The two regimes of the Bessel ratio and logarithm, densely in kappa, and the seams between them."""

from __future__ import annotations

import pytest
import torch
from mpmath import mpf

from spherical_gae.core.numerics.bessel import EXPANSION, log_terms, ratio_terms
from tests.helpers.reference import reference

# Half of what test_special.py accepts at the cells of the table; see there for how errors are measured.
TOLERANCE = {torch.float32: 5e-6, torch.float64: 1e-13}
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def exact_terms(dim, kappa):
    exact, kappa = reference(dim, kappa), mpf(kappa)
    length = exact.mean_resultant_length
    return {
        "length": length,
        "deficit": 1 - length,
        "slope": exact.slope,
        "ratio": length / kappa,
        "log_hyp0f1": exact.log_hyp0f1,
        "log_peak_ratio": kappa - exact.log_hyp0f1,
        "kl": exact.kl,
    }


def computed_terms(dim, kappa):
    terms = {**ratio_terms(kappa, dim)._asdict(), **log_terms(kappa, dim)._asdict()}
    return {name: values.tolist() for name, values in terms.items()}


def worst_error(dim, kappa):
    computed = computed_terms(dim, kappa)
    return max(
        (float(abs(computed[name][i] / value - 1)), name, k)
        for i, k in enumerate(kappa.tolist())
        for name, value in exact_terms(dim, k).items()
    )


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 7, 26, 27, 28, 29, 30, 64, 65, 66, 67, 300, 5000])
def test_every_term_over_ten_decades(dim, dtype):
    """Dimensions 28 and 66 are the first without recurrence in float32 and float64."""
    kappa = torch.logspace(-6, 4, 41, dtype=dtype)
    error, name, where = worst_error(dim, kappa)
    assert error < TOLERANCE[dtype], (name, where)


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 5, 16, 27, 65])
def test_no_jump_where_kappa_leaves_the_recurrence(dim, dtype):
    """A step across the threshold changes each term by what it should, within 100 roundings."""
    threshold = EXPANSION[dtype][0]
    kappa = torch.tensor([threshold * (1 - 1e-6), threshold, threshold * (1 + 1e-6)], dtype=dtype)
    computed = computed_terms(dim, kappa)
    left, middle, right = (exact_terms(dim, k) for k in kappa.tolist())
    for name, values in computed.items():
        scale = 100 * torch.finfo(dtype).eps * abs(middle[name])
        assert abs((values[2] - values[0]) - (right[name] - left[name])) < scale, name
        assert abs(values[1] - middle[name]) < scale, name


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 5, 16, 27, 65])
def test_no_jump_in_the_derivative_of_the_slope(dim, dtype):
    """A'' = -2 A A' - (m - 1) (A' - A / kappa) / kappa, the highest derivative the package takes."""
    threshold = EXPANSION[dtype][0]
    kappa = torch.tensor([threshold * (1 - 1e-6), threshold, threshold * (1 + 1e-6)], dtype=dtype, requires_grad=True)
    (second,) = torch.autograd.grad(ratio_terms(kappa, dim).slope.sum(), kappa)
    for k, got in zip(kappa.tolist(), second.tolist(), strict=True):
        exact = reference(dim, k)
        length, slope = exact.mean_resultant_length, exact.slope
        expected = -2 * length * slope - (dim - 1) * (slope - length / mpf(k)) / mpf(k)
        assert abs(got / expected - 1) < 2 * TOLERANCE[dtype]


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 27, 64, 65, 66, 1000])
def test_at_zero_every_term_is_exact(dim, dtype):
    zero = torch.zeros(1, dtype=dtype)
    ratio, log = ratio_terms(zero, dim), log_terms(zero, dim)
    assert (ratio.length.item(), ratio.deficit.item()) == (0, 1)
    assert [term.item() for term in log] == [0, 0, 0]
    torch.testing.assert_close(ratio.slope, torch.full_like(zero, 1 / dim))
    torch.testing.assert_close(ratio.ratio, torch.full_like(zero, 1 / dim))
