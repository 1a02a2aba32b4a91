import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from spherical_gae import load_graph
from spherical_gae.data import tfidf_features, unit_features


def test_tfidf_by_hand() -> None:
    """Feature 0 is everywhere, so that its idf is 1; feature 1 is in one row of three."""
    x = torch.tensor([[1.0, 0.0], [1.0, 2.0], [3.0, 0.0]])
    idf = math.log((1 + 3) / (1 + 1)) + 1
    norm = math.hypot(1, 2 * idf)
    expected = torch.tensor([[1, 0], [1 / norm, 2 * idf / norm], [1, 0]])
    torch.testing.assert_close(tfidf_features(x), expected)
    torch.testing.assert_close(unit_features(x), expected)


def test_tfidf_of_negative_features_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x must be non-negative for tf-idf, got a smallest entry of -2\.0"):
        tfidf_features(torch.tensor([[1.0, -2.0]]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.float16])
def test_features_with_a_negative_one_are_normalised_only(dtype: torch.dtype) -> None:
    x = torch.tensor([[3, -4], [0, 0], [0, 5]], dtype=dtype)
    rows = unit_features(x)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows, torch.tensor([[0.6, -0.8], [0.0, 0.0], [0.0, 1.0]]))


def test_reduced_rows_keep_the_angles_of_features_of_that_rank() -> None:
    """Rank 3 in 20 coordinates: three are enough for all cosines; with two, some are lost."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 3, generator=generator) @ torch.randn(3, 20, generator=generator)
    x[7] = 0
    full = unit_features(x)
    reduced, poorer = unit_features(x, 3), unit_features(x, 2)
    assert reduced.shape == (50, 3)
    torch.testing.assert_close(reduced @ reduced.t(), full @ full.t(), atol=1e-5, rtol=0)
    assert (poorer @ poorer.t() - full @ full.t()).abs().max() > 0.1
    for rows in (reduced, poorer):
        expected = torch.ones(50)
        expected[7] = 0
        torch.testing.assert_close(rows.norm(dim=-1), expected)


def test_reduction_is_that_of_a_singular_value_decomposition() -> None:
    x = load_graph("digits").x
    rows = tfidf_features(x)
    _, _, right = torch.linalg.svd(rows, full_matrices=False)
    expected = F.normalize(rows @ right[:8].t(), dim=-1)
    reduced = unit_features(x, 8)
    torch.testing.assert_close(reduced @ reduced.t(), expected @ expected.t(), atol=1e-3, rtol=0)
    assert torch.equal(reduced, unit_features(x, 8))


@pytest.mark.parametrize("dim", [64, 100])
def test_no_more_coordinates_than_there_are_features(dim: int) -> None:
    x = load_graph("digits").x
    assert x.size(1) == 64
    assert torch.equal(unit_features(x, dim), unit_features(x))


def test_too_few_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match="dim must be at least 1, got 0"):
        unit_features(torch.eye(3), 0)
