"""The product law against its factors, one by one, and against quadrature on small spheres."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence
from torch.nn.functional import normalize

from spherical_gae.core import (
    HypersphericalUniform,
    PowerSpherical,
    ProductOfSpheres,
    ProjectedNormal,
    SphericalMixture,
    VonMisesFisher,
    sampled_entropy,
    sampled_kl,
)
from tests.helpers.factors import make, one_by_one, von_mises_fisher
from tests.helpers.places import DTYPES, seeded

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


def test_repr() -> None:
    law = ProductOfSpheres(von_mises_fisher((3,), 2, 4, torch.float64))
    assert repr(law) == "ProductOfSpheres(VonMisesFisher(loc: (3, 2, 4), concentration: (3, 2)))"


@pytest.mark.parametrize("kind", [PowerSpherical, VonMisesFisher], ids=lambda kind: kind.__name__)
def test_factors_of_every_kind(kind: type) -> None:
    """Density, entropy and covariance are those of the factors one by one; samples have the covariance."""
    loc = torch.nn.functional.normalize(torch.randn(2, 3, dtype=torch.float64, generator=seeded(5)), dim=-1)
    factors = kind(loc, torch.tensor([3.0, 9.0], dtype=torch.float64))
    law = ProductOfSpheres(factors)
    samples = law.sample((200_000,), seeded(6))
    blocks = samples.unflatten(-1, (2, 3))
    torch.testing.assert_close(law.log_prob(samples[:5]), factors.log_prob(blocks[:5]).sum(-1))
    torch.testing.assert_close(law.entropy(), factors.entropy().sum())
    assert torch.equal(law.covariance_matrix, torch.block_diag(*factors.covariance_matrix))
    assert torch.equal(law.covariance_matrix.diagonal(), law.variance)
    torch.testing.assert_close(samples.T.cov(), law.covariance_matrix, rtol=0, atol=5e-3)
    batch = ProductOfSpheres(factors.expand((4, 2))).covariance_matrix
    assert torch.equal(batch, law.covariance_matrix.expand(4, 6, 6))


def test_projected_normals_as_factors() -> None:
    factors = ProjectedNormal(torch.ones(2, 3), torch.tensor([0.1, 0.5, 1.0]))
    law = ProductOfSpheres(factors)
    assert law.rsample((4,)).unflatten(-1, (2, 3)).norm(dim=-1).sub(1).abs().max() < 1e-6
    assert law.mean.shape == (6,)


def test_estimates_by_draws_are_sums_over_factors():
    """Of projected normals there is no closed form: the draws that are decoded count, and no others."""
    torch.manual_seed(0)
    factors = ProjectedNormal(torch.randn(4, 2, 3), torch.rand(4, 2, 3) + 0.1)
    law, uniform = ProductOfSpheres(factors), ProductOfSpheres(HypersphericalUniform(3).expand((2,)))
    z = law.rsample((5,))
    state = torch.get_rng_state()
    kl, entropy = sampled_kl(law, uniform, z), sampled_entropy(law, z)
    assert torch.equal(torch.get_rng_state(), state)
    expected = factors.sampled_kl_to_uniform(z.unflatten(-1, (2, 3))).sum(-1)
    assert kl.shape == (5, 4)
    torch.testing.assert_close(kl, expected)
    torch.testing.assert_close(entropy, 2 * math.log(4 * math.pi) - expected)
    three = ProductOfSpheres(HypersphericalUniform(3).expand((3,)))
    with pytest.raises(ValueError, match="both laws must have as many factors, got 2 and 3"):
        sampled_kl(law, three, z)


def test_other_spheres_are_refused_where_no_divergence_is_registered():
    points = VonMisesFisher(torch.eye(3)[:2], 5.0)
    product = ProductOfSpheres(points)
    with pytest.raises(ValueError, match="both laws must be on as many spheres, got 2 and 1"):
        sampled_kl(product, HypersphericalUniform(6, validate_args=False), product.sample())
    components = VonMisesFisher(torch.eye(3), 5.0)
    mixture = SphericalMixture(Categorical(torch.ones(3)), components, validate_args=False)
    other = VonMisesFisher(torch.eye(4)[0], 5.0)
    with pytest.raises(ValueError, match=r"both laws must have the same event shape, got \(4,\) and \(3,\)"):
        sampled_kl(other, mixture, other.sample())
