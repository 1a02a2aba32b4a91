import math

import pytest
import torch
from torch import nn
from torch_geometric.utils import to_undirected

from spherical_gae.nn import (
    DegreeBias,
    DegreeBiasedDecoder,
    HadamardDecoder,
    InnerProductDecoder,
    ThreePathDecoder,
    normalized_adjacency,
)

EDGE_INDEX = to_undirected(torch.tensor([[0, 0, 0, 1], [1, 2, 3, 2]]))  # degrees 3, 2, 2, 1, 0
DEGREE = torch.tensor([3.0, 2.0, 2.0, 1.0, 0.0])


def by_the_definition(degree: int, num_buckets: int) -> int:
    """0; 1; 2; 3-4; 5-8; ..., the last one open."""
    bucket = degree if degree < 2 else 1 + math.ceil(math.log2(degree))
    return min(bucket, num_buckets - 1)


@pytest.mark.parametrize("num_buckets", [2, 3, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64], ids=str)
def test_buckets_by_the_definition(num_buckets: int, dtype: torch.dtype) -> None:
    degrees = torch.arange(300)
    expected = [by_the_definition(int(degree), num_buckets) for degree in degrees]
    assert DegreeBias(num_buckets).bucket(degrees.to(dtype)).tolist() == expected


def test_without_their_bucket_isolated_nodes_count_as_degree_one() -> None:
    bias = DegreeBias(4, isolated=False)
    with torch.no_grad():
        bias.bias.copy_(torch.tensor([100.0, 1.0, 2.0, 3.0]))
    assert bias(DEGREE).tolist() == [3, 2, 2, 1, 1]
    bias.isolated = True
    assert bias(DEGREE).tolist() == [3, 2, 2, 1, 100]


def test_decoder_adds_the_biases_of_both_ends() -> None:
    torch.manual_seed(0)
    inner = InnerProductDecoder(scale=2.0, bias=-1.0)
    decoder = DegreeBiasedDecoder(inner, num_buckets=4)
    z, pairs = torch.randn(5, 3), torch.tensor([[0, 4, 3], [1, 4, 2]])
    torch.testing.assert_close(decoder(z, pairs, degree=DEGREE), inner(z, pairs))  # zero at first
    with torch.no_grad():
        decoder.degree_bias.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    expected = inner(z, pairs, sigmoid=False) + torch.tensor([0.4 + 0.3, 0.1 + 0.1, 0.2 + 0.3])
    torch.testing.assert_close(decoder(z, pairs, sigmoid=False, degree=DEGREE), expected)
    torch.testing.assert_close(decoder(z, pairs, degree=DEGREE), expected.sigmoid())
    logits = decoder.forward_all(z, sigmoid=False, degree=DEGREE)
    torch.testing.assert_close(logits[pairs[0], pairs[1]], expected)
    torch.testing.assert_close(decoder.forward_all(z, degree=DEGREE), logits.sigmoid())
    block = decoder.forward_block(z, pairs[0], pairs[1], sigmoid=False, degree=DEGREE)
    torch.testing.assert_close(block, logits[pairs[0]][:, pairs[1]])
    torch.testing.assert_close(decoder.forward_block(z, pairs[0], pairs[1], degree=DEGREE), block.sigmoid())


def test_gradient_counts_the_ends_in_each_bucket() -> None:
    decoder = DegreeBiasedDecoder(InnerProductDecoder(), num_buckets=4)
    pairs = torch.tensor([[0, 4, 3], [1, 4, 2]])
    decoder(torch.zeros(5, 3), pairs, sigmoid=False, degree=DEGREE).sum().backward()
    assert decoder.degree_bias.bias.grad is not None
    assert decoder.degree_bias.bias.grad.tolist() == [2, 1, 2, 1]


def test_graph_arguments_are_the_degrees() -> None:
    for graph in (EDGE_INDEX, normalized_adjacency(EDGE_INDEX, 5)):
        arguments = DegreeBiasedDecoder.graph_arguments(graph, 5)
        assert list(arguments) == ["degree"]
        assert arguments["degree"].tolist() == DEGREE.tolist()


def test_reset_reaches_decoder_and_biases() -> None:
    torch.manual_seed(0)
    decoder = DegreeBiasedDecoder(HadamardDecoder(3))
    before = {name: tensor.clone() for name, tensor in decoder.state_dict().items()}
    with torch.no_grad():
        decoder.degree_bias.bias.fill_(7.0)
        decoder.decoder.output.bias.fill_(7.0)
    decoder.reset_parameters()
    after = decoder.state_dict()
    assert torch.equal(after["degree_bias.bias"], torch.zeros(8))
    assert torch.equal(after["decoder.output.bias"], torch.zeros(1))
    assert not torch.equal(after["decoder.hidden.weight"], before["decoder.hidden.weight"])


def test_decoder_without_parameters_can_be_reset() -> None:
    class Zero(nn.Module):
        def forward(self, z: torch.Tensor, pairs: torch.Tensor, sigmoid: bool = True) -> torch.Tensor:
            return z.new_zeros(pairs.size(1))

    DegreeBiasedDecoder(Zero()).reset_parameters()


@pytest.mark.parametrize("num_buckets", [1, 0, -3])
def test_too_few_buckets_are_refused(num_buckets: int) -> None:
    with pytest.raises(ValueError, match=f"num_buckets must be at least 2, got {num_buckets}"):
        DegreeBiasedDecoder(InnerProductDecoder(), num_buckets)


def test_all_pairs_by_a_decoder_that_scores_pairs_only() -> None:
    torch.manual_seed(0)
    decoder = DegreeBiasedDecoder(HadamardDecoder(3))
    nn.init.normal_(decoder.degree_bias.bias)
    z, pairs = torch.randn(5, 3), torch.cartesian_prod(torch.arange(5), torch.arange(5)).t()
    expected = decoder(z, pairs, degree=DEGREE).view(5, 5)
    torch.testing.assert_close(decoder.forward_all(z, degree=DEGREE), expected)
    paths = ThreePathDecoder(decoder)
    nn.init.ones_(paths.weight)
    known = paths.graph_arguments(EDGE_INDEX, 5)
    torch.testing.assert_close(paths.forward_all(z, **known), paths(z, pairs, **known).view(5, 5))


def test_a_decoder_that_needs_the_graph_goes_around() -> None:
    with pytest.raises(ValueError, match="decoder must need nothing of the graph, got ThreePathDecoder: put this"):
        DegreeBiasedDecoder(ThreePathDecoder(InnerProductDecoder()))
