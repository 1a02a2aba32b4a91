import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch_geometric.nn import GCNConv

from spherical_gae.nn import (
    BatchNormPropagationEncoder,
    GCNEncoder,
    NormalizedPropagationEncoder,
    SparseMatrix,
    normalized_adjacency,
)

NUM_NODES, NUM_FEATURES = 30, 12

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "gcn": lambda dropout=0.0: GCNEncoder(NUM_FEATURES, 16, (3, 1), dropout),
    "propagation": lambda dropout=0.0: NormalizedPropagationEncoder(NUM_FEATURES, (3, 1), 2, dropout),
    "blocks": lambda dropout=0.0: NormalizedPropagationEncoder(NUM_FEATURES, (6, 2), (2, 0), dropout),
    "batch_norm": lambda dropout=0.0: BatchNormPropagationEncoder(NUM_FEATURES, (3, 1), dropout),
}
INPUTS: dict[str, Callable[[Tensor], Any]] = {
    "coo": Tensor.to_sparse,
    "csr": Tensor.to_sparse_csr,
    "SparseMatrix": SparseMatrix,
}


@pytest.fixture
def graph() -> tuple[Tensor, Tensor]:
    """Sparse features and directed links; the last nodes have no links."""
    torch.manual_seed(0)
    x = torch.rand(NUM_NODES, NUM_FEATURES)
    return x * (torch.rand_like(x) < 0.3), torch.randint(NUM_NODES - 3, (2, 80))


def randomize_biases(encoder: nn.Module) -> None:
    """Biases are zero at first, which would hide where they enter."""
    for name, parameter in encoder.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)


def linear_layers(encoder: nn.Module) -> list[nn.Linear]:
    return [layer for layer in encoder.modules() if isinstance(layer, nn.Linear)]


def test_gcn_equals_pyg_layers_of_the_same_weights(graph: tuple[Tensor, Tensor]) -> None:
    """With biases of zero, as they are at first: PyG adds them after the propagation."""
    x, edge_index = graph
    encoder = GCNEncoder(NUM_FEATURES, 16, (3, 1))
    hidden, *outputs = (GCNConv(layer.in_features, layer.out_features) for layer in linear_layers(encoder))
    for conv, layer in zip((hidden, *outputs), linear_layers(encoder), strict=True):
        conv.lin.weight = layer.weight
    expected = [conv(hidden(x, edge_index).relu(), edge_index) for conv in outputs]
    torch.testing.assert_close(encoder(x, edge_index), tuple(expected))


def test_gcn_by_the_formula(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    encoder = GCNEncoder(NUM_FEATURES, 16, (3, 1))
    randomize_biases(encoder)
    adjacency = normalized_adjacency(edge_index, NUM_NODES).to_dense()
    first, *rest = linear_layers(encoder)
    hidden = (adjacency @ (x @ first.weight.t() + first.bias)).clamp(min=0)
    expected = tuple(adjacency @ (hidden @ layer.weight.t() + layer.bias) for layer in rest)
    torch.testing.assert_close(encoder(x, edge_index), expected)


@pytest.mark.parametrize("num_steps", [1, 3])
def test_normalized_propagation_by_the_formula(graph: tuple[Tensor, Tensor], num_steps: int) -> None:
    x, edge_index = graph
    encoder = NormalizedPropagationEncoder(NUM_FEATURES, (3, 1, 2), num_steps)
    randomize_biases(encoder)
    power = torch.linalg.matrix_power(normalized_adjacency(edge_index, NUM_NODES).to_dense(), num_steps)
    raw = [x @ layer.weight.t() + layer.bias for layer in linear_layers(encoder)]
    expected = (power @ (raw[0] / raw[0].norm(dim=1, keepdim=True)), power @ raw[1], power @ raw[2])
    torch.testing.assert_close(encoder(x, edge_index), expected)


@pytest.mark.parametrize("num_steps", [(1, 2), (3, 0, 1), (2, 2), (0, 0), [0, 4]], ids=str)
def test_blocks_take_their_own_number_of_steps(graph: tuple[Tensor, Tensor], num_steps: Sequence[int]) -> None:
    x, edge_index = graph
    num_blocks = len(num_steps)
    widths = (3 * num_blocks, num_blocks, 2 * num_blocks)
    encoder = NormalizedPropagationEncoder(NUM_FEATURES, widths, num_steps)
    randomize_biases(encoder)
    adjacency = normalized_adjacency(edge_index, NUM_NODES).to_dense()
    powers = [torch.linalg.matrix_power(adjacency, steps) for steps in num_steps]
    raw = [x @ layer.weight.t() + layer.bias for layer in linear_layers(encoder)]
    for part, (parameter, output) in enumerate(zip(encoder(x, edge_index), raw, strict=True)):
        width = widths[part] // num_blocks
        assert parameter.shape == output.shape
        for k, power in enumerate(powers):
            block = output[:, k * width : (k + 1) * width]
            if part == 0:
                block = block / block.norm(dim=1, keepdim=True)
            torch.testing.assert_close(parameter[:, k * width : (k + 1) * width], power @ block)


@pytest.mark.parametrize("num_steps", [0, 1, 3])
def test_one_number_of_steps_is_a_sequence_of_one_block(graph: tuple[Tensor, Tensor], num_steps: int) -> None:
    x, edge_index = graph
    one, block = (NormalizedPropagationEncoder(NUM_FEATURES, (3, 1), steps) for steps in (num_steps, [num_steps]))
    block.load_state_dict(one.state_dict())
    assert one.num_steps == block.num_steps == (num_steps,)
    for output, expected in zip(block(x, edge_index), one(x, edge_index), strict=True):
        assert torch.equal(output, expected)


def test_no_steps_are_no_propagation(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    encoder = NormalizedPropagationEncoder(NUM_FEATURES, (3, 1), 0)
    randomize_biases(encoder)
    direction, concentration = (x @ layer.weight.t() + layer.bias for layer in linear_layers(encoder))
    expected = (direction / direction.norm(dim=1, keepdim=True), concentration)
    for links in (edge_index, edge_index[:, :0]):
        torch.testing.assert_close(encoder(x, links), expected)


def batch_norm_parts(x: Tensor, edge_index: Tensor) -> tuple[BatchNormPropagationEncoder, list[Tensor]]:
    """An encoder of random biases, scales and shifts, and its parameters before batch normalisation and ELU."""
    encoder = BatchNormPropagationEncoder(NUM_FEATURES, (3, 1, 2))
    randomize_biases(encoder)
    nn.init.normal_(encoder.norm.weight)
    adjacency = normalized_adjacency(edge_index, NUM_NODES).to_dense()
    return encoder, [adjacency @ (x @ layer.weight.t() + layer.bias) for layer in linear_layers(encoder)]


def elu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, x.expm1())


def test_batch_norm_in_training_by_the_formula(graph: tuple[Tensor, Tensor]) -> None:
    """Normalised by the nodes' mean and biased variance, which only the running variance corrects."""
    x, edge_index = graph
    encoder, (first, *others) = batch_norm_parts(x, edge_index)
    mean, variance = first.mean(0), (first - first.mean(0)).square().mean(0)
    scaled = (first - mean) / (variance + 1e-5).sqrt() * encoder.norm.weight + encoder.norm.bias
    assert (scaled < 0).any()
    torch.testing.assert_close(encoder(x, edge_index), (elu(scaled), *others), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(encoder.norm.running_mean, 0.1 * mean)
    expected = 0.9 + 0.1 * variance * NUM_NODES / (NUM_NODES - 1)
    torch.testing.assert_close(encoder.norm.running_var, expected)


def test_batch_norm_in_evaluation_by_the_formula(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    encoder, (first, *others) = batch_norm_parts(x, edge_index)
    nn.init.normal_(encoder.norm.running_mean)
    nn.init.uniform_(encoder.norm.running_var, 0.5, 2.0)
    statistics = {name: value.clone() for name, value in encoder.norm.named_buffers()}
    scale = encoder.norm.weight / (statistics["running_var"] + 1e-5).sqrt()
    scaled = (first - statistics["running_mean"]) * scale + encoder.norm.bias
    torch.testing.assert_close(encoder.eval()(x, edge_index), (elu(scaled), *others), rtol=1e-5, atol=1e-5)
    for name, value in encoder.norm.named_buffers():
        assert torch.equal(value, statistics[name])


def test_reset_resets_the_batch_normalisation(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    encoder, _ = batch_norm_parts(x, edge_index)
    encoder(x, edge_index)
    assert int(encoder.norm.num_batches_tracked) == 1
    encoder.reset_parameters()
    fresh = nn.BatchNorm1d(3).state_dict()
    assert fresh.keys() == encoder.norm.state_dict().keys()
    for name, value in encoder.norm.state_dict().items():
        assert torch.equal(value, fresh[name]), name


def test_direction_of_an_isolated_node_keeps_unit_norm(graph: tuple[Tensor, Tensor]) -> None:
    """What normalising before the propagation is for: the norm does not depend on the features' scale."""
    x, edge_index = graph
    direction, _ = NormalizedPropagationEncoder(NUM_FEATURES, (3, 1))(x * 1e-3, edge_index)
    torch.testing.assert_close(direction[-3:].norm(dim=1), torch.ones(3))
    torch.testing.assert_close(direction[-3:], normalize(direction[-3:], dim=1))


@pytest.mark.filterwarnings("ignore:Sparse CS")
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("kind", INPUTS)
def test_sparse_features_give_what_dense_ones_give(graph: tuple[Tensor, Tensor], name: str, kind: str) -> None:
    x, edge_index = graph
    encoder = ENCODERS[name]()
    randomize_biases(encoder)

    def outputs_and_gradients(features: Any, adjacency: Any) -> list[Tensor]:
        outputs = encoder(features, adjacency)
        return [*outputs, *torch.autograd.grad(torch.cat(outputs, 1).square().sum(), list(encoder.parameters()))]

    expected = outputs_and_gradients(x, edge_index)
    actual = outputs_and_gradients(INPUTS[kind](x), normalized_adjacency(edge_index, NUM_NODES))
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_float64_throughout(graph: tuple[Tensor, Tensor], name: str) -> None:
    x, edge_index = graph
    encoder = ENCODERS[name]()
    expected = encoder(x, edge_index)
    actual = encoder.double()(x.double(), edge_index)
    assert [output.dtype for output in actual] == [torch.float64, torch.float64]
    torch.testing.assert_close(tuple(output.float() for output in actual), expected)


@pytest.mark.parametrize("name", ENCODERS)
def test_reset_draws_glorot_weights_and_zero_biases(name: str) -> None:
    torch.manual_seed(0)
    encoder = ENCODERS[name]()
    before = [layer.weight.clone() for layer in linear_layers(encoder)]
    randomize_biases(encoder)
    encoder.reset_parameters()
    for layer, old in zip(linear_layers(encoder), before, strict=True):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert not torch.equal(layer.weight, old)
        assert layer.weight.abs().max() <= bound
        assert layer.weight.abs().max() > 0.7 * bound
        assert abs(layer.weight.std() / bound - 1 / math.sqrt(3)) < 0.25
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("convert", [Tensor.clone, SparseMatrix], ids=["dense", "sparse"])
def test_dropout_acts_in_training_only(
    graph: tuple[Tensor, Tensor], name: str, convert: Callable[[Tensor], Any]
) -> None:
    x, edge_index = graph
    encoder = ENCODERS[name](dropout=0.5)
    features = convert(x)
    first, second = (encoder(features, edge_index) for _ in range(2))
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])
    plain = ENCODERS[name]()
    plain.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(encoder.eval()(features, edge_index), plain.eval()(x, edge_index))


def test_dropout_is_right_on_average(graph: tuple[Tensor, Tensor]) -> None:
    """The concentration of the linear encoder is linear in the features: its mean is the value without dropout."""
    x, edge_index = graph
    encoder = NormalizedPropagationEncoder(NUM_FEATURES, (3, 1), dropout=0.5)
    draws = torch.stack([encoder(SparseMatrix(x), edge_index)[1] for _ in range(500)])
    _, expected = encoder.eval()(x, edge_index)
    error = draws.mean(0) - expected
    assert (error.abs() <= 5 * draws.std(0) / math.sqrt(500) + 1e-6).all()


def test_gcn_drops_out_the_hidden_layer_too(graph: tuple[Tensor, Tensor]) -> None:
    """With a single feature and a single hidden unit, dropping either must silence whole nodes."""
    torch.manual_seed(0)
    encoder = GCNEncoder(1, 1, (1,), dropout=0.5)
    nn.init.ones_(encoder.hidden.weight)
    nn.init.ones_(encoder.outputs[0].weight)
    no_links = torch.empty(2, 0, dtype=torch.long)
    (output,) = encoder(torch.ones(4000, 1), no_links)
    # Each node keeps feature and hidden unit with probability 1/4, and is then scaled by 2 twice.
    assert output.unique().tolist() == [0.0, 4.0]
    assert abs(float((output > 0).float().mean()) - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 4000)


@pytest.mark.parametrize("width", [0, -1])
def test_width_below_one_is_refused(width: int) -> None:
    for arguments in [(width, 4, (2, 1)), (4, width, (2, 1)), (4, 4, (2, width)), (4, 4, ())]:
        with pytest.raises(ValueError, match="widths and steps must be at least 1"):
            GCNEncoder(*arguments)
    for arguments in [(width, (2, 1)), (4, (2, width)), (4, (width, 1)), (4, ())]:
        for encoder in (NormalizedPropagationEncoder, BatchNormPropagationEncoder):
            with pytest.raises(ValueError, match="widths and steps must be at least 1"):
                encoder(*arguments)


@pytest.mark.parametrize("num_steps", [-1, (), (-1,), (2, -1)])
def test_negative_or_no_number_of_steps_is_refused(num_steps: int | tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="num_steps must be at least 0, one or several, got") as error:
        NormalizedPropagationEncoder(4, (4, 2), num_steps)
    assert str(error.value).endswith(f"got {num_steps}")


@pytest.mark.parametrize("out_channels", [(3, 2), (4, 1), (4, 2, 3)])
def test_width_that_is_no_multiple_of_the_blocks_is_refused(out_channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of the number of blocks, 2, got") as error:
        NormalizedPropagationEncoder(4, out_channels, (1, 2))
    assert str(error.value).endswith(f"got {out_channels}")


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_dropout_out_of_range_is_refused(name: str, dropout: float) -> None:
    with pytest.raises(ValueError, match=rf"dropout must be in \[0, 1\), got {dropout}"):
        ENCODERS[name](dropout=dropout)


def test_settings_are_shown() -> None:
    """A checkpoint tells models apart by what they show."""
    assert "dropout=0.25" in repr(GCNEncoder(3, 4, (2, 1), dropout=0.25))
    assert "num_steps=(1, 2), dropout=0.5" in repr(
        NormalizedPropagationEncoder(3, (4, 2), num_steps=(1, 2), dropout=0.5)
    )


@pytest.mark.parametrize("num_steps", [1, (1, 2)])
def test_a_node_without_features_does_not_outweigh_the_others(
    graph: tuple[Tensor, Tensor], num_steps: int | tuple[int, ...]
) -> None:
    """Biases start at 0, so its row is 0, where the slope of a normalisation is without bound."""
    x, edge_index = graph
    x = x.clone()
    node = int(edge_index[0, 0])
    x[node] = 0
    encoder = NormalizedPropagationEncoder(x.size(1), (4, 2), num_steps)
    direction, _ = encoder(x, edge_index)
    direction.square().sum().backward()
    assert encoder.outputs[0].bias.grad.abs().max() < 100 * encoder.outputs[0].weight.grad.abs().max()
