"""Heads of graph autoencoders: any of them makes a model, and where the default one and its decoder start."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data

from spherical_gae import GCNEncoder, InnerProductDecoder, SphericalGAE, VonMisesFisher
from spherical_gae.core import sampled_kl
from spherical_gae.models import VariationalGAE
from spherical_gae.nn import (
    FactorInnerProductDecoder,
    LatentHead,
    PowerSphericalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    SphericalCauchyHead,
    VonMisesFisherHead,
)
from tests.helpers.small_graph import DIM, NUM_FEATURES, NUM_NODES


def test_encoder_with_a_flat_concentration(graph: Data) -> None:
    class Flat(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x[:, 0]

    model = SphericalGAE(Flat(), min_concentration=0.25)
    assert model.encode(graph.x).shape == (NUM_NODES, NUM_FEATURES)
    offset = math.log(math.expm1(NUM_FEATURES - 0.25))
    torch.testing.assert_close(model.last_posterior.concentration, F.softplus(graph.x[:, 0] + offset) + 0.25)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 8.0),
        ({"num_factors": 2}, 4.0),
        ({"initial_concentration": 30.0}, 30.0),
        ({"initial_concentration": 30.0, "num_factors": 2}, 30.0),
        ({"initial_concentration": "paper"}, 1 + math.log(2)),
        ({"initial_concentration": "paper", "num_factors": 2, "min_concentration": 0.5}, 0.5 + math.log(2)),
    ],
)
def test_start_of_the_concentration(options: dict[str, Any], expected: float) -> None:
    """An encoder that returns zeros: at the dimension of a sphere by default, the smallest and log 2 by the paper."""

    class Zeros(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x.new_zeros(len(x), options.get("num_factors", 1))

    posterior = SphericalGAE(Zeros(), **options).posterior(torch.ones(5, 8))
    concentration = getattr(posterior, "factors", posterior).concentration
    torch.testing.assert_close(concentration, torch.full_like(concentration, expected))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, -2.0),
        ({"num_factors": 2}, -2.0),
        ({"initial_concentration": 30.0}, -2.0),
        ({"head": PowerSphericalHead()}, -2.0),
        ({"head": VonMisesFisherHead(initial_concentration="paper")}, 0.0),
        ({"head": ProductOfSpheresHead(2)}, -2.0),
        ({"head": ProductOfSpheresHead(2, initial_concentration="paper")}, 0.0),
        ({"initial_concentration": "paper"}, 0.0),
        ({"initial_concentration": "paper", "num_factors": 2}, 0.0),
        ({"decoder": InnerProductDecoder()}, 0.0),
    ],
)
def test_start_of_the_bias(options: dict[str, Any], expected: float) -> None:
    """Of the default decoder only; resetting the parameters brings it back."""
    model = SphericalGAE(nn.Identity(), **options)
    assert model.decoder.bias == expected
    nn.init.ones_(model.decoder.bias)
    model.reset_parameters()
    assert model.decoder.bias == expected


@pytest.mark.parametrize(("dim", "num_factors"), [(3, 1), (16, 1), (256, 1), (32, 4)])
def test_log_odds_start_near_zero(dim: int, num_factors: int) -> None:
    """Where all nodes have one direction, as those of an untrained encoder nearly have; without a bias they are 2."""

    class OneDirection(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return torch.ones(len(x), dim), torch.zeros(len(x), num_factors)

    torch.manual_seed(0)
    model = SphericalGAE(OneDirection(), num_factors=num_factors)
    z = model.encode(torch.zeros(4000, 1))
    logits = model.decode(z, torch.stack([torch.arange(2000), torch.arange(2000, 4000)]), sigmoid=False)
    assert logits.mean().abs() < 0.5


def test_the_default_decoder_is_that_of_the_head() -> None:
    """Eight factors given by a head or by their number: the log-odds of equal nodes start at the same value."""
    z = F.normalize(torch.ones(2, 8, 3), dim=-1).flatten(1)
    pair = torch.tensor([[0], [1]])
    by_head = SphericalGAE(nn.Identity(), head=ProductOfSpheresHead(8))
    by_number = SphericalGAE(nn.Identity(), num_factors=8)
    assert type(by_head.decoder) is type(by_number.decoder) is FactorInnerProductDecoder
    first, second = (model.decode(z, pair, sigmoid=False) for model in (by_head, by_number))
    assert first.item() == second.item() == pytest.approx(3, abs=1e-5)


def test_any_head_makes_a_model(graph: Data) -> None:
    """The model knows nothing of the law: a head of one's own is all that a new one takes."""

    class Sharp(LatentHead):
        def __init__(self) -> None:
            super().__init__()
            self.inner = VonMisesFisherHead()

        def forward(self, *parameters: Tensor) -> VonMisesFisher:
            return self.inner(parameters[0], parameters[0].new_full(parameters[0].shape[:-1], 1e6))

        def prior(self, posterior: VonMisesFisher) -> torch.distributions.Distribution:
            return self.inner.prior(posterior)

    model = VariationalGAE(GCNEncoder(NUM_FEATURES, 8, (DIM,)), Sharp(), InnerProductDecoder())
    z = model.encode(graph.x, graph.edge_index)
    torch.testing.assert_close(z, model.last_posterior.loc.detach(), rtol=0, atol=0.01)
    assert model.kl_loss() > 10


@pytest.mark.parametrize(
    "head",
    [ProjectedNormalHead(), PowerSphericalHead(), SphericalCauchyHead()],
    ids=["projected normal", "power spherical", "spherical cauchy"],
)
def test_other_distributions_on_the_sphere(head: LatentHead) -> None:
    """An encoder of the head's widths; samples and centres are unit vectors, and the loss reaches every weight."""
    torch.manual_seed(0)
    x, edge_index = torch.randn(6, 5), torch.tensor([[0, 1, 1, 2, 3, 4], [1, 0, 2, 1, 4, 3]])
    model = SphericalGAE(GCNEncoder(5, 8, head.parameter_widths(4)), head=head)
    z = model.encode(x, edge_index)
    assert torch.equal(model.last_sample, z)
    loss = model.recon_loss(z, edge_index) + model.kl_loss() / 6
    loss.backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())
    expected = sampled_kl(model.last_posterior, head.prior(model.last_posterior), z).mean()
    assert torch.equal(model.kl_loss(), expected)
    model.eval()
    center = model.encode(x, edge_index)
    assert model.last_sample is None
    assert torch.equal(center, model.encode(x, edge_index))
    torch.testing.assert_close(center.norm(dim=1), torch.ones(6))
    torch.testing.assert_close(center, F.normalize(model.last_posterior.loc, dim=-1))


def test_settings_of_the_default_head_are_refused_beside_a_head() -> None:
    for options in ({"min_concentration": 2.0}, {"num_factors": 2}, {"initial_concentration": "paper"}):
        with pytest.raises(ValueError, match="must be left out beside head"):
            SphericalGAE(GCNEncoder(5, 8, (4, 4)), head=ProjectedNormalHead(), **options)
