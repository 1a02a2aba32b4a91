import math

import pytest
import torch
from torch import nn

from spherical_gae.nn import FactorInnerProductDecoder, HadamardDecoder, InnerProductDecoder

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


def factor_decoder(scales: list[float], bias: float) -> FactorInnerProductDecoder:
    """A decoder whose factors differ, as after training."""
    decoder = FactorInnerProductDecoder(len(scales), bias=bias)
    with torch.no_grad():
        decoder.raw_scale.copy_(torch.tensor(scales).expm1().log())
    return decoder


def test_one_factor_is_the_inner_product() -> None:
    torch.manual_seed(0)
    z = torch.randn(4, 3)
    plain, factor = InnerProductDecoder(2.5, -0.75), FactorInnerProductDecoder(1, 2.5, -0.75)
    for sigmoid in (True, False):
        torch.testing.assert_close(factor(z, EDGES, sigmoid), plain(z, EDGES, sigmoid))
        torch.testing.assert_close(factor.forward_all(z, sigmoid), plain.forward_all(z, sigmoid))


def test_factors_of_equal_scale_are_the_inner_product_too() -> None:
    torch.manual_seed(0)
    z = torch.randn(4, 6)
    plain, factor = InnerProductDecoder(2.5, -0.75), FactorInnerProductDecoder(3, 2.5, -0.75)
    torch.testing.assert_close(factor(z, EDGES), plain(z, EDGES))


def test_log_odds_on_a_product_by_the_formula() -> None:
    torch.manual_seed(0)
    z, scales = torch.randn(4, 6), [0.5, 2.0, 7.0]
    decoder = factor_decoder(scales, bias=-0.75)
    torch.testing.assert_close(decoder.scale, torch.tensor(scales))
    expected = [
        sum(scales[c // 2] * float(z[i, c]) * float(z[j, c]) for c in range(6)) - 0.75 for i, j in EDGES.t().tolist()
    ]
    torch.testing.assert_close(decoder(z, EDGES, sigmoid=False), torch.tensor(expected))
    probabilities = torch.tensor([1 / (1 + math.exp(-logit)) for logit in expected])
    torch.testing.assert_close(decoder(z, EDGES), probabilities)


@pytest.mark.parametrize("sigmoid", [True, False])
def test_all_pairs_on_a_product_agree_with_chosen_pairs(sigmoid: bool) -> None:
    torch.manual_seed(0)
    z = torch.randn(4, 6)
    decoder = factor_decoder([0.5, 2.0, 7.0], bias=-0.75)
    matrix = decoder.forward_all(z, sigmoid=sigmoid)
    assert matrix.shape == (4, 4)
    torch.testing.assert_close(matrix, matrix.t())
    torch.testing.assert_close(matrix[EDGES[0], EDGES[1]], decoder(z, EDGES, sigmoid=sigmoid))
    assert decoder(z, EDGES[:, :0], sigmoid=sigmoid).shape == (0,)


@pytest.mark.parametrize("sigmoid", [True, False])
@pytest.mark.parametrize("decoder", [InnerProductDecoder(2.5, -0.75), factor_decoder([0.5, 2.0, 7.0], -0.75)])
def test_block_of_pairs_is_a_part_of_all_pairs(decoder: nn.Module, sigmoid: bool) -> None:
    torch.manual_seed(0)
    z, source, target = torch.randn(4, 6), torch.tensor([3, 3, 0]), torch.tensor([2, 3])
    block = decoder.forward_block(z, source, target, sigmoid=sigmoid)
    torch.testing.assert_close(block, decoder.forward_all(z, sigmoid=sigmoid)[source][:, target])
    assert decoder.forward_block(z, source[:0], target).shape == (0, 2)


@pytest.mark.parametrize("num_factors", [1, 2, 8])
def test_default_scales_add_up_to_five(num_factors: int) -> None:
    """A point with itself, where each of the K inner products is 1, has log-odds of 5 as on one sphere."""
    decoder = FactorInnerProductDecoder(num_factors)
    torch.testing.assert_close(decoder.scale, torch.full((num_factors,), 5 / num_factors))
    z = torch.tensor([[0.6, -0.8] * num_factors])
    logit = decoder(z, torch.zeros(2, 1, dtype=torch.long), sigmoid=False)
    torch.testing.assert_close(logit, torch.tensor([5.0]))


def test_gradients_of_the_scales_and_the_bias() -> None:
    """d logit / d raw_scale_k = sigmoid(raw_scale_k) z_i^k . z_j^k, d logit / d bias = 1."""
    scales = [1.5, 0.25]
    decoder = factor_decoder(scales, bias=0.0)
    z = torch.tensor([[1.0, 2.0, 3.0, 1.0], [3.0, -1.0, 0.5, 2.0]])
    decoder(z, torch.tensor([[0, 0], [0, 1]]), sigmoid=False).sum().backward()
    expected = [(5 + 1) * (1 - math.exp(-1.5)), (10 + 3.5) * (1 - math.exp(-0.25))]
    assert decoder.raw_scale.grad.tolist() == pytest.approx(expected, rel=1e-5)
    assert float(decoder.bias.grad) == 2


def test_reset_restores_the_initial_scales() -> None:
    decoder = FactorInnerProductDecoder(2, scale=3.0, bias=0.5)
    with torch.no_grad():
        decoder.raw_scale.add_(torch.tensor([7.0, -1.0]))
        decoder.bias.add_(7)
    decoder.reset_parameters()
    torch.testing.assert_close(decoder.scale, torch.tensor([3.0, 3.0]))
    assert float(decoder.bias.detach()) == 0.5


def test_factor_decoder_refuses_what_is_out_of_range() -> None:
    for num_factors in (0, -1):
        with pytest.raises(ValueError, match=f"num_factors must be at least 1, got {num_factors}"):
            FactorInnerProductDecoder(num_factors)
    for scale in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=f"scale must be positive and finite, got {scale}"):
            FactorInnerProductDecoder(2, scale=scale)
    for bias in (math.inf, math.nan):
        with pytest.raises(ValueError, match=f"bias must be finite, got {bias}"):
            FactorInnerProductDecoder(2, bias=bias)


@pytest.mark.parametrize("width", [2, 4, 7])
def test_width_that_is_no_multiple_of_the_factors_is_refused(width: int) -> None:
    decoder, z = FactorInnerProductDecoder(3), torch.randn(4, width)
    for call in (lambda: decoder(z, EDGES), lambda: decoder.forward_all(z)):
        with pytest.raises(ValueError, match=f"multiple of 3 coordinates, one block per factor, got {width}"):
            call()


def test_hadamard_by_the_formula() -> None:
    """The product enters times m, so that on the unit sphere it is of size 1."""
    torch.manual_seed(0)
    z = torch.randn(4, 3)
    decoder = HadamardDecoder(3, hidden_channels=5)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter)
    (hidden_weight, hidden_bias), (weight, bias) = (
        (layer.weight.tolist(), layer.bias.tolist()) for layer in (decoder.hidden, decoder.output)
    )
    expected = []
    for i, j in EDGES.t().tolist():
        product = [3 * float(a) * float(b) for a, b in zip(z[i], z[j], strict=True)]
        sums = [sum(w * p for w, p in zip(row, product, strict=True)) for row in hidden_weight]
        hidden = [max(0.0, value + b) for value, b in zip(sums, hidden_bias, strict=True)]
        expected.append(sum(w * h for w, h in zip(weight[0], hidden, strict=True)) + bias[0])
    logits = decoder(z, EDGES, sigmoid=False)
    torch.testing.assert_close(logits, torch.tensor(expected))
    torch.testing.assert_close(decoder(z, EDGES), torch.tensor([1 / (1 + math.exp(-logit)) for logit in expected]))
    assert decoder(z, EDGES[:, :0]).shape == (0,)
    # Symmetric, and not constant.
    assert torch.equal(decoder(z, EDGES.flip(0), sigmoid=False), logits)
    assert logits.std() > 0.1


def test_hadamard_contains_the_inner_product() -> None:
    """By two hidden units, s - (-s) of the parts above and below zero."""
    torch.manual_seed(0)
    z = torch.randn(4, 3)
    decoder = HadamardDecoder(3, hidden_channels=2)
    with torch.no_grad():
        decoder.hidden.weight.copy_(torch.tensor([[1.0], [-1.0]]).expand(2, 3) / 3)
        decoder.output.weight.copy_(torch.tensor([[2.5, -2.5]]))
        decoder.output.bias.fill_(-0.75)
    torch.testing.assert_close(decoder(z, EDGES), InnerProductDecoder(2.5, -0.75)(z, EDGES))


def test_hadamard_reset_draws_glorot_weights_and_zero_biases() -> None:
    torch.manual_seed(0)
    decoder = HadamardDecoder(16)
    assert [tuple(p.shape) for p in decoder.parameters()] == [(64, 16), (64,), (1, 64), (1,)]
    before = [p.clone() for p in decoder.parameters()]
    for parameter in decoder.parameters():
        nn.init.constant_(parameter, 9.0)
    decoder.reset_parameters()
    for layer, old in ((decoder.hidden, before[0]), (decoder.output, before[2])):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert not torch.equal(layer.weight, old)
        assert 0.9 * bound < layer.weight.abs().max() <= bound
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@pytest.mark.parametrize("width", [0, -1])
def test_hadamard_width_below_one_is_refused(width: int) -> None:
    for in_channels, hidden_channels in ((width, 4), (4, width)):
        message = f"widths must be at least 1, got in_channels={in_channels}, hidden_channels={hidden_channels}"
        with pytest.raises(ValueError, match=message):
            HadamardDecoder(in_channels, hidden_channels)


@pytest.mark.parametrize("decoder", [InnerProductDecoder(), FactorInnerProductDecoder(2)])
def test_all_pairs_are_as_exact_under_autocast(decoder: InnerProductDecoder | FactorInnerProductDecoder) -> None:
    """In half precision, nearly equal scores would be equal, and ranks read from them those of the node ids."""
    z = torch.nn.functional.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), dim=-1)
    expected = decoder(z, EDGES, sigmoid=False)
    with torch.autocast("cpu", torch.bfloat16):
        scores, of_pairs = decoder.forward_all(z, sigmoid=False), decoder(z, EDGES, sigmoid=False)
    assert scores.dtype == of_pairs.dtype == torch.float32
    assert of_pairs.equal(expected)
    torch.testing.assert_close(scores[EDGES[0], EDGES[1]], expected, rtol=1e-6, atol=1e-6)
