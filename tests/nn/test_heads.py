import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from spherical_gae import HypersphericalUniform, VonMisesFisher
from spherical_gae.core import ProductOfSpheres, sampled_kl
from spherical_gae.core.unit_vectors import unit_direction
from spherical_gae.nn import (
    LatentHead,
    NormalHead,
    ProductOfSpheresHead,
    VonMisesFisherHead,
)
from tests.helpers.heads import HEADS


def test_concentration_is_a_shifted_softplus_of_either_shape() -> None:
    direction, raw = torch.randn(5, 3), torch.linspace(-3, 30, 5)
    expected = torch.log1p(math.expm1(3 - 0.5) * raw.exp()) + 0.5  # 3, the dimension, at 0
    for concentration in (raw, raw[:, None]):
        law = VonMisesFisherHead(min_concentration=0.5)(direction, concentration)
        assert isinstance(law, VonMisesFisher)
        assert (law.batch_shape, law.event_shape) == ((5,), (3,))
        torch.testing.assert_close(law.concentration, expected)
        torch.testing.assert_close(law.loc, direction / direction.norm(dim=1, keepdim=True))


def test_batches_of_any_shape() -> None:
    law = VonMisesFisherHead()(torch.ones(2, 3, 4), torch.zeros(2, 3, 1))
    assert (law.batch_shape, law.event_shape) == ((2, 3), (4,))
    assert VonMisesFisherHead()(torch.ones(4), torch.zeros(())).batch_shape == ()


@HEADS
def test_token_latents(head: LatentHead) -> None:
    """Batches [B, L, m], as of image models: each token as by itself."""
    parameters = [torch.randn(2, 3, width) for width in head.parameter_widths(4)]
    law = head(*parameters)
    assert (law.batch_shape, law.event_shape) == ((2, 3), (4,))
    single = head(*(p[1, 2] for p in parameters))
    torch.testing.assert_close(head.center(law)[1, 2], head.center(single))
    z = law.sample()
    torch.testing.assert_close(law.log_prob(z)[1, 2], single.log_prob(z[1, 2]))
    assert sampled_kl(law, head.prior(law), z).shape == (2, 3)


@pytest.mark.parametrize("scale", [1e-45, 1e-38, 1e-30, 1e-4, 1.0, 1e10, 1e30, 1e38])
def test_direction_of_any_size_gets_unit_norm(scale: float) -> None:
    torch.manual_seed(0)
    direction = torch.randn(100, 8)
    direction /= direction.abs().amax(1, keepdim=True)
    scaled = direction * scale
    loc = VonMisesFisherHead()(scaled, torch.zeros(100)).loc
    torch.testing.assert_close(loc.norm(dim=1), torch.ones(100), rtol=0, atol=1e-6)
    if scale >= 1e-30:  # subnormal numbers have lost their digits
        torch.testing.assert_close(loc, direction / direction.norm(dim=1, keepdim=True), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-18, 1.0, 1e18])
def test_gradient_of_the_direction_is_that_of_normalising(scale: float) -> None:
    """d(v/|v|) . g = (g - (g.u) u) / |v|, where the plain norm under- or overflows."""
    torch.manual_seed(0)
    direction = (torch.randn(20, 5) * scale).requires_grad_()
    weight = torch.randn(20, 5)
    (gradient,) = torch.autograd.grad(unit_direction(direction), direction, weight)
    exact = direction.detach().double()
    size = exact.norm(dim=1, keepdim=True)
    unit = exact / size
    expected = (weight - (weight * unit).sum(1, keepdim=True) * unit) / size
    torch.testing.assert_close(gradient.double(), expected, rtol=1e-4, atol=1e-6 / scale)


def test_zero_direction_becomes_the_first_axis_with_finite_gradients() -> None:
    direction = torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]], requires_grad=True)
    raw = torch.zeros(2, requires_grad=True)
    law = VonMisesFisherHead()(direction, raw)
    assert law.loc.tolist() == [[1, 0, 0], [0, 1, 0]]
    torch.manual_seed(0)
    (law.rsample() @ torch.arange(3.0)).sum().backward()
    assert direction.grad.isfinite().all()
    assert torch.equal(direction.grad[0], torch.zeros(3))
    assert direction.grad[1].abs().max() > 0
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@HEADS
def test_half_precision_gives_float32_laws(head: LatentHead, dtype: torch.dtype) -> None:
    parameters = [torch.ones(4, width, dtype=dtype, requires_grad=True) for width in head.parameter_widths(4)]
    law = head(*parameters)
    sample = law.rsample()
    assert (law.mean.dtype, sample.dtype) == (torch.float32, torch.float32)
    (sample.sum() + kl_divergence(law, head.prior(law)).sum()).backward()
    assert all(parameter.grad.dtype == dtype and parameter.grad.isfinite().all() for parameter in parameters)


@HEADS
def test_float64_stays_float64(head: LatentHead) -> None:
    law = head(*(torch.ones(4, width, dtype=torch.float64) for width in head.parameter_widths(4)))
    assert kl_divergence(law, head.prior(law)).dtype == torch.float64


@pytest.mark.parametrize("minimum", [0.0, 1.0, 2.5])
def test_hugely_negative_concentration_is_the_minimum(minimum: float) -> None:
    raw = torch.full((4,), -1e4, requires_grad=True)
    direction = torch.eye(4).requires_grad_()
    head = VonMisesFisherHead(min_concentration=minimum)
    law = head(direction, raw)
    assert law.concentration.tolist() == [minimum] * 4
    kl = kl_divergence(law, head.prior(law))
    if minimum == 0:
        assert kl.tolist() == [0.0] * 4
    (kl.sum() + law.rsample().square().sum(-1).sum()).backward()
    assert raw.grad.isfinite().all()
    assert direction.grad.isfinite().all()


@pytest.mark.parametrize("raw", [-100.0, 0.0, 100.0, 1e10])
def test_uniform_minimum_has_finite_gradients(raw: float) -> None:
    concentration = torch.full((50,), raw, requires_grad=True)
    head = VonMisesFisherHead(min_concentration=0.0)
    law = head(torch.ones(50, 6), concentration)
    (kl_divergence(law, head.prior(law)).sum() + law.rsample().sum()).backward()
    assert concentration.grad.isfinite().all()


def test_prior_of_the_sphere() -> None:
    head = VonMisesFisherHead()
    law = head(torch.ones(5, 7, dtype=torch.float64), torch.zeros(5, dtype=torch.float64))
    prior = head.prior(law)
    assert isinstance(prior, HypersphericalUniform)
    assert (prior.dim, prior.batch_shape, prior.sample().dtype) == (7, (), torch.float64)
    assert head.parameter_widths(7) == (7, 1)
    assert "min_concentration=1.0, initial_concentration='dimension'" in repr(head)


def test_kl_on_the_ordinary_sphere_in_closed_form() -> None:
    """On S^2: C_3 = kappa / (4 pi sinh kappa) and A_3 = coth kappa - 1 / kappa."""
    raw = torch.tensor([-2.0, 0.0, 3.0, 20.0], dtype=torch.float64)
    head = VonMisesFisherHead(initial_concentration="paper")
    law = head(torch.ones(4, 3, dtype=torch.float64), raw)
    kappa = torch.log1p(raw.exp()) + 1
    expected = kappa / kappa.tanh() - 1 + (kappa / kappa.sinh()).log()
    torch.testing.assert_close(kl_divergence(law, head.prior(law)), expected, rtol=1e-12, atol=0)


def test_normal_head_by_the_textbook_formula() -> None:
    torch.manual_seed(0)
    mean, logstd = torch.randn(6, 4, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    head = NormalHead()
    law = head(mean, logstd)
    assert (law.batch_shape, law.event_shape) == ((6,), (4,))
    assert torch.equal(law.mean, mean)
    torch.testing.assert_close(law.stddev, logstd.exp())
    expected = 0.5 * (mean**2 + logstd.exp() ** 2 - 1 - 2 * logstd).sum(1)  # Kingma & Welling 2014, appendix B
    torch.testing.assert_close(kl_divergence(law, head.prior(law)), expected)
    assert head.prior(law).event_shape == (4,)
    assert head.parameter_widths(4) == (4, 4)


def test_log_standard_deviation_is_capped_at_ten() -> None:
    logstd = torch.tensor([[9.0, 10.0, 11.0, 1e6]])
    law = NormalHead()(torch.zeros(1, 4), logstd)
    torch.testing.assert_close(law.stddev, torch.tensor([[math.e**9, math.e**10, math.e**10, math.e**10]]))


@pytest.mark.parametrize("shape", [(5, 2), (4,), (4, 1), (1, 5), (5, 1, 1), ()])
def test_concentration_of_the_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"concentration must have shape \(5, 1\) or \(5,\) .*\(5, 3\), got"):
        VonMisesFisherHead()(torch.ones(5, 3), torch.ones(shape))


@pytest.mark.parametrize("shape", [(5, 1), (5,), (4, 3), (5, 4)])
def test_logstd_of_the_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"logstd must have .*\(5, 3\), got"):
        NormalHead()(torch.ones(5, 3), torch.ones(shape))


@pytest.mark.parametrize(
    ("head", "names"),
    [
        (VonMisesFisherHead(), "direction.*concentration"),
        (NormalHead(), "mean.*logstd"),
        (ProductOfSpheresHead(2), "directions.*concentrations"),
    ],
    ids=["vmf", "normal", "product"],
)
@pytest.mark.parametrize("count", [1, 3])
def test_other_than_two_parameters_are_refused(head: LatentHead, names: str, count: int) -> None:
    parameters: list[Tensor] = [torch.ones(5, 3)] * count
    with pytest.raises(ValueError, match=rf"the encoder must return .*{names}.* got {count} tensors"):
        head(*parameters)


@pytest.mark.parametrize("minimum", [-1e-9, float("inf"), float("nan")])
def test_minimum_out_of_range_is_refused(minimum: float) -> None:
    for make in (VonMisesFisherHead, lambda value: ProductOfSpheresHead(2, value)):
        with pytest.raises(ValueError, match=f"min_concentration must be finite and at least 0, got {minimum}"):
            make(minimum)


def test_direction_of_one_coordinate_is_refused() -> None:
    with pytest.raises(ValueError, match="m >= 2"):
        VonMisesFisherHead()(torch.ones(5, 1), torch.ones(5))


def test_product_of_spheres_is_a_von_mises_fisher_for_each_block() -> None:
    torch.manual_seed(0)
    directions, raw = torch.randn(5, 12), torch.linspace(-3, 30, 15).view(5, 3)
    law = ProductOfSpheresHead(3, min_concentration=0.5)(directions, raw)
    assert isinstance(law, ProductOfSpheres)
    assert (law.batch_shape, law.event_shape, law.num_factors) == ((5,), (12,), 3)
    for k in range(3):
        block = directions[:, 4 * k : 4 * k + 4]
        torch.testing.assert_close(law.mode[:, 4 * k : 4 * k + 4], block / block.norm(dim=1, keepdim=True))
        torch.testing.assert_close(
            law.factors.concentration[:, k], torch.log1p(math.expm1(4 - 0.5) * raw[:, k].exp()) + 0.5
        )


def test_product_of_one_sphere_is_the_sphere() -> None:
    torch.manual_seed(0)
    direction, raw = torch.randn(5, 4), torch.randn(5, 1)
    law, plain = (head(direction, raw) for head in (ProductOfSpheresHead(1), VonMisesFisherHead()))
    assert (law.batch_shape, law.event_shape) == (plain.batch_shape, plain.event_shape)
    assert torch.equal(law.mode, plain.loc)
    assert torch.equal(law.factors.concentration.squeeze(-1), plain.concentration)
    divergences = [
        kl_divergence(q, head.prior(q)) for q, head in ((law, ProductOfSpheresHead(1)), (plain, VonMisesFisherHead()))
    ]
    torch.testing.assert_close(*divergences)
    samples = [q.sample(generator=torch.Generator().manual_seed(1)) for q in (law, plain)]
    torch.testing.assert_close(*samples)


@pytest.mark.parametrize("batch", [(), (4,), (2, 3), (1,), (2, 1)])
@pytest.mark.parametrize("num_factors", [1, 2, 4])
def test_product_batches_of_any_shape(batch: tuple[int, ...], num_factors: int) -> None:
    head = ProductOfSpheresHead(num_factors)
    law = head(torch.ones(*batch, 8), torch.zeros(*batch, num_factors))
    assert (law.batch_shape, law.event_shape, law.num_factors) == (batch, (8,), num_factors)
    assert law.rsample().shape == (*batch, 8)
    assert kl_divergence(law, head.prior(law)).shape == batch


@pytest.mark.parametrize(("num_factors", "dim"), [(1, 2), (2, 4), (2, 10), (5, 15)])
def test_product_widths_are_a_direction_and_a_concentration_for_each_factor(num_factors: int, dim: int) -> None:
    assert ProductOfSpheresHead(num_factors).parameter_widths(dim) == (dim, num_factors)


def test_prior_of_the_product_of_spheres_with_the_divergence_in_closed_form() -> None:
    """On S^2 as for one sphere; the prior's density is (4 pi)^-K."""
    torch.manual_seed(0)
    raw = torch.tensor([[-2.0, 0.0], [3.0, 20.0]], dtype=torch.float64)
    head = ProductOfSpheresHead(2, initial_concentration="paper")
    law = head(torch.randn(2, 6, dtype=torch.float64), raw)
    prior = head.prior(law)
    assert isinstance(prior, ProductOfSpheres)
    assert isinstance(prior.factors, HypersphericalUniform)
    assert (prior.batch_shape, prior.event_shape, prior.sample().dtype) == ((), (6,), torch.float64)
    density = prior.log_prob(law.sample())
    torch.testing.assert_close(density, torch.full((2,), -2 * math.log(4 * math.pi), dtype=torch.float64))
    kappa = torch.log1p(raw.exp()) + 1
    expected = (kappa / kappa.tanh() - 1 + (kappa / kappa.sinh()).log()).sum(1)
    torch.testing.assert_close(kl_divergence(law, prior), expected, rtol=1e-12, atol=0)


def test_zero_block_becomes_the_first_axis_of_its_sphere() -> None:
    directions = torch.tensor([[0.0, 2.0, 0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    raw = torch.zeros(1, 2, requires_grad=True)
    law = ProductOfSpheresHead(2)(directions, raw)
    assert law.mode.tolist() == [[0, 1, 0, 1, 0, 0]]
    torch.manual_seed(0)
    (law.rsample() @ torch.arange(1.0, 7.0)).sum().backward()
    assert directions.grad.isfinite().all()
    assert directions.grad[0, :3].abs().max() > 0
    assert (raw.grad != 0).all()


@pytest.mark.parametrize("dim", [0, 1, 3, 5, 7])
def test_width_that_does_not_divide_into_spheres_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 3 coordinates, at least 2 per factor, got {dim}"):
        ProductOfSpheresHead(3).parameter_widths(dim)
    with pytest.raises(ValueError, match=f"multiple of 3 coordinates, at least 2 per factor, got {dim}"):
        ProductOfSpheresHead(3)(torch.ones(5, dim), torch.ones(5, 3))


@pytest.mark.parametrize("num_factors", [0, -1])
def test_number_of_factors_out_of_range_is_refused(num_factors: int) -> None:
    with pytest.raises(ValueError, match=f"num_factors must be at least 1, got {num_factors}"):
        ProductOfSpheresHead(num_factors)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 3), (4, 2), (2,), (5, 2, 2), ()])
def test_concentrations_of_the_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"concentration must have shape .* \(5, 2\) .*\(5, 2, 3\), got"):
        ProductOfSpheresHead(2)(torch.ones(5, 6), torch.ones(shape))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("initial", "dim", "expected"),
    [("dimension", 3, 3), ("dimension", 41, 41), (1.001, 3, 1.001), (700.0, 3, 700), ("paper", 41, 1 + math.log(2))],
)
def test_raw_zero_is_the_initial_concentration(initial, dim: int, expected: float, dtype: torch.dtype) -> None:
    """softplus(raw + offset) with softplus(offset) = a is log(1 + (e^a - 1) e^raw)."""
    raw = torch.tensor([0.0, -20.0, -3.0, 5.0], dtype=dtype)
    law = VonMisesFisherHead(initial_concentration=initial)(torch.ones(4, dim, dtype=dtype), raw)
    assert law.concentration[0].item() == pytest.approx(expected, rel=1e-6)
    shifted = torch.log1p(math.expm1(expected - 1) * raw.double().exp()) + 1
    torch.testing.assert_close(law.concentration, shifted.to(dtype))


def test_initial_concentration_out_of_range_is_refused() -> None:
    for initial in (1.0, 0.5, -3.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=f"initial_concentration must be finite and above .* = 1.0, got {initial}"):
            VonMisesFisherHead(initial_concentration=initial)
    with pytest.raises(ValueError, match=r"above min_concentration = 4.0, got 4.0"):
        VonMisesFisherHead(4.0, "dimension")(torch.ones(2, 4), torch.zeros(2))
    with pytest.raises(ValueError, match=r"got 4.0, the 'dimension': .* or 'paper' for 9.0 \+ log 2"):
        ProductOfSpheresHead(2, 9.0)(torch.ones(2, 8), torch.zeros(2, 2))


def test_initial_concentration_of_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="'dimension' or 'paper', got 'dim'"):
        VonMisesFisherHead(initial_concentration="dim")  # type: ignore[arg-type]


@pytest.mark.parametrize(("head", "least"), [(NormalHead(), -40.0), (NormalHead(min_logstd=-3.0), -3.0)])
def test_log_standard_deviation_is_limited(head: NormalHead, least: float) -> None:
    law = head(torch.zeros(3), torch.tensor([-60.0, 0.5, 50.0]))
    torch.testing.assert_close(law.stddev.log(), torch.tensor([least, 0.5, 10.0]))


def test_divergence_is_finite_whatever_the_network_says() -> None:
    """The variance of a normal distribution does not become 0, nor infinite."""
    logstd = torch.tensor([[-1e30, -41.0], [-39.0, 0.0], [11.0, 1e30]], requires_grad=True)
    head = NormalHead()
    law = head(torch.zeros(3, 2), logstd)
    divergence = kl_divergence(law, head.prior(law))
    divergence.sum().backward()
    assert logstd.grad is not None
    assert bool(divergence.isfinite().all())
    assert bool(logstd.grad.isfinite().all())
    torch.testing.assert_close(divergence[0], torch.tensor(2 * (40 - 0.5)))


def test_limit_of_the_log_standard_deviation_above_its_cap_is_refused() -> None:
    with pytest.raises(ValueError, match=r"min_logstd must be below 10\.0, got 11\.0"):
        NormalHead(min_logstd=11.0)


@pytest.mark.parametrize(("initial", "expected"), [("paper", 1 + math.log(2)), (7.5, 7.5), ("dimension", 4.0)])
def test_factors_start_at_the_initial_concentration(initial: Any, expected: float) -> None:
    law = ProductOfSpheresHead(2, 1.0, initial)(torch.ones(5, 8), torch.zeros(5, 2))
    torch.testing.assert_close(law.factors.concentration, torch.full((5, 2), expected))
