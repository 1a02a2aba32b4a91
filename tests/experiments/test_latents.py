"""Heads by the names of their latents."""

import pytest
import torch

from spherical_gae.experiments.latents import make_head


@pytest.mark.parametrize(("latent", "coordinates"), [("s", 5), ("n", 4), ("p", 5), ("ps", 5), ("sc", 5), ("sp", 6)])
def test_heads_by_name(latent: str, coordinates: int) -> None:
    assert make_head(latent, 4).coordinates(4) == coordinates


def test_product_of_spheres_starts_between_nothing_and_much() -> None:
    """At the dimension 3 of a factor, from which it may fall to zero."""
    head = make_head("sp", 4)
    assert head(torch.ones(1, 6), torch.zeros(1, 2)).factors.concentration.tolist() == [[3.0, 3.0]]
    assert head(torch.ones(1, 6), torch.full((1, 2), -50.0)).factors.concentration.max() < 1e-6


@pytest.mark.parametrize(
    ("latent", "dim", "message"), [("sp", 3, "dim must be even .* 3"), ("x", 2, "s, n, p, ps, sc, sp, got 'x'")]
)
def test_impossible_heads_are_refused(latent: str, dim: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_head(latent, dim)
