"""Forward mode over forward mode is reverse over reverse, for all that is differentiated by formulas of its own."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import Function
from torch.distributions import kl_divergence
from torch.func import jacfwd, jacrev, vmap

from spherical_gae.core import HypersphericalUniform, ProjectedNormal, SphericalCauchy, VonMisesFisher, rejection_sample
from spherical_gae.core.numerics.forward_mode import differentiable_jvp
from tests.helpers.places import direction

MEAN, OTHER = (direction(place, 10) for place in ("e1", "random"))


class Cube(Function):
    """x^3, with a derivative that is written as a formula."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return grad * 3 * ctx.saved_tensors[0] ** 2

    @staticmethod
    @differentiable_jvp
    def jvp(ctx, tangent: Tensor) -> Tensor:
        return tangent * 3 * ctx.saved_tensors[0] ** 2


def test_derivatives_of_every_nesting() -> None:
    x = torch.tensor(2.0, dtype=torch.float64)
    assert jacfwd(jacfwd(Cube.apply))(x) == 12
    assert jacfwd(jacfwd(jacfwd(Cube.apply)))(x) == 6
    assert jacrev(jacfwd(Cube.apply))(x) == jacfwd(jacrev(Cube.apply))(x) == 12
    many = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    assert vmap(jacfwd(jacfwd(Cube.apply)))(many).tolist() == [6, 12, 18]
    assert jacfwd(jacfwd(lambda y: vmap(Cube.apply)(y).sum()))(many).diagonal().tolist() == [6, 12, 18]
    # Outer and inner derivative in different arguments, and a constant.
    assert jacfwd(lambda y: jacfwd(lambda z: Cube.apply(y * z))(x))(x) == 18 * 8 * 2 / 2
    assert jacfwd(jacfwd(lambda y: y * Cube.apply(x)))(x) == 0


def uniform() -> HypersphericalUniform:
    return HypersphericalUniform(10, torch.float64)


def vmf(kappa: Tensor) -> VonMisesFisher:
    return VonMisesFisher(MEAN, kappa, validate_args=False)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "vMF to uniform": lambda kappa: kl_divergence(vmf(kappa), uniform()),
    "vMF to vMF": lambda kappa: kl_divergence(vmf(kappa), vmf(kappa**2)),
    "uniform to vMF": lambda kappa: kl_divergence(uniform(), vmf(kappa)),
    "spherical Cauchy": lambda kappa: SphericalCauchy(MEAN, kappa / 10).entropy(),
    "projected normal": lambda kappa: ProjectedNormal(kappa * MEAN, kappa + MEAN.abs()).sampled_kl_to_uniform(OTHER),
    "projected normal's density": lambda kappa: ProjectedNormal(kappa * MEAN, kappa + MEAN.abs()).log_prob(OTHER),
    "vMF sample": lambda kappa: vmf(kappa).rsample()[1],
    "vMF sample by its mean direction": lambda kappa: VonMisesFisher(
        torch.nn.functional.normalize(MEAN + kappa * OTHER, dim=-1), 5.0, validate_args=False
    ).rsample()[1],
    "circle sample": lambda kappa: VonMisesFisher(MEAN[:2], kappa, validate_args=False).rsample()[1],
    "exact sample": lambda kappa: VonMisesFisher(MEAN, kappa, validate_args=False, sampler="exact").rsample()[1],
    "spherical Cauchy sample": lambda kappa: SphericalCauchy(MEAN, kappa / 10).rsample()[1],
    "projected normal sample": lambda kappa: ProjectedNormal(kappa * MEAN, kappa + MEAN.abs()).rsample()[1],
    "proposed sample": lambda kappa: rejection_sample(MEAN, kappa, validate_args=False).value[1],
    "proposed sample's weight": lambda kappa: rejection_sample(MEAN, kappa, validate_args=False).log_weight,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_derivatives_of_every_kind(name: str) -> None:
    kappa = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)

    def function(x: Tensor) -> Tensor:
        torch.manual_seed(0)
        return FUNCTIONS[name](x)

    (first,) = torch.autograd.grad(function(kappa), kappa, create_graph=True)
    (second,) = torch.autograd.grad(first, kappa)
    kappa = kappa.detach()
    torch.testing.assert_close(jacfwd(function, randomness="same")(kappa), first.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(
        jacfwd(jacfwd(function, randomness="same"), randomness="same")(kappa), second, rtol=1e-9, atol=1e-12
    )
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(kappa, torch.ones_like(kappa))
        tangent = torch.autograd.forward_ad.unpack_dual(function(dual)).tangent
        torch.testing.assert_close(tangent, first.detach(), rtol=1e-9, atol=1e-12)
