import pytest
import torch
from torch import nn

from spherical_gae.embedding import likeliest
from spherical_gae.embedding.likeliest import likeliest_pairs
from spherical_gae.models import SphericalGAE


class Nothing(nn.Module):
    def reset_parameters(self) -> None: ...


@pytest.mark.parametrize("at_once", [1, 30, 10**6])
def test_likeliest_pairs_by_brute_force(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeliest, "_MAX_CANDIDATES", at_once)
    z = nn.functional.normalize(torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    edge_index = torch.tensor([[0, 1, 2, 7], [1, 0, 7, 2]])
    model = SphericalGAE(Nothing())
    found = likeliest_pairs(model, z, 12, edge_index, {})
    pairs = torch.combinations(torch.arange(20)).t()
    pairs = pairs[:, ~((pairs == torch.tensor([[0], [1]])).all(0) | (pairs == torch.tensor([[2], [7]])).all(0))]
    best = model.decode(z, pairs, sigmoid=False).topk(12)
    torch.testing.assert_close(found.log_odds, best.values)
    assert torch.equal(found.pairs, pairs[:, best.indices])
