"""The projected normal: density on circle and sphere, its estimated divergence, gradients, extremes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from spherical_gae.core import HypersphericalUniform, ProjectedNormal, sampled_entropy, sampled_kl
from tests.helpers.places import DTYPES, seeded, tensor
from tests.helpers.sphere_quadrature import circle, sphere

# mu and s: round, narrow in one direction, wide, sharp, about 0, and sizes far from 1.
PARAMETERS = [
    ((1.0, 0.5, -0.3), (1.0, 1.0, 1.0)),
    ((1.0, 0.5, -0.3), (0.3, 1.0, 2.0)),
    ((0.0, 0.0, 0.0), (0.5, 1.0, 2.0)),
    ((2.0, -1.0, 0.5), (0.1, 0.4, 0.2)),
    ((-3.0, 1.0, 1.0), (0.3, 0.2, 0.4)),
    ((1e3, 0.0, 1e3), (1e3, 3e2, 1e3)),
    ((1e-3, 2e-3, 0.0), (1e-3, 2e-3, 1e-3)),
    ((0.0, 0.0, 1.0), (1.0, 2.0, 0.2)),
    ((5.0, 0.0, 0.0), (1.0, 2.0, 0.5)),
    ((0.1, 0.1, 0.1), (1.0, 1.0, 0.1)),
    ((100.0, 200.0, -50.0), (30.0, 60.0, 80.0)),
    ((-1.0, -1.0, 0.0), (0.4, 0.4, 0.4)),
]


def laws(dim: int, dtype: torch.dtype = torch.float64) -> ProjectedNormal:
    loc, scale = (torch.tensor(part, dtype=dtype)[:, :dim] for part in zip(*PARAMETERS, strict=True))
    return ProjectedNormal(loc, scale)


def measure(law: ProjectedNormal) -> tuple[Tensor, Tensor, Tensor]:
    """Nodes, log densities [n, batch] and weighted densities."""
    x, weight = circle(6000) if law.dim == 2 else sphere(300)
    log_density = law.log_prob(x.unsqueeze(1))
    return x, log_density, weight.unsqueeze(1) * log_density.exp()


@pytest.mark.parametrize("dim", [2, 3])
def test_density_integrates_to_one(dim: int) -> None:
    total = measure(laws(dim))[2].sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-11)


@pytest.mark.parametrize("dim", [2, 3])
def test_density_does_not_depend_on_the_overall_size(dim: int) -> None:
    law, x = laws(dim), circle(50)[0] if dim == 2 else sphere(6)[0]
    for factor in (1e-6, 1e6):
        other = ProjectedNormal(law.loc * factor, law.scale * factor)
        torch.testing.assert_close(other.log_prob(x.unsqueeze(1)), law.log_prob(x.unsqueeze(1)), rtol=1e-10, atol=1e-10)
        z = law.sample((20,), seeded())
        torch.testing.assert_close(other.sampled_kl_to_uniform(z), law.sampled_kl_to_uniform(z), rtol=1e-10, atol=1e-10)


def test_standard_normal_is_uniform() -> None:
    """mu = 0 with equal scales: the divergence of every single draw is 0."""
    law = ProjectedNormal(torch.zeros(4, 8), torch.full((4, 8), 3.0))
    z = law.sample((100,), seeded())
    assert law.sampled_kl_to_uniform(z).abs().max() < 5e-6
    uniform = HypersphericalUniform(8)
    torch.testing.assert_close(law.log_prob(z), uniform.log_prob(z).expand(100, 4), rtol=1e-6, atol=1e-6)
    exact = kl_divergence(ProjectedNormal(torch.zeros(8), 3.0), uniform)
    assert 0 <= exact < 1e-30


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3])
def test_estimated_divergence_is_unbiased(dim: int) -> None:
    """Mean of a million draws against quadrature, within 5 standard errors; one draw has less noise than log q."""
    base, chosen = laws(dim), [1, 2, 3, 4, 8, 9]
    law = ProjectedNormal(base.loc[chosen], base.scale[chosen])
    _, log_density, mass = measure(law)
    uniform = HypersphericalUniform(dim, torch.float64)
    exact = (mass * (log_density + uniform.entropy())).sum(0)
    z = law.sample((1_000_000,), seeded())
    estimate = law.sampled_kl_to_uniform(z)
    error = estimate.std(0) / 1000 + 1e-9
    assert ((estimate.mean(0) - exact).abs() < 5 * error).all()
    assert (exact <= law.kl_to_uniform_bound() + 1e-9).all()
    entropy = sampled_entropy(law, z[:1000])
    torch.testing.assert_close(entropy, uniform.entropy() - estimate[:1000], rtol=1e-12, atol=1e-12)
    assert (estimate.std(0) < 0.8).all()
    ratio = estimate.std(0) / log_density.sub(0).mul(1).T.sub(exact.unsqueeze(1)).square().mul(mass.T).sum(1).sqrt()
    assert (ratio < 1).all()


@pytest.mark.parametrize(
    ("dim", "width", "noise"), [(3, 1.0, 0.8), (21, 0.3, 0.8), (41, 0.1, 0.8), (41, 0.003, 0.8), (41, 3.0, 0.8)]
)
def test_noise_in_high_dimensions(dim: int, width: float, noise: float) -> None:
    """The estimate of one draw varies by less than .8 nats where log q varies by 1 to 5; both have the same mean."""
    loc = torch.randn(dim, dtype=torch.float64, generator=seeded(1))
    scale = torch.rand(dim, dtype=torch.float64, generator=seeded(2)) * width + 1e-3
    law = ProjectedNormal(loc, scale)
    z = law.sample((100_000,), seeded())
    estimate, plain = law.sampled_kl_to_uniform(z), law.log_prob(z) + HypersphericalUniform(dim).entropy().double()
    assert estimate.std() < noise
    assert estimate.std() < 0.5 * plain.std()
    assert (estimate.mean() - plain.mean()).abs() < 5 * plain.std() / math.sqrt(len(z))
    single = ProjectedNormal(loc.float(), scale.float()).sampled_kl_to_uniform(z.float()).double()
    assert (single - estimate).abs().max() < 1e-4


@pytest.mark.parametrize("dim", [2, 3])
def test_gradient_of_the_estimate_against_quadrature(dim: int) -> None:
    """d KL / d (mu, s) by draws, path through z included, within 5 standard errors of the quadrature's difference."""
    chosen = [1, 3, 4, 8, 11]
    base = laws(dim)
    loc, scale = base.loc[chosen], base.scale[chosen]
    change = torch.randn(2, *loc.shape, dtype=torch.float64, generator=seeded(3)) * scale
    size, step = 100_000, 1e-4

    def exact(t: float) -> Tensor:
        law = ProjectedNormal(loc + t * change[0], scale + t * change[1])
        _, log_density, mass = measure(law)
        return (mass * log_density).sum(0)

    expected = (8 * (exact(step) - exact(-step)) - (exact(2 * step) - exact(-2 * step))) / (12 * step)
    leaves = [part.expand(size, *part.shape).clone().requires_grad_() for part in (loc, scale)]
    law = ProjectedNormal(*leaves)
    found = torch.autograd.grad(law.sampled_kl_to_uniform(law.rsample((), seeded())).sum(), leaves)
    slope = (found[0] * change[0] + found[1] * change[1]).sum(-1)
    assert ((slope.mean(0) - expected).abs() < 5 * slope.std(0) / math.sqrt(size)).all()


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_both_orders_of_the_estimate(dim: int) -> None:
    """In mu, s and z, against differences."""
    loc = (4 * torch.randn(3, dim, dtype=torch.float64, generator=seeded(1))).requires_grad_()
    scale = (torch.rand(3, dim, dtype=torch.float64, generator=seeded(2)) + 0.2).requires_grad_()
    z = torch.randn(3, dim, dtype=torch.float64, generator=seeded(3)).requires_grad_()

    def estimate(loc: Tensor, scale: Tensor, z: Tensor) -> Tensor:
        return ProjectedNormal(loc, scale, validate_args=False).sampled_kl_to_uniform(z / z.norm(dim=-1, keepdim=True))

    assert torch.autograd.gradcheck(estimate, (loc, scale, z))
    assert torch.autograd.gradgradcheck(estimate, (loc, scale, z))


@DTYPES
@pytest.mark.parametrize("dim", [2, 3, 41])
def test_extreme_scales(dim: int, dtype: torch.dtype) -> None:
    """From 1e-6 to 1e6, alone and mixed: no NaN, no divergence below 0 but for noise, none above its bound."""
    sizes = torch.tensor([1e-6, 1e-3, 1.0, 1e3, 1e6], dtype=dtype)
    loc = torch.randn(5, 5, dim, dtype=dtype, generator=seeded(1)).requires_grad_()
    spread = torch.randint(5, (5, 5, dim), generator=seeded(2))
    mixed = sizes[spread]
    even = sizes.view(5, 1, 1).expand(5, 5, dim)
    for scale in (mixed.clone().requires_grad_(), even.clone().requires_grad_()):
        law = ProjectedNormal(loc, scale)
        z = law.rsample((2000,), seeded())
        estimate, density = law.sampled_kl_to_uniform(z), law.log_prob(z.detach())
        assert z.isfinite().all()
        assert density.isfinite().all()
        mean, error = estimate.mean(0), estimate.std(0) / math.sqrt(2000)
        assert (mean > -5 * error - 1e-4 * dim).all()
        assert (mean < law.kl_to_uniform_bound() + 5 * error + 1e-4 * dim).all()
        gradients = torch.autograd.grad(estimate.mean() + density.mean(), (loc, scale))
        assert all(g.isfinite().all() for g in gradients)


def test_one_scale_is_exact() -> None:
    """A scale of shape [..., 1], or a number: the divergence is that of quadrature and not random."""
    loc = tensor([[1.0, 2.0, 0.5], [0.1, 0.0, 0.0], [3.0, -4.0, 1.0]])
    scale = tensor([[0.7], [1.0], [0.5]])
    law = ProjectedNormal(loc, scale)
    assert law.isotropic
    assert not ProjectedNormal(loc, scale.expand(3, 3)).isotropic
    _, log_density, mass = measure(law)
    exact = (mass * log_density).sum(0) + math.log(4 * math.pi)
    torch.testing.assert_close(law.kl_to_uniform(), exact, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(law.entropy(), math.log(4 * math.pi) - exact, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(law.mode, normalize(loc, dim=-1))
    torch.testing.assert_close(law.mean_direction, law.mode)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_one_scale_in_many_dimensions(dtype: torch.dtype) -> None:
    """By mpmath, for |mu| / s = 3; and its derivative."""
    for dim, exact, slope in (
        (1024, 4.478185677065212, 2.97245451365),
        (4096, 4.494516803112577, 2.99306006434),
        (65536, 4.499656716268442, 2.99956519531),
    ):
        loc = torch.zeros(dim, dtype=dtype)
        loc[0] = 3
        loc.requires_grad_()
        law = ProjectedNormal(loc, 1.0)
        kl = law.kl_to_uniform()
        assert kl.item() == pytest.approx(exact, rel=2e-6 if dtype == torch.float32 else 1e-11)
        assert kl < law.kl_to_uniform_bound()
        assert torch.autograd.grad(kl, loc)[0][0].item() == pytest.approx(
            slope, rel=2e-6 if dtype == torch.float32 else 1e-10
        )


def test_modes_of_the_uniform_distribution() -> None:
    """Every point is one, as of the other distributions; it has no mean direction, and gradients are finite."""
    loc = torch.zeros(2, 3)
    loc[1] = torch.tensor([0.0, 3e-25, 4e-25])
    loc.requires_grad_()
    law = ProjectedNormal(loc, 1.0)
    torch.testing.assert_close(law.mode, torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]]))
    torch.testing.assert_close(law.mean_direction, torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.6, 0.8]]))
    for point in (law.mode, law.mean_direction):
        assert not torch.autograd.grad(point[0].sum(), loc)[0].any()


def test_mean_direction_with_a_scale_for_each_dimension() -> None:
    law = laws(3)
    x, _, mass = measure(law)
    mean = torch.einsum("nb,ni->bi", mass, x)
    has_one = torch.arange(len(PARAMETERS)) != 2
    torch.testing.assert_close(law.mean_direction[has_one], normalize(mean, dim=-1)[has_one], rtol=0, atol=1e-9)
    assert not law.mean_direction[2].any()
    with pytest.raises(NotImplementedError, match="use mean_direction"):
        _ = law.mode


def test_registered_divergence_is_random_and_the_given_draw_is_used() -> None:
    law, uniform = laws(3), HypersphericalUniform(3, torch.float64)
    torch.manual_seed(0)
    first, second = kl_divergence(law, uniform), kl_divergence(law, uniform)
    assert (first != second).any()
    torch.manual_seed(0)
    assert torch.equal(sampled_kl(law, uniform, law.rsample()), first)
    assert kl_divergence(law, uniform.expand((2, 1))).shape == (2, len(PARAMETERS))


def test_the_uniform_member_has_a_second_derivative() -> None:
    """Of one scale: once NaN, as a norm has none at 0."""
    for dtype in (torch.float32, torch.float64):

        def divergence(loc: torch.Tensor, dtype: torch.dtype = dtype) -> torch.Tensor:
            law = ProjectedNormal(loc, torch.tensor(1.0, dtype=dtype), validate_args=False)
            return kl_divergence(law, HypersphericalUniform(3, dtype))

        at, near = (
            torch.autograd.functional.hessian(divergence, torch.tensor([x, 0.0, 0.0], dtype=dtype)) for x in (0.0, 1e-4)
        )
        torch.testing.assert_close(at, near, rtol=1e-4, atol=1e-5)
        assert at[0, 0].item() == pytest.approx(8 / (3 * math.pi), rel=1e-4)
