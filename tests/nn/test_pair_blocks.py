import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import InnerProductDecoder as PyGDecoder

from spherical_gae.nn import (
    DegreeBiasedDecoder,
    FactorInnerProductDecoder,
    HadamardDecoder,
    InnerProductDecoder,
    pair_blocks,
    score_block,
)

NUM_NODES = 9
SOURCE, TARGET = torch.tensor([3, 0, 3, 8]), torch.tensor([5, 3, 1])
DEGREE = torch.tensor([3.0, 2, 0, 1, 0, 7, 2, 2, 4])


def decoders() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    found = {
        "inner product": InnerProductDecoder(2.5, -0.75),
        "factors": FactorInnerProductDecoder(3, 2.5, -0.75),
        "hadamard": HadamardDecoder(6, 5),
        "pyg": PyGDecoder(),
        "biased": DegreeBiasedDecoder(InnerProductDecoder()),
        "biased factors": DegreeBiasedDecoder(FactorInnerProductDecoder(2)),
        "biased hadamard": DegreeBiasedDecoder(HadamardDecoder(6, 5)),
        "biased pyg": DegreeBiasedDecoder(PyGDecoder()),
    }
    for decoder in found.values():
        for parameter in decoder.parameters():
            nn.init.normal_(parameter)
    return found


@pytest.mark.parametrize("name", decoders())
@pytest.mark.parametrize("sigmoid", [True, False])
@pytest.mark.parametrize("gathered", [1, 60, 1 << 23])
def test_block_is_what_the_decoder_says_of_each_pair(
    monkeypatch: pytest.MonkeyPatch, name: str, sigmoid: bool, gathered: int
) -> None:
    """Of six coordinates, 60 numbers are the ends of 5 pairs."""
    monkeypatch.setattr(pair_blocks, "_GATHERED", gathered)
    decoder, z = decoders()[name], torch.randn(NUM_NODES, 6)
    arguments = {"degree": DEGREE} if name.startswith("biased") else {}
    block = score_block(decoder, z, SOURCE, TARGET, sigmoid=sigmoid, **arguments)
    pairs = torch.cartesian_prod(SOURCE, TARGET).t()
    expected = decoder(z, pairs, sigmoid=sigmoid, **arguments).view(4, 3)
    torch.testing.assert_close(block, expected)
    assert expected.std() > 0.01
    empty = SOURCE[:0]
    assert score_block(decoder, z, empty, TARGET, **arguments).shape == (0, 3)
    assert score_block(decoder, z, SOURCE, empty, **arguments).shape == (4, 0)


def test_forward_is_not_called_where_there_is_a_product_of_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder, z = InnerProductDecoder(), torch.randn(NUM_NODES, 6)
    expected = decoder.forward_all(z)
    monkeypatch.setattr(decoder, "forward", lambda *_, **__: pytest.fail("called with pairs"))
    every = torch.arange(NUM_NODES)
    assert torch.equal(score_block(decoder, z, every, every), expected)


def test_pieces_are_no_larger_than_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Spy(nn.Module):
        def forward(self, z: Tensor, edge_index: Tensor, sigmoid: bool = True) -> Tensor:
            sizes.append(edge_index.size(1))
            return z[edge_index[0], 0] + z[edge_index[1], 0]

    monkeypatch.setattr(pair_blocks, "_GATHERED", 60)
    every = torch.arange(NUM_NODES)
    score_block(Spy(), torch.randn(NUM_NODES, 6), every, every)
    assert sizes == [5] * 16 + [1]
