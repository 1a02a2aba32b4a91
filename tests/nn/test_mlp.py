import math
from itertools import pairwise

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from spherical_gae.nn.mlp import MLP, ClassConditionalMLP, MLPEncoder, Scale

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def affine(layer: nn.Linear, x: list[float]) -> list[float]:
    rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
    return [math.fsum(w * value for w, value in zip(row, x, strict=True)) + b for row, b in rows]


def relu(x: list[float]) -> list[float]:
    return [max(0.0, value) for value in x]


def randomise(network: nn.Module) -> None:
    """Parameters far from their start, biases too, so that each of them counts."""
    for parameter in network.parameters():
        nn.init.normal_(parameter)


def linear_layers(network: nn.Module) -> list[nn.Linear]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def check_uniform(weights: Tensor, bound: float) -> None:
    """Uniform on [-bound, bound], whose variance is bound^2 / 3 with a relative error of sqrt(4 / (5 n))."""
    values = weights.detach().double().flatten()
    assert 0.99 * bound < values.abs().max() <= bound * (1 + 1e-6)
    assert stats.kstest(values.numpy(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
    assert float(values.square().mean()) == pytest.approx(bound**2 / 3, rel=4 * math.sqrt(0.8 / values.numel()))


@DTYPES
@pytest.mark.parametrize("final_activation", [False, True])
@pytest.mark.parametrize("widths", [(4, 3), (4, 6, 3), (4, 6, 5, 3)])
def test_value_by_a_hand_written_forward(widths: tuple[int, ...], final_activation: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    network = MLP(widths, final_activation).to(dtype)
    randomise(network)
    layers = linear_layers(network)
    assert [(layer.in_features, layer.out_features) for layer in layers] == list(pairwise(widths))
    x = torch.randn(7, 4, dtype=dtype)
    expected = []
    for row in x.tolist():
        for number, layer in enumerate(layers):
            row = affine(layer, row)
            if number < len(layers) - 1 or final_activation:
                row = relu(row)
        expected.append(row)
    expected = torch.tensor(expected, dtype=dtype)
    torch.testing.assert_close(network(x), expected, rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-5)
    assert bool((expected < 0).any()) is not final_activation


def test_weights_are_glorot_uniform_and_biases_zero() -> None:
    torch.manual_seed(0)
    layers = linear_layers(MLP((300, 200, 100, 150)))
    assert len(layers) == 3
    for layer in layers:
        check_uniform(layer.weight, math.sqrt(6 / (layer.in_features + layer.out_features)))
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


def test_reset_draws_anew() -> None:
    torch.manual_seed(0)
    encoder = MLPEncoder(100, (80, 60), (50, 40))
    before = [layer.weight.clone() for layer in linear_layers(encoder)]
    for parameter in encoder.parameters():
        nn.init.constant_(parameter, 9.0)
    encoder.reset_parameters()
    for layer, old in zip(linear_layers(encoder), before, strict=True):
        check_uniform(layer.weight, math.sqrt(6 / (layer.in_features + layer.out_features)))
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))
        assert not torch.equal(layer.weight, old)


@pytest.mark.parametrize("widths", [(), (4,), (4, 0), (0, 4), (4, -1, 3)])
def test_widths_out_of_range_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"widths must be at least two numbers of at least 1, got \["):
        MLP(widths)


@DTYPES
def test_encoder_has_one_linear_layer_per_parameter_on_the_same_hidden_features(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    encoder = MLPEncoder(4, (6, 5), (3, 1)).to(dtype)
    randomise(encoder)
    first, second, *outputs = linear_layers(encoder)
    assert len(outputs) == 2
    x = torch.randn(2, 3, 4, dtype=dtype)
    parameters = encoder(x)
    assert [p.shape for p in parameters] == [(2, 3, 3), (2, 3, 1)]
    for index in ((0, 0), (1, 2)):
        hidden = relu(affine(second, relu(affine(first, x[index].tolist()))))
        for parameter, output in zip(parameters, outputs, strict=True):
            torch.testing.assert_close(parameter[index], torch.tensor(affine(output, hidden), dtype=dtype))


@pytest.mark.parametrize(
    ("in_features", "hidden", "out"),
    [(4, (), (3,)), (0, (5,), (3,)), (4, (0,), (3,)), (4, (5,), ()), (4, (5,), (3, 0))],
)
def test_encoder_widths_out_of_range_are_refused(in_features: int, hidden: tuple[int], out: tuple[int]) -> None:
    with pytest.raises(ValueError, match="of at least 1, got"):
        MLPEncoder(in_features, hidden, out)


@DTYPES
def test_class_conditional_is_a_linear_layer_on_the_vector_and_a_one_hot_class(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    network = ClassConditionalMLP(4, 3, 6, (2, 5)).to(dtype)
    randomise(network)
    z, y = torch.randn(8, 4, dtype=dtype), torch.tensor([0, 1, 2, 0, 1, 2, 2, 2])
    joint = nn.Linear(4 + 3, 6).to(dtype)
    with torch.no_grad():
        joint.weight.copy_(torch.cat([network.of_vector.weight, network.of_class.weight.t()], dim=1))
        joint.bias.copy_(network.of_vector.bias)
    results = network(z, y)
    for i in range(8):
        one_hot = [float(y[i] == k) for k in range(3)]
        hidden = relu(affine(joint, z[i].tolist() + one_hot))
        for result, output in zip(results, network.outputs, strict=True):
            torch.testing.assert_close(result[i], torch.tensor(affine(output[0], hidden), dtype=dtype))


def test_vectors_broadcast_over_all_classes() -> None:
    torch.manual_seed(0)
    network = ClassConditionalMLP(4, 3, 6, (2, 5))
    randomise(network)
    z = torch.randn(8, 4)
    everything = network(z.unsqueeze(1), torch.arange(3))
    assert [part.shape for part in everything] == [(8, 3, 2), (8, 3, 5)]
    for k in range(3):
        for part, alone in zip(everything, network(z, torch.full((8,), k)), strict=True):
            torch.testing.assert_close(part[:, k], alone)
    assert (everything[0][:, 0] - everything[0][:, 1]).abs().min() > 1e-3  # the class counts


def test_gradient_reaches_the_rows_of_the_classes_that_occur() -> None:
    torch.manual_seed(0)
    network = ClassConditionalMLP(4, 5, 16, (2,))
    network(torch.randn(6, 4), torch.tensor([1, 3, 3, 1, 1, 3]))[0].sum().backward()
    used = network.of_class.weight.grad.abs().amax(1)
    assert [bool(value > 0) for value in used] == [False, True, False, True, False]


def test_class_conditional_bound_is_that_of_the_joint_layer() -> None:
    torch.manual_seed(0)
    network = ClassConditionalMLP(150, 100, 200, (120,))
    nn.init.constant_(network.of_class.weight, 9.0)
    nn.init.constant_(network.of_vector.bias, 9.0)
    network.reset_parameters()
    bound = math.sqrt(6 / (150 + 100 + 200))
    check_uniform(network.of_vector.weight, bound)
    check_uniform(network.of_class.weight, bound)
    check_uniform(network.outputs[0][0].weight, math.sqrt(6 / (200 + 120)))
    assert not network.of_vector.bias.any()
    assert not network.outputs[0][0].bias.any()


@pytest.mark.parametrize(
    "arguments", [(0, 3, 6, (2,)), (4, 0, 6, (2,)), (4, 3, 0, (2,)), (4, 3, 6, (2, 0)), (4, 3, 6, ())]
)
def test_class_conditional_widths_out_of_range_are_refused(arguments: tuple) -> None:
    with pytest.raises(ValueError, match=f"widths must be at least 1, got in_features={arguments[0]}, num_classes="):
        ClassConditionalMLP(*arguments)


@DTYPES
def test_scale_multiplies(dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, dtype=dtype, requires_grad=True)
    scaled = Scale(-2.5)(x)
    assert scaled.dtype == dtype
    assert torch.equal(scaled, x * -2.5)
    (gradient,) = torch.autograd.grad(scaled.sum(), x)
    assert torch.equal(gradient, torch.full_like(x, -2.5))
    assert repr(Scale(-2.5)) == "Scale(factor=-2.5)"


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
def test_scale_must_be_finite(factor: float) -> None:
    with pytest.raises(ValueError, match=f"^factor must be finite, got {factor}$"):
        Scale(factor)
