import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from spherical_gae.models import Autoencoder
from spherical_gae.nn import NormalObservation


def test_loss_is_the_cross_entropy_without_noise() -> None:
    torch.manual_seed(0)
    model, x = Autoencoder(3, 12, (10, 7)), torch.rand(6, 12).round()
    loss = model.loss(x)
    expected = F.binary_cross_entropy_with_logits(model.decoder(model.encoder(x)), x, reduction="sum") / 6
    torch.testing.assert_close(loss.total, expected)
    torch.testing.assert_close(loss.reconstruction, -expected)
    assert float(loss.kl) == 0
    for weight in (0.0, 7.0):
        assert all(torch.equal(a, b) for a, b in zip(model.loss(x, kl_weight=weight), loss, strict=True))
    loss.total.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
    torch.testing.assert_close(model.decode(model.encode(x)), model.decoder(model.encoder(x)).sigmoid())


def test_encoding_is_the_same_in_training_and_evaluation() -> None:
    torch.manual_seed(0)
    model, x = Autoencoder(3, 12, (10, 7)), torch.rand(6, 12)
    z = model(x)
    assert z.shape == (6, 3)
    assert torch.equal(z, model.eval().encode(x))
    assert torch.equal(copy.deepcopy(model).encode(x), z)
    assert (z < 0).any()  # no ReLU on the latents


def test_linear_autoencoder_trains_to_the_principal_components() -> None:
    """The least squared error of rank 2 is the sum of the other squared singular values (Eckart & Young 1936)."""
    torch.manual_seed(0)
    x = torch.randn(50, 6) * torch.tensor([4.0, 3.0, 1.0, 0.7, 0.5, 0.3])
    x -= x.mean(0)
    left_over = float(torch.linalg.svdvals(x.double())[2:].square().sum()) / 50
    linear = Autoencoder(2, encoder=nn.Linear(6, 2), decoder=nn.Linear(2, 6), observation=NormalObservation(0.5))
    # -log N(x; mu, 1/4) is 2 |x - mu|^2 and a constant.
    constant = 6 * torch.distributions.Normal(0.0, 0.5).log_prob(torch.zeros(())).item()
    optimizer = torch.optim.Adam(linear.parameters(), lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        loss = linear.loss(x).total
        loss.backward()
        optimizer.step()
    assert (float(loss.detach()) + constant) / 2 == pytest.approx(left_over, rel=1e-3)


def test_images_with_modules_of_their_own() -> None:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(1, 2, 2, stride=2), nn.Flatten(), nn.Linear(32, 2))
    decoder = nn.Sequential(nn.Linear(2, 64), nn.Unflatten(1, (1, 8, 8)))
    model, x = Autoencoder(2, encoder=encoder, decoder=decoder), torch.rand(5, 1, 8, 8).round()
    expected = F.binary_cross_entropy_with_logits(decoder(encoder(x)), x, reduction="sum") / 5
    torch.testing.assert_close(model.loss(x).total, expected)
    assert model.decode(model.encode(x)).shape == (5, 1, 8, 8)


@pytest.mark.parametrize("dim", [0, -1])
def test_dimension_below_one_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match=f"dim must be at least 1, got {dim}"):
        Autoencoder(dim)
