import math

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from spherical_gae import HypersphericalUniform, VonMisesFisher
from spherical_gae.nn import LatentHead, NormalHead, VonMisesFisherHead
from spherical_gae.nn.heads import unit_direction


def test_concentration_is_a_shifted_softplus_of_either_shape() -> None:
    direction, raw = torch.randn(5, 3), torch.linspace(-3, 30, 5)
    expected = torch.log1p(raw.exp()) + 0.5
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
@pytest.mark.parametrize("head", [VonMisesFisherHead(), NormalHead()], ids=["vmf", "normal"])
def test_half_precision_gives_float32_laws(head: LatentHead, dtype: torch.dtype) -> None:
    parameters = [torch.ones(4, width, dtype=dtype, requires_grad=True) for width in head.parameter_widths(3)]
    law = head(*parameters)
    sample = law.rsample()
    assert (law.mean.dtype, sample.dtype) == (torch.float32, torch.float32)
    (sample.sum() + kl_divergence(law, head.prior(law)).sum()).backward()
    assert all(parameter.grad.dtype == dtype and parameter.grad.isfinite().all() for parameter in parameters)


@pytest.mark.parametrize("head", [VonMisesFisherHead(), NormalHead()], ids=["vmf", "normal"])
def test_float64_stays_float64(head: LatentHead) -> None:
    law = head(*(torch.ones(4, width, dtype=torch.float64) for width in head.parameter_widths(3)))
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
    assert "min_concentration=1.0" in repr(head)


def test_kl_on_the_ordinary_sphere_in_closed_form() -> None:
    """On S^2: C_3 = kappa / (4 pi sinh kappa) and A_3 = coth kappa - 1 / kappa."""
    raw = torch.tensor([-2.0, 0.0, 3.0, 20.0], dtype=torch.float64)
    head = VonMisesFisherHead()
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
    [(VonMisesFisherHead(), "direction.*concentration"), (NormalHead(), "mean.*logstd")],
    ids=["vmf", "normal"],
)
@pytest.mark.parametrize("count", [1, 3])
def test_other_than_two_parameters_are_refused(head: LatentHead, names: str, count: int) -> None:
    parameters: list[Tensor] = [torch.ones(5, 3)] * count
    with pytest.raises(ValueError, match=rf"the encoder must return .*{names}.* got {count} tensors"):
        head(*parameters)


@pytest.mark.parametrize("minimum", [-1e-9, float("inf"), float("nan")])
def test_minimum_out_of_range_is_refused(minimum: float) -> None:
    with pytest.raises(ValueError, match=f"min_concentration must be finite and at least 0, got {minimum}"):
        VonMisesFisherHead(minimum)


def test_direction_of_one_coordinate_is_refused() -> None:
    with pytest.raises(ValueError, match="m >= 2"):
        VonMisesFisherHead()(torch.ones(5, 1), torch.ones(5))
