"""Second derivatives of what torch.compile traces: those of eager, or an error."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.distributions import Distribution, Normal, kl_divergence

from spherical_gae.core import HypersphericalUniform, ProjectedNormal, VonMisesFisher
from spherical_gae.core.numerics.operators import call_operator
from tests.helpers.places import direction, seeded

MEAN, OTHER = (direction(place, 10) for place in ("e1", "random"))
pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")


def everything(kappa: Tensor) -> Tensor:
    """Of each distribution what has a derivative of its own."""
    uniform = HypersphericalUniform(10, torch.float64, validate_args=False)
    vmf = VonMisesFisher(MEAN, kappa, validate_args=False)
    circle = VonMisesFisher(MEAN[:2], kappa, validate_args=False)
    projected = ProjectedNormal(kappa * MEAN, kappa + MEAN.abs(), validate_args=False)
    fixed = VonMisesFisher(OTHER, 3.0, validate_args=False)
    values = [kl_divergence(vmf, uniform), kl_divergence(vmf, fixed), projected.sampled_kl_to_uniform(OTHER)]
    values += [law.rsample()[1] for law in (vmf, projected, circle)]
    return torch.stack(values)


def second_derivatives(function: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Of the square of each value, so that the incoming gradient depends on kappa as well."""
    torch.manual_seed(0)
    kappa = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    values = function(kappa).square()
    first = torch.stack([grad(value, kappa, create_graph=True)[0] for value in values])
    return first.detach(), torch.stack([grad(slope, kappa, retain_graph=True)[0] for slope in first])


@pytest.mark.slow
def test_second_derivatives_under_compile_are_those_of_eager() -> None:
    torch._dynamo.reset()
    expected = second_derivatives(everything)
    found = second_derivatives(torch.compile(everything, fullgraph=True, backend="eager"))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def second_or_none(first: Tensor, kappa: Tensor) -> Tensor | None:
    """None where torch says that it has none."""
    try:
        return grad(first, kappa)[0]
    except RuntimeError as error:
        if "does not currently support double backward" not in str(error):
            raise
        return None


@pytest.mark.slow
def test_second_derivatives_of_a_compiled_one_are_right_or_raise() -> None:
    """Torch's own error where it has compiled the derivative, as for its Normal; else the value."""
    torch._dynamo.reset()
    loc = torch.zeros(())
    for law in (lambda kappa: Normal(loc, kappa), lambda kappa: VonMisesFisher(MEAN, kappa, validate_args=False)):

        def value(kappa: Tensor, law: Callable[[Tensor], Distribution] = law) -> Tensor:
            return law(kappa).entropy().square()

        kappa = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
        (first,) = grad(torch.compile(value, backend="aot_eager")(kappa), kappa, create_graph=True)
        (expected,) = grad(grad(value(kappa), kappa, create_graph=True)[0], kappa)
        second = second_or_none(first, kappa)
        if second is not None:
            torch.testing.assert_close(second, expected, rtol=1e-9, atol=0)


def test_an_operator_has_two_derivatives() -> None:
    """A third one raises.  The entropy of vMF on S^2 is known in closed form."""
    kappa = torch.tensor([0.5, 2.0, 9.0], dtype=torch.float64, requires_grad=True)
    (value,) = call_operator("divergence_to_uniform", kappa, dim=3, family="VonMisesFisherAngle")
    exact = kappa / kappa.tanh() - 1 + (kappa / kappa.sinh()).log()
    for _ in range(2):
        torch.testing.assert_close(value, exact, rtol=1e-9, atol=0)
        value, exact = (grad(v.sum(), kappa, create_graph=True)[0] for v in (value, exact))
    torch.testing.assert_close(value, exact, rtol=1e-7, atol=0)
    with pytest.raises(RuntimeError, match="no autograd formula"):
        grad(value.sum(), kappa)


def test_an_operator_passes_torchs_own_checks() -> None:
    tensors = [torch.rand(4, dtype=torch.float64, generator=seeded(i)).requires_grad_() for i in range(2)]
    operator = torch.ops.spherical_gae.value.default
    torch.library.opcheck(operator, (tensors, "tabulated_angle", "PowerSphericalAngle", 5))
