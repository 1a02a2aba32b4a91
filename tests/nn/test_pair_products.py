"""Inner products of many pairs: the piecewise computation against the gathered one."""

import pytest
import torch
from torch import Tensor

from spherical_gae.nn import FactorInnerProductDecoder
from spherical_gae.nn import pair_products as module
from spherical_gae.nn.pair_products import pair_products

NUM_NODES, WIDTH, NUM_PAIRS = 50, 6, 3000


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def inputs(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, pairs (of which some are listed more than once, some are a node with itself) and weights of either sign."""
    torch.manual_seed(0)
    z, weight = torch.randn(NUM_NODES, WIDTH, dtype=request.param), torch.randn(WIDTH, dtype=request.param)
    pairs = torch.randint(NUM_NODES - 1, (2, NUM_PAIRS))  # the last node is in no pair
    return z, torch.cat([pairs, pairs[:, :20]], dim=1), weight


@pytest.fixture
def piecewise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 0)
    monkeypatch.setattr(module, "_gathered", _refuse_all_at_once)


def _refuse_all_at_once(z: Tensor, edge_index: Tensor, weight: Tensor) -> Tensor:
    assert edge_index.size(1) <= 1024
    return (z[edge_index[0]] * z[edge_index[1]]) @ weight


def by_definition(z: Tensor, pairs: Tensor, weight: Tensor) -> Tensor:
    return torch.einsum("em,em,m->e", z[pairs[0]], z[pairs[1]], weight)


def test_values(inputs: tuple[Tensor, Tensor, Tensor], piecewise: None) -> None:
    torch.testing.assert_close(pair_products(*inputs), by_definition(*inputs))


def test_gradients(inputs: tuple[Tensor, Tensor, Tensor], piecewise: None) -> None:
    z, pairs, weight = inputs
    z, weight = z.requires_grad_(), weight.requires_grad_()
    outer = torch.randn(pairs.size(1), dtype=z.dtype)
    expected = torch.autograd.grad(by_definition(z, pairs, weight), (z, weight), outer)
    found = torch.autograd.grad(pair_products(z, pairs, weight), (z, weight), outer)
    # A node has some 120 pairs, a weight 3,000: so many terms are added up.
    for got, right, terms in zip(found, expected, (120, NUM_PAIRS), strict=True):
        torch.testing.assert_close(got, right, rtol=0, atol=4 * terms * torch.finfo(z.dtype).eps)
    assert float(found[0][-1].abs().max()) == 0


@pytest.mark.parametrize("only", ["z", "weight"])
def test_gradient_of_one(only: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 0)
    torch.manual_seed(0)
    given = {"z": torch.randn(4, 3).double(), "weight": torch.randn(3).double()}
    given[only].requires_grad_()
    pairs = torch.tensor([[0, 1, 2, 3, 3], [1, 0, 2, 0, 2]])
    for create_graph in (False, True):
        found = torch.autograd.grad(
            pair_products(given["z"], pairs, given["weight"]).square().sum(), given[only], create_graph=create_graph
        )
        right = torch.autograd.grad(by_definition(given["z"], pairs, given["weight"]).square().sum(), given[only])
        torch.testing.assert_close(found[0].detach(), right[0])


def test_second_derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 0)
    torch.manual_seed(0)
    z, weight = torch.randn(4, 3).double().requires_grad_(), torch.randn(3).double().requires_grad_()
    pairs = torch.tensor([[0, 1, 2, 3, 3], [1, 0, 2, 0, 2]])
    assert torch.autograd.gradcheck(lambda *given: pair_products(given[0], pairs, given[1]), (z, weight))
    assert torch.autograd.gradgradcheck(lambda *given: pair_products(given[0], pairs, given[1]), (z, weight))


def test_half_precision_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 0)
    z = torch.randn(4, 3).bfloat16().requires_grad_()
    pair_products(z, torch.tensor([[0], [1]]), torch.ones(3).bfloat16()).sum().backward()
    assert z.grad is not None
    torch.testing.assert_close(z.grad[0], z[1].detach())


def test_decoder_of_many_pairs_keeps_its_log_odds_and_gradients() -> None:
    """Above the size at which the decoder changes its way, against a piece below it."""
    torch.manual_seed(0)
    z, width = torch.randn(300, 96).requires_grad_(), 96
    decoder = FactorInnerProductDecoder(6, scale=0.1)
    pairs = torch.randint(300, (2, (1 << 22) // width + 1))
    whole = decoder(z, pairs, sigmoid=False)
    halves = torch.cat([decoder(z, half, sigmoid=False) for half in pairs.tensor_split(2, dim=1)])
    torch.testing.assert_close(whole, halves)
    parameters = (z, decoder.raw_scale, decoder.bias)
    outer = torch.randn_like(whole)
    for got, right in zip(
        torch.autograd.grad(whole, parameters, outer), torch.autograd.grad(halves, parameters, outer), strict=True
    ):
        torch.testing.assert_close(got, right, rtol=1e-4, atol=1e-3)
