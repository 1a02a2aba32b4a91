"""The product law against its factors, one by one, and against quadrature on small spheres."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn.functional import normalize

from spherical_gae.core import HypersphericalUniform, ProductOfSpheres, VonMisesFisher
from tests.helpers.factors import make, one_by_one, von_mises_fisher
from tests.helpers.places import DTYPES, seeded
from tests.helpers.sphere_quadrature import circle, sphere

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
BATCHES = pytest.mark.parametrize("batch", [(), (3,)], ids=["no_batch", "batch"])
LAWS = pytest.mark.parametrize("law", ["vmf", "uniform"])


def points(shape: tuple[int, ...], num_factors: int, dim: int, dtype: torch.dtype) -> Tensor:
    noise = torch.randn(*shape, num_factors, dim, dtype=torch.float64, generator=seeded(9))
    return normalize(noise, dim=-1).to(dtype).flatten(-2)


@LAWS
@BATCHES
@DTYPES
@pytest.mark.parametrize(("num_factors", "dim"), [(1, 3), (2, 5), (4, 2)])
def test_log_densities_and_entropies_add_up(
    law: str, batch: tuple[int, ...], dtype: torch.dtype, num_factors: int, dim: int
) -> None:
    factors = make(law, batch, num_factors, dim, dtype)
    product, singles = ProductOfSpheres(factors), one_by_one(factors)
    assert (product.batch_shape, product.event_shape) == (batch, (num_factors * dim,))
    x = points((6, *batch), num_factors, dim, dtype)
    density = sum(p.log_prob(x[..., k * dim : (k + 1) * dim]) for k, p in enumerate(singles))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    torch.testing.assert_close(product.log_prob(x), density, **close)
    assert product.log_prob(x).shape == (6, *batch)
    torch.testing.assert_close(product.entropy(), sum(p.entropy() for p in singles), **close)


def test_on_ordinary_spheres_in_closed_form() -> None:
    """On S^2: log C = log(kappa / (4 pi sinh kappa)), A = coth kappa - 1 / kappa, entropy = -log C - kappa A."""
    kappa = torch.tensor([2.0, 5.0], dtype=torch.float64)
    product = ProductOfSpheres(VonMisesFisher(torch.eye(3, dtype=torch.float64)[:2], kappa))
    normalizer = (kappa / (4 * math.pi * kappa.sinh())).log()
    length = 1 / kappa.tanh() - 1 / kappa
    # Cosines .6 and -1 with the mean directions, the first and the second axis.
    x = torch.tensor([0.6, 0.0, -0.8, 0.0, -1.0, 0.0], dtype=torch.float64)
    density = normalizer.sum() + 2.0 * 0.6 - 5.0
    close = {"rtol": 1e-12, "atol": 0}
    torch.testing.assert_close(product.log_prob(x), density, **close)
    torch.testing.assert_close(product.entropy(), -(normalizer + kappa * length).sum(), **close)
    uniform = ProductOfSpheres(HypersphericalUniform(3, torch.float64).expand((2,)))
    divergence = (normalizer + kappa * length).sum() + 2 * math.log(4 * math.pi)
    torch.testing.assert_close(kl_divergence(product, uniform), divergence, **close)
    torch.testing.assert_close(uniform.entropy(), torch.tensor(2 * math.log(4 * math.pi), dtype=torch.float64), **close)


def test_moments_and_mode_on_ordinary_spheres() -> None:
    """Along mu the variance is A' = 1 / kappa^2 - 1 / sinh^2 kappa, across it A / kappa."""
    kappa = torch.tensor([2.0, 5.0], dtype=torch.float64)
    product = ProductOfSpheres(VonMisesFisher(torch.eye(3, dtype=torch.float64)[:2], kappa))
    length = (1 / kappa.tanh() - 1 / kappa).tolist()
    along, across = (1 / kappa**2 - 1 / kappa.sinh() ** 2).tolist(), [length[0] / 2, length[1] / 5]
    assert product.mean.tolist() == pytest.approx([length[0], 0, 0, 0, length[1], 0], rel=1e-12)
    expected = [along[0], across[0], across[0], across[1], along[1], across[1]]
    assert product.variance.tolist() == pytest.approx(expected, rel=1e-12)
    assert product.mode.tolist() == [1, 0, 0, 0, 1, 0]


@LAWS
@BATCHES
@DTYPES
def test_mean_and_variance_are_the_factors_one_after_the_other(
    law: str, batch: tuple[int, ...], dtype: torch.dtype
) -> None:
    factors = make(law, batch, 4, 3, dtype)
    product, singles = ProductOfSpheres(factors), one_by_one(factors)
    torch.testing.assert_close(product.mean, torch.cat([p.mean for p in singles], dim=-1))
    torch.testing.assert_close(product.variance, torch.cat([p.variance for p in singles], dim=-1))
    assert product.mean.shape == product.variance.shape == (*batch, 12)
    # |x|^2 = K on the product: the variances and the squared means add up to it.
    total = (product.variance + product.mean.square()).sum(-1)
    torch.testing.assert_close(total, torch.full(batch, 4.0, dtype=dtype))
    if law == "vmf":
        assert torch.equal(product.mode, factors.loc.flatten(-2))


@pytest.mark.parametrize(("dim", "rule"), [(2, circle(80)), (3, sphere(13))], ids=["circles", "spheres"])
def test_density_entropy_and_divergences_by_quadrature(dim: int, rule: tuple[Tensor, Tensor]) -> None:
    """Integrals over all pairs of points of two spheres, which know nothing of sums over factors."""
    x, weight = rule
    pairs = torch.cat([x.repeat_interleave(len(x), 0), x.repeat(len(x), 1)], dim=-1)
    weights = weight.repeat_interleave(len(x)) * weight.repeat(len(x))
    locs = normalize(torch.randn(2, 2, dim, dtype=torch.float64, generator=seeded(1)), dim=-1)
    kappas = torch.tensor([[2.0, 4.0], [3.0, 0.5]], dtype=torch.float64)
    laws = [ProductOfSpheres(VonMisesFisher(loc, kappa)) for loc, kappa in zip(locs, kappas, strict=True)]
    laws.append(ProductOfSpheres(HypersphericalUniform(dim, torch.float64).expand((2,))))
    logs = [law.log_prob(pairs) for law in laws]
    for p, log_p in zip(laws, logs, strict=True):
        measure = weights * log_p.exp()
        assert measure.sum().item() == pytest.approx(1, abs=1e-9)
        assert -(measure @ log_p).item() == pytest.approx(p.entropy().item(), abs=1e-8)
        for k, coordinate in enumerate(p.mean.tolist()):
            assert (measure @ pairs[:, k]).item() == pytest.approx(coordinate, abs=1e-9)
        for q, log_q in zip(laws, logs, strict=True):
            assert (measure @ (log_p - log_q)).item() == pytest.approx(kl_divergence(p, q).item(), abs=1e-8)


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_mean_density_ratio_is_one(dim: int) -> None:
    """E_q[p / q] = 1 for samples of q within 5 standard errors: samples and density belong together."""
    size, locs = 20_000, normalize(torch.randn(3, dim, dtype=torch.float64, generator=seeded(2)), dim=-1)
    q = ProductOfSpheres(VonMisesFisher(locs, torch.tensor([1.5, 2.5, 0.5], dtype=torch.float64)))
    tilted = normalize(locs + 0.3 * locs.roll(1, 0), dim=-1)
    p = ProductOfSpheres(VonMisesFisher(tilted, torch.tensor([2.0, 2.0, 1.0], dtype=torch.float64)))
    x = q.sample((size,), seeded(3))
    ratio = (p.log_prob(x) - q.log_prob(x)).exp()
    assert ratio.std() > 0.3
    assert abs(ratio.mean().item() - 1) < 5 * ratio.std().item() / math.sqrt(size)


@LAWS
@BATCHES
@DTYPES
@pytest.mark.parametrize("sample_shape", [(), (50,), (5, 2)])
def test_samples_are_those_of_the_factors(
    law: str, batch: tuple[int, ...], dtype: torch.dtype, sample_shape: tuple[int, ...]
) -> None:
    factors = make(law, batch, 4, 3, dtype)
    product, state = ProductOfSpheres(factors), torch.get_rng_state()
    expected = factors.rsample(sample_shape, seeded(5))
    for draw in (product.rsample, product.sample):
        x = draw(sample_shape, seeded(5))
        assert (x.shape, x.dtype) == ((*sample_shape, *batch, 12), dtype)
        for k in range(4):
            assert torch.equal(x[..., 3 * k : 3 * k + 3], expected[..., k, :])
            norms = x[..., 3 * k : 3 * k + 3].norm(dim=-1)
            torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-5)
        assert not torch.equal(x, draw(sample_shape, seeded(6)))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(7)
    first = product.sample()
    torch.manual_seed(7)
    assert torch.equal(product.sample(), first)


def test_blocks_of_a_sample_are_independent() -> None:
    """Cosines with the mean directions: means A within 5 standard errors, no correlation across factors."""
    size, dim = 20_000, 3
    kappa = torch.full((3,), 4.0, dtype=torch.float64)
    locs = normalize(torch.ones(3, dim, dtype=torch.float64), dim=-1)
    x = ProductOfSpheres(VonMisesFisher(locs, kappa)).sample((size,), seeded(0))
    cosines = (x.unflatten(-1, (3, dim)) * locs).sum(-1)
    error = cosines.std(0) / math.sqrt(size)
    assert ((cosines.mean(0) - (1 / math.tanh(4) - 1 / 4)).abs() < 5 * error).all()
    correlation = x.t().corrcoef()
    for k in range(3):
        for j in range(k):
            block = correlation[k * dim : (k + 1) * dim, j * dim : (j + 1) * dim]
            assert block.abs().max() < 5 / math.sqrt(size)


@DTYPES
@pytest.mark.parametrize("chosen", range(3))
def test_gradient_reaches_the_loc_and_concentration_of_its_factor_only(dtype: torch.dtype, chosen: int) -> None:
    raw = torch.randn(5, 3, 4, dtype=dtype, generator=seeded(1)).requires_grad_()
    kappa = torch.full((5, 3), 2.0, dtype=dtype, requires_grad=True)
    weight = torch.randn(4, dtype=dtype, generator=seeded(2))

    def gradients(sample: Callable[[VonMisesFisher], Tensor]) -> tuple[Tensor, ...]:
        law = VonMisesFisher(normalize(raw, dim=-1), kappa)
        return torch.autograd.grad((sample(law) @ weight).sum(), (raw, kappa))

    block = slice(4 * chosen, 4 * chosen + 4)
    by_product = gradients(lambda law: ProductOfSpheres(law).rsample((), seeded(3))[..., block])
    by_factors = gradients(lambda law: law.rsample((), seeded(3))[:, chosen])
    others = [k for k in range(3) if k != chosen]
    for actual, expected in zip(by_product, by_factors, strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=0)
        assert (actual[:, chosen] != 0).all()
        assert (actual[:, others] == 0).all()
    law = ProductOfSpheres(VonMisesFisher(normalize(raw, dim=-1), kappa))
    assert law.rsample().requires_grad
    assert not law.sample().requires_grad


def test_divergence_and_density_are_differentiable_in_every_factor() -> None:
    raw = torch.randn(2, 3, 4, dtype=torch.float64, generator=seeded(1)).requires_grad_()
    kappa = torch.tensor([[0.5, 3.0, 40.0]] * 2, dtype=torch.float64, requires_grad=True)
    x = points((2,), 3, 4, torch.float64)
    other = ProductOfSpheres(von_mises_fisher((2,), 3, 4, torch.float64))

    def values(raw: Tensor, kappa: Tensor) -> tuple[Tensor, ...]:
        law = ProductOfSpheres(VonMisesFisher(normalize(raw, dim=-1), kappa, validate_args=False), validate_args=False)
        return law.log_prob(x), law.entropy(), kl_divergence(law, other)

    assert torch.autograd.gradcheck(values, (raw, kappa))


@LAWS
@DTYPES
def test_expand(law: str, dtype: torch.dtype) -> None:
    product = ProductOfSpheres(make(law, (3,), 2, 3, dtype), validate_args=True)
    wider = product.expand((4, 3))
    assert isinstance(wider, ProductOfSpheres)
    assert (wider.batch_shape, wider.event_shape, wider.num_factors) == ((4, 3), (6,), 2)
    assert wider.factors.batch_shape == (4, 3, 2)
    x = points((4, 3), 2, 3, dtype)
    torch.testing.assert_close(wider.log_prob(x), product.log_prob(x))
    torch.testing.assert_close(wider.entropy(), product.entropy().expand(4, 3))
    torch.testing.assert_close(wider.mean, product.mean.expand(4, 3, 6))
    sample = wider.rsample((2,))
    assert sample.shape == (2, 4, 3, 6)
    assert not torch.equal(sample[:, 0], sample[:, 1])
    with pytest.raises(ValueError, match="UnitBlocks"):
        wider.log_prob(2 * x)
    assert ProductOfSpheres(make(law, (), 2, 3, dtype)).expand((5,)).sample().shape == (5, 6)


@LAWS
def test_points_broadcast_with_the_batch(law: str) -> None:
    product = ProductOfSpheres(make(law, (3,), 2, 4, torch.float64))
    x = points((5, 1), 2, 4, torch.float64)
    density = product.log_prob(x)
    assert density.shape == (5, 3)
    torch.testing.assert_close(density, product.log_prob(x.expand(5, 3, 8)))
    torch.testing.assert_close(product.log_prob(x[0, 0]), density[0])
    torch.testing.assert_close(Independent(product, 1).log_prob(x), density.sum(-1))


@LAWS
def test_block_off_its_sphere_is_refused(law: str) -> None:
    """Even if the norm of the whole, here sqrt(2), is that of the product."""
    product = ProductOfSpheres(make(law, (), 2, 3, torch.float64), validate_args=True)
    good = torch.tensor([0.6, 0.8, 0.0, 0.0, 0.0, -1.0], dtype=torch.float64)
    assert product.log_prob(good).isfinite()
    assert product.support.check(good.expand(3, 6)).tolist() == [True] * 3
    for first, second in ((0.8, math.sqrt(1.36)), (1.0, 1.001), (0.0, 1.0), (1.0, math.nan)):
        bad = good * torch.tensor([first] * 3 + [second] * 3)
        assert not product.support.check(bad)
        with pytest.raises(ValueError, match=r"within the support \(UnitBlocks\(\)\)"):
            product.log_prob(bad)
        # One bad point among good ones is found.
        assert product.support.check(torch.stack([good, bad])).tolist() == [True, False]
    # Unit blocks of another length.
    with pytest.raises(ValueError, match="UnitBlocks"):
        product.log_prob(torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], dtype=torch.float64))


@LAWS
def test_point_of_the_wrong_width_is_refused(law: str) -> None:
    product = ProductOfSpheres(make(law, (), 2, 3, torch.float64), validate_args=True)
    for width in (3, 5, 9):
        with pytest.raises(ValueError, match="must match event_shape"):
            product.log_prob(torch.ones(width, dtype=torch.float64) / math.sqrt(3))


def test_without_validation_the_formula_is_evaluated_anywhere() -> None:
    factors = HypersphericalUniform(3, torch.float64, validate_args=False).expand((2,))
    off = torch.zeros(6, dtype=torch.float64)
    density = ProductOfSpheres(factors, validate_args=False).log_prob(off)
    assert density.item() == pytest.approx(-2 * math.log(4 * math.pi))
    with pytest.raises(ValueError, match="UnitBlocks"):
        ProductOfSpheres(factors, validate_args=True).log_prob(off)


@BATCHES
@DTYPES
@pytest.mark.parametrize("pair", [("vmf", "vmf"), ("vmf", "uniform"), ("uniform", "vmf"), ("uniform", "uniform")])
def test_divergence_is_the_sum_of_the_factors(
    batch: tuple[int, ...], dtype: torch.dtype, pair: tuple[str, str]
) -> None:
    first, second = make(pair[0], batch, 3, 5, dtype), make(pair[1], batch, 3, 5, dtype, seed=1)
    expected = sum(kl_divergence(p, q) for p, q in zip(one_by_one(first), one_by_one(second), strict=True))
    divergence = kl_divergence(ProductOfSpheres(first), ProductOfSpheres(second))
    assert divergence.shape == batch
    torch.testing.assert_close(divergence, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert (divergence > 0.5).all() or pair == ("uniform", "uniform")
    assert kl_divergence(ProductOfSpheres(first), ProductOfSpheres(first)).eq(0).all()


def test_divergences_broadcast_over_batches() -> None:
    law = ProductOfSpheres(von_mises_fisher((3,), 2, 4, torch.float64))
    prior = ProductOfSpheres(HypersphericalUniform(4, torch.float64).expand((2,)))
    assert prior.batch_shape == ()
    for p, q in ((law, prior), (prior, law)):
        expected = kl_divergence(p.expand((3,)), q.expand((3,)))
        torch.testing.assert_close(kl_divergence(p, q), expected)
        torch.testing.assert_close(kl_divergence(p, q.expand((5, 3))), expected.expand(5, 3))
    assert kl_divergence(prior.expand((5, 1)), prior.expand((3,))).tolist() == [[0] * 3] * 5
    together = kl_divergence(Independent(law, 1), Independent(prior.expand((3,)), 1))
    torch.testing.assert_close(together, kl_divergence(law, prior).sum())


@pytest.mark.parametrize("pair", [("vmf", "vmf"), ("vmf", "uniform"), ("uniform", "vmf"), ("uniform", "uniform")])
def test_divergence_of_different_products_is_refused(pair: tuple[str, str]) -> None:
    p = ProductOfSpheres(make(pair[0], (), 2, 3, torch.float64))
    # A single factor would broadcast; three circles have as many coordinates as two spheres.
    for num_factors, dim in ((1, 3), (3, 3), (3, 2)):
        q = ProductOfSpheres(make(pair[1], (), num_factors, dim, torch.float64))
        with pytest.raises(ValueError, match=f"as many factors, got 2 and {num_factors}"):
            kl_divergence(p, q)
    with pytest.raises(ValueError, match="one sphere, got dimensions 3 and 4"):
        kl_divergence(p, ProductOfSpheres(make(pair[1], (), 2, 4, torch.float64)))


def test_other_factors_are_refused() -> None:
    for factors in (Normal(torch.zeros(2), torch.ones(2)), ProductOfSpheres(HypersphericalUniform(3).expand((2,)))):
        with pytest.raises(TypeError, match=f"VonMisesFisher or HypersphericalUniform, got {type(factors).__name__}"):
            ProductOfSpheres(factors)
    for factors in (HypersphericalUniform(3), VonMisesFisher(torch.tensor([1.0, 0.0]), 1.0)):
        with pytest.raises(
            ValueError, match=r"last batch axis that counts the factors, at least one, got batch shape \(\)"
        ):
            ProductOfSpheres(factors)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))], ids=["copy", "pickle"])
def test_copies(clone: Callable[[ProductOfSpheres], ProductOfSpheres]) -> None:
    law = ProductOfSpheres(von_mises_fisher((3,), 2, 4, torch.float64))
    copied = clone(law)
    assert (copied.batch_shape, copied.event_shape, repr(copied)) == ((3,), (8,), repr(law))
    assert repr(law) == "ProductOfSpheres(VonMisesFisher(loc: (3, 2, 4), concentration: (3, 2)))"
    assert torch.equal(copied.sample((2,), seeded(1)), law.sample((2,), seeded(1)))
