import pytest
import torch
from torch.distributions import kl_divergence

from spherical_gae import GCNEncoder, SphericalGAE, SphericalVAE
from spherical_gae.nn import FixedDirectionHead, PlainHead, PointMass


def test_factors_are_normalised_each() -> None:
    posterior = FixedDirectionHead(2)(torch.tensor([[3.0, 4.0, 0.0, 2.0]]))
    expected = torch.tensor([[0.6, 0.8, 0.0, 1.0]])
    torch.testing.assert_close(posterior.rsample(), expected)
    torch.testing.assert_close(posterior.rsample((5,)), expected.expand(5, 1, 4))
    assert torch.equal(posterior.mode, posterior.mean)


def test_plain_points_stay_as_they_are() -> None:
    point = torch.tensor([[3.0, -4.0]])
    assert torch.equal(PlainHead()(point).rsample(), point)


def test_there_is_nothing_to_pay() -> None:
    model = SphericalGAE(GCNEncoder(5, 8, (6,)), head=FixedDirectionHead(2))
    model.encode(torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]]))
    assert float(model.kl_loss().detach()) == 0
    p = PointMass(torch.rand(3, 2))
    assert torch.equal(kl_divergence(p, p.expand((3,))), torch.zeros(3))


def test_training_and_evaluation_embed_alike() -> None:
    model = SphericalGAE(GCNEncoder(5, 8, (6,)), head=FixedDirectionHead())
    x, edge_index = torch.rand(4, 5), torch.tensor([[0, 1], [1, 0]])
    assert torch.equal(model.train().encode(x, edge_index), model.eval().encode(x, edge_index))


def test_distance_of_factors_is_the_root_of_squared_angles() -> None:
    a, b = torch.tensor([[1.0, 0.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, -1.0, 0.0]])
    distance = FixedDirectionHead(2).geodesic_distance(a, b)
    torch.testing.assert_close(distance, torch.tensor([[(torch.pi**2 / 4 + torch.pi**2) ** 0.5]]))


def test_wrong_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one tensor in a tuple, .* got 2"):
        PlainHead()(torch.rand(2, 2), torch.rand(2, 1))
    with pytest.raises(ValueError, match="multiple of 2 coordinates, at least 2 per factor, got 3"):
        FixedDirectionHead(2)(torch.rand(1, 3))
    with pytest.raises(ValueError, match="num_factors must be at least 1, got 0"):
        FixedDirectionHead(0)


def test_a_point_has_no_density_and_says_so() -> None:
    model = SphericalVAE(2, 16, (8,), head=FixedDirectionHead())
    assert model.loss(torch.zeros(2, 16)).kl == 0
    with pytest.raises(NotImplementedError, match=r"PointMass has no density, .* take a head with noise"):
        model.log_likelihood(torch.zeros(2, 16), num_samples=3)
