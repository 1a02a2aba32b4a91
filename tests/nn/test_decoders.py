import math

import pytest
import torch

from spherical_gae.nn import InnerProductDecoder

EDGES = torch.tensor([[0, 1, 2, 3, 3], [1, 0, 2, 0, 2]])


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 5.0, 30.0, 1000.0])
def test_initial_scale_is_the_one_asked_for(scale: float) -> None:
    decoder = InnerProductDecoder(scale=scale, bias=-0.25)
    assert float(decoder.scale.detach()) == pytest.approx(scale, rel=1e-6)
    assert float(decoder.bias.detach()) == -0.25


def test_log_odds_by_the_formula() -> None:
    torch.manual_seed(0)
    z = torch.randn(4, 3)
    decoder = InnerProductDecoder(scale=2.5, bias=-0.75)
    expected = [2.5 * sum(float(a) * float(b) for a, b in zip(z[i], z[j], strict=True)) - 0.75 for i, j in EDGES.t()]
    logits = decoder(z, EDGES, sigmoid=False)
    torch.testing.assert_close(logits, torch.tensor(expected))
    probabilities = torch.tensor([1 / (1 + math.exp(-logit)) for logit in expected])
    torch.testing.assert_close(decoder(z, EDGES), probabilities)


@pytest.mark.parametrize("sigmoid", [True, False])
def test_all_pairs_agree_with_chosen_pairs(sigmoid: bool) -> None:
    torch.manual_seed(0)
    z = torch.randn(4, 3)
    decoder = InnerProductDecoder(scale=2.5, bias=-0.75)
    matrix = decoder.forward_all(z, sigmoid=sigmoid)
    assert matrix.shape == (4, 4)
    torch.testing.assert_close(matrix, matrix.t())
    torch.testing.assert_close(matrix[EDGES[0], EDGES[1]], decoder(z, EDGES, sigmoid=sigmoid))


def test_no_pairs_give_no_scores() -> None:
    assert InnerProductDecoder()(torch.randn(4, 3), EDGES[:, :0]).shape == (0,)


def test_defaults_can_be_told_from_certainty() -> None:
    """A scale of 5 lets the cosine of 1 mean a probability of .993; without, it would be .731."""
    z = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(InnerProductDecoder()(z, EDGES[:, :1]).detach()) == pytest.approx(1 / (1 + math.exp(-5)), abs=1e-6)


@pytest.mark.parametrize("learnable", [True, False])
def test_learnable_or_not(learnable: bool) -> None:
    decoder = InnerProductDecoder(learnable=learnable)
    assert {name: p.requires_grad for name, p in decoder.named_parameters()} == {
        "raw_scale": learnable,
        "bias": learnable,
    }
    logits = decoder(torch.eye(4), EDGES, sigmoid=False)
    assert logits.requires_grad is learnable


def test_gradients_of_scale_and_bias() -> None:
    """d logit / d raw_scale = sigmoid(raw_scale) z_i . z_j, d logit / d bias = 1."""
    decoder = InnerProductDecoder(scale=1.5)
    z = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    decoder(z, torch.tensor([[0, 0], [0, 1]]), sigmoid=False).sum().backward()
    slope = 1 - math.exp(-1.5)  # sigmoid at the inverse softplus of 1.5
    assert float(decoder.raw_scale.grad) == pytest.approx((5 + 1) * slope, rel=1e-6)
    assert float(decoder.bias.grad) == 2


def test_scale_stays_positive_however_far_the_raw_one_moves() -> None:
    decoder = InnerProductDecoder()
    with torch.no_grad():
        decoder.raw_scale.fill_(-50.0)
    assert 0 < float(decoder.scale.detach()) < 1e-20


def test_reset_restores_the_initial_values() -> None:
    decoder = InnerProductDecoder(scale=3.0, bias=0.5)
    with torch.no_grad():
        decoder.raw_scale.add_(7)
        decoder.bias.add_(7)
    decoder.reset_parameters()
    assert float(decoder.scale.detach()) == pytest.approx(3.0, rel=1e-6)
    assert float(decoder.bias.detach()) == 0.5


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale must be positive and finite, got {scale}"):
        InnerProductDecoder(scale=scale)


@pytest.mark.parametrize("bias", [float("inf"), float("nan")])
def test_bias_out_of_range_is_refused(bias: float) -> None:
    with pytest.raises(ValueError, match=f"bias must be finite, got {bias}"):
        InnerProductDecoder(bias=bias)
