"""A function of many pairs: piece by piece against all ends gathered."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from spherical_gae.nn import HadamardDecoder
from spherical_gae.nn import pair_pieces as module
from spherical_gae.nn.pair_pieces import of_pairs


def scaled_cubes(source: Tensor, target: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """A function that is not symmetric, and neither linear nor quadratic in anything but ``offset``."""
    return (source.pow(3) * target * weight.exp()).sum(-1) + offset * target[:, 0]


def on_all(function: Callable[..., Tensor], z: Tensor, pairs: Tensor, *parameters: Tensor) -> Tensor:
    return function(z[pairs[0]], z[pairs[1]], *parameters)


def inputs(num_pairs: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rows of which the last is in no pair, pairs of which some are equal or of a node with itself, parameters."""
    torch.manual_seed(0)
    z, weight, offset = (torch.randn(shape, dtype=dtype, requires_grad=True) for shape in ((40, 3), (3,), ()))
    pairs = torch.randint(39, (2, num_pairs))
    return z, pairs, weight, offset


@pytest.mark.parametrize("num_pairs", [4096, 4097, 5 * 1024])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_values_and_gradients(dtype: torch.dtype, num_pairs: int) -> None:
    z, pairs, *parameters = inputs(num_pairs, dtype)
    value = of_pairs(scaled_cubes, z, pairs, *parameters)
    expected = on_all(scaled_cubes, z, pairs, *parameters)
    torch.testing.assert_close(value, expected)
    outer = torch.randn_like(expected)
    found, right = (torch.autograd.grad(of, (z, *parameters), outer) for of in (value, expected))
    for got, wanted in zip(found, right, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=200 * num_pairs * torch.finfo(dtype).eps)
    assert torch.equal(found[0][-1], torch.zeros(3, dtype=dtype))


def test_many_pairs_are_taken_in_pieces() -> None:
    sizes: list[int] = []

    def counted(source: Tensor, target: Tensor) -> Tensor:
        sizes.append(source.size(0))
        return (source * target).sum(-1)

    z = torch.randn(9, 2, requires_grad=True)
    of_pairs(counted, z, torch.zeros(2, 4100, dtype=torch.int64)).sum().backward()
    assert sizes == 2 * [1024, 1024, 1024, 1024, 4]


@pytest.mark.parametrize("only", [0, 1, 2])
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradient_of_one(only: int, create_graph: bool) -> None:
    z, pairs, *parameters = inputs(4100, torch.float64)
    given = [tensor.detach().requires_grad_(number == only) for number, tensor in enumerate((z, *parameters))]
    value, expected = (of(scaled_cubes, given[0], pairs, *given[1:]).square().sum() for of in (of_pairs, on_all))
    (found,) = torch.autograd.grad(value, given[only], create_graph=create_graph)
    (right,) = torch.autograd.grad(expected, given[only])
    torch.testing.assert_close(found.detach(), right)


def test_second_derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 1)
    z, pairs, *parameters = inputs(7, torch.float64)

    def function(*given: Tensor) -> Tensor:
        return of_pairs(scaled_cubes, given[0], pairs, *given[1:])

    assert torch.autograd.gradcheck(function, (z, *parameters))
    assert torch.autograd.gradgradcheck(function, (z, *parameters))


def test_half_precision_is_gathered() -> None:
    z = torch.randn(4, 3).bfloat16().requires_grad_()
    pairs = torch.tensor([[0], [1]]).expand(2, 5000)
    sizes: list[int] = []
    of_pairs(lambda a, b: (sizes.append(a.size(0)), (a * b).sum(-1))[1], z, pairs)
    assert sizes == [5000]


def test_hadamard_of_many_pairs_keeps_log_odds_and_gradients() -> None:
    torch.manual_seed(0)
    decoder, z = HadamardDecoder(6, 16).double(), torch.randn(30, 6).double().requires_grad_()
    pairs = torch.randint(30, (2, 6000))
    whole = decoder(z, pairs, sigmoid=False)
    parts = torch.cat([decoder(z, part, sigmoid=False) for part in pairs.split(3000, dim=1)])
    product = 6 * z[pairs[0]] * z[pairs[1]]
    torch.testing.assert_close(whole, decoder.output(decoder.hidden(product).relu()).squeeze(-1))
    torch.testing.assert_close(whole, parts)
    outer = torch.randn_like(whole)
    wanted = (z, *decoder.parameters())
    found, right = (torch.autograd.grad(of, wanted, outer) for of in (whole, parts))
    torch.testing.assert_close(found, right)


def test_parameters_given_for_one_call_are_those_of_its_gradient() -> None:
    """After ``functional_call`` the module has its own parameters again, before the gradient is computed."""
    torch.manual_seed(0)
    decoder, z = HadamardDecoder(6, 16), torch.randn(30, 6)
    others = {name: (2 * value).detach().requires_grad_() for name, value in decoder.named_parameters()}
    pairs = torch.randint(30, (2, 6000))
    found, right = (
        torch.autograd.grad(
            torch.cat([functional_call(decoder, others, (z, part)) for part in pairs.split(size, dim=1)]).sum(),
            tuple(others.values()),
        )
        for size in (6000, 3000)
    )
    torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-3)
