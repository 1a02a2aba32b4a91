"""A function of many pairs: piece by piece against all ends gathered."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from spherical_gae.nn import HadamardDecoder, InnerProductDecoder
from spherical_gae.nn.pair_pieces import of_pairs


def scaled_cubes(source: Tensor, target: Tensor) -> Tensor:
    """A function that is not symmetric."""
    return (source.pow(3) * target).sum(-1)


def counted(sizes: list[int]) -> Callable[[Tensor, Tensor], Tensor]:
    """The function, and a list of the pieces that it is given."""

    def function(source: Tensor, target: Tensor) -> Tensor:
        sizes.append(source.size(0))
        return scaled_cubes(source, target)

    return function


@pytest.mark.parametrize(
    ("num_pairs", "pieces"), [(4096, [4096]), (4097, [1024, 1024, 1024, 1024, 1]), (5120, 5 * [1024])]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_values_without_gradients(dtype: torch.dtype, num_pairs: int, pieces: list[int]) -> None:
    torch.manual_seed(0)
    z, pairs = torch.randn(40, 3, dtype=dtype, requires_grad=True), torch.randint(40, (2, num_pairs))
    sizes: list[int] = []
    with torch.no_grad():
        value = of_pairs(counted(sizes), z, pairs)
    torch.testing.assert_close(value, scaled_cubes(z[pairs[0]], z[pairs[1]]).detach())
    assert sizes == pieces


def test_gradients_are_of_all_pairs_at_once() -> None:
    torch.manual_seed(0)
    z, pairs = torch.randn(40, 3).double().requires_grad_(), torch.randint(40, (2, 5000))
    sizes: list[int] = []
    (found,) = torch.autograd.grad(of_pairs(counted(sizes), z, pairs).sum(), z)
    (right,) = torch.autograd.grad(scaled_cubes(z[pairs[0]], z[pairs[1]]).sum(), z)
    torch.testing.assert_close(found, right)
    assert sizes == [5000]


@torch.no_grad()
def test_half_precision_is_gathered() -> None:
    sizes: list[int] = []
    of_pairs(counted(sizes), torch.randn(4, 3).bfloat16(), torch.tensor([[0], [1]]).expand(2, 5000))
    assert sizes == [5000]


def test_hadamard_of_many_pairs_keeps_its_log_odds() -> None:
    torch.manual_seed(0)
    decoder, z, pairs = HadamardDecoder(6, 16).double(), torch.randn(30, 6).double(), torch.randint(30, (2, 6000))
    with torch.no_grad():
        found = decoder(z, pairs, sigmoid=False)
        right = decoder.output(decoder.hidden(6 * z[pairs[0]] * z[pairs[1]]).relu()).squeeze(-1)
    torch.testing.assert_close(found, right)
    torch.testing.assert_close(found, decoder(z, pairs, sigmoid=False).detach())


def test_inner_products_of_many_pairs_are_the_same_to_the_bit() -> None:
    torch.manual_seed(0)
    decoder, z, pairs = InnerProductDecoder(), torch.randn(30, 16), torch.randint(30, (2, 6000))
    with torch.no_grad():
        found = decoder(z, pairs, sigmoid=False)
        right = decoder.scale * (z[pairs[0]] * z[pairs[1]]).sum(-1) + decoder.bias
    assert torch.equal(found, right)
    assert torch.equal(found, decoder(z, pairs, sigmoid=False).detach())
