import math

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import to_undirected

from spherical_gae import SphericalGAE
from spherical_gae.nn import (
    DegreeBiasedDecoder,
    FeatureCosineDecoder,
    HadamardDecoder,
    InnerProductDecoder,
    NormalizedPropagationEncoder,
    normalized_adjacency,
)

EDGE_INDEX = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # a path, and node 3 without links
FEATURES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, -0.6]])
PAIRS = torch.tensor([[0, 0, 1, 3], [1, 2, 3, 3]])


def neighborhood() -> Tensor:
    """By hand: degrees with the self-loop are 2, 3, 2, 1."""
    side = 1 / math.sqrt(6)
    rows = torch.stack(
        [
            FEATURES[0] / 2 + FEATURES[1] * side,
            FEATURES[0] * side + FEATURES[1] / 3 + FEATURES[2] * side,
            FEATURES[1] * side + FEATURES[2] / 2,
            FEATURES[3],
        ]
    )
    return rows / rows.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("normalised", [True, False])
def test_neighborhoods_are_those_of_the_graph_that_was_seen(normalised: bool) -> None:
    decoder = FeatureCosineDecoder(InnerProductDecoder(), FEATURES)
    known = decoder.graph_arguments(normalized_adjacency(EDGE_INDEX, 4) if normalised else EDGE_INDEX, 4)
    assert list(known) == ["neighborhood"]
    torch.testing.assert_close(known["neighborhood"], neighborhood())
    nothing = decoder.graph_arguments(EDGE_INDEX[:, :0], 4)
    torch.testing.assert_close(nothing["neighborhood"], FEATURES)


def test_cosine_is_added_to_the_log_odds() -> None:
    inner = InnerProductDecoder(2.0, -1.0)
    decoder = FeatureCosineDecoder(inner, FEATURES, scale=3.0)
    z = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    known = {"neighborhood": neighborhood()}
    cosine = (neighborhood()[PAIRS[0]] * neighborhood()[PAIRS[1]]).sum(-1)
    expected = inner(z, PAIRS, sigmoid=False) + 3 * cosine
    torch.testing.assert_close(decoder(z, PAIRS, sigmoid=False, **known), expected)
    torch.testing.assert_close(decoder(z, PAIRS, **known), expected.sigmoid())
    logits = decoder.forward_all(z, sigmoid=False, **known)
    torch.testing.assert_close(logits[PAIRS[0], PAIRS[1]], expected)
    torch.testing.assert_close(decoder.forward_all(z, **known), logits.sigmoid())
    block = decoder.forward_block(z, PAIRS[0], PAIRS[1], sigmoid=False, **known)
    torch.testing.assert_close(block, logits[PAIRS[0]][:, PAIRS[1]])
    torch.testing.assert_close(decoder.forward_block(z, PAIRS[0], PAIRS[1], **known), block.sigmoid())


@pytest.mark.parametrize("outermost", ["bias", "cosine"])
def test_it_wraps_and_is_wrapped(outermost: str) -> None:
    """Either way round, each part is given what it needs of the graph."""
    inner = InnerProductDecoder()
    if outermost == "bias":
        decoder = DegreeBiasedDecoder(FeatureCosineDecoder(inner, FEATURES), num_buckets=3)
        biases = decoder.degree_bias
    else:
        biased = DegreeBiasedDecoder(inner, num_buckets=3)
        decoder, biases = FeatureCosineDecoder(biased, FEATURES), biased.degree_bias  # type: ignore[assignment]
    with torch.no_grad():
        biases.bias.copy_(torch.tensor([0.5, 1.0, 2.0]))
    z = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    known = decoder.graph_arguments(EDGE_INDEX, 4)
    assert set(known) == {"degree", "neighborhood"}
    cosine = (neighborhood()[PAIRS[0]] * neighborhood()[PAIRS[1]]).sum(-1)
    of_degree = torch.tensor([1.0 + 2, 1 + 1, 2 + 0.5, 0.5 + 0.5])
    expected = inner(z, PAIRS, sigmoid=False) + 5 * cosine + of_degree
    torch.testing.assert_close(decoder(z, PAIRS, sigmoid=False, **known), expected)
    logits = decoder.forward_all(z, sigmoid=False, **known)
    torch.testing.assert_close(logits[PAIRS[0], PAIRS[1]], expected)
    block = decoder.forward_block(z, PAIRS[0], PAIRS[1], sigmoid=False, **known)
    torch.testing.assert_close(block, logits[PAIRS[0]][:, PAIRS[1]])


def test_scale_learns_what_the_cosine_is_worth() -> None:
    """Where nothing else predicts, the scale maximises the likelihood: its gradient is the mean of (y - p) cos."""
    decoder = FeatureCosineDecoder(InnerProductDecoder(1.0), FEATURES, scale=2.0)
    cosine = (neighborhood()[PAIRS[0]] * neighborhood()[PAIRS[1]]).sum(-1)
    labels = torch.tensor([1.0, 0.0, 1.0, 0.0])
    logits = decoder(torch.zeros(4, 3), PAIRS, sigmoid=False, neighborhood=neighborhood())
    torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum").backward()
    expected = ((2 * cosine).sigmoid() - labels) @ cosine
    assert decoder.log_scale.grad is not None
    torch.testing.assert_close(decoder.log_scale.grad, 2 * expected)  # d scale / d log_scale = scale


def test_features_are_not_weights() -> None:
    decoder = FeatureCosineDecoder(InnerProductDecoder(), FEATURES)
    assert set(decoder.state_dict()) == {"log_scale", "decoder.raw_scale", "decoder.bias"}
    assert decoder.to(torch.float64).features.dtype == torch.float64  # but they move with the module


def test_reset_reaches_decoder_and_scale() -> None:
    torch.manual_seed(0)
    decoder = FeatureCosineDecoder(HadamardDecoder(3), FEATURES, scale=4.0)
    with torch.no_grad():
        decoder.log_scale.fill_(7.0)
        decoder.decoder.output.bias.fill_(7.0)
    decoder.reset_parameters()
    torch.testing.assert_close(decoder.scale.detach(), torch.tensor(4.0))
    assert float(decoder.decoder.output.bias.detach()) == 0


def test_in_a_model_it_ranks_partners() -> None:
    torch.manual_seed(0)
    edge_index = to_undirected(torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]))
    features = torch.nn.functional.normalize(torch.randn(6, 4), dim=-1)
    encoder = NormalizedPropagationEncoder(4, (8, 1))
    model = SphericalGAE(encoder, FeatureCosineDecoder(InnerProductDecoder(), features)).eval()
    with torch.no_grad():
        z = model.encode(features, edge_index)
        known = model.graph_arguments(edge_index, 6)
        everything = model.decoder.forward_all(z, sigmoid=False, **known).fill_diagonal_(-math.inf)
    found = model.top_links(z, 2, sigmoid=False, **known)
    expected = everything.topk(2, dim=1)
    torch.testing.assert_close(found.scores, expected.values)
    assert torch.equal(found.indices, expected.indices)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_impossible_scale_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale must be positive and finite, got {scale}"):
        FeatureCosineDecoder(InnerProductDecoder(), FEATURES, scale)


def test_features_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features must have shape \[N, r\], got \(4,\)"):
        FeatureCosineDecoder(InnerProductDecoder(), torch.ones(4))
    with pytest.raises(ValueError, match="num_nodes must be that of the features, 4, got 5"):
        FeatureCosineDecoder(InnerProductDecoder(), FEATURES).graph_arguments(EDGE_INDEX, 5)
