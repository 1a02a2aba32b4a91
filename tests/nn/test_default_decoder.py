import pytest

from spherical_gae.nn import FactorInnerProductDecoder, InnerProductDecoder, ProductOfSpheresHead, ProjectedNormalHead
from spherical_gae.nn import VonMisesFisherHead as Head
from spherical_gae.nn.default_decoder import default_decoder
from spherical_gae.nn.heads import LatentHead


@pytest.mark.parametrize(
    ("head", "kind", "bias"),
    [
        (Head(), InnerProductDecoder, -2),
        (Head(initial_concentration="paper"), InnerProductDecoder, 0),
        (ProjectedNormalHead(), InnerProductDecoder, -2),
        (ProductOfSpheresHead(3), FactorInnerProductDecoder, -2),
        (ProductOfSpheresHead(3, initial_concentration="paper"), FactorInnerProductDecoder, 0),
    ],
)
def test_it_is_that_of_the_head(head: LatentHead, kind: type, bias: float) -> None:
    decoder = default_decoder(head)
    assert type(decoder) is kind
    assert decoder.bias == bias
