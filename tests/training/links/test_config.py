from typing import Any

import pytest

from spherical_gae import GAEConfig


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive and finite, got nan"),
        ({"learning_rate": float("inf")}, "learning_rate must be positive and finite, got inf"),
        ({"kl_weight": -1.0}, "kl_weight must be finite and at least 0, got -1.0"),
        ({"kl_weight": float("nan")}, "kl_weight must be finite and at least 0, got nan"),
        ({"mask_share": 1.0}, r"mask_share must be in \[0, 1\), got 1.0"),
        ({"mask_share": -0.1}, r"mask_share must be in \[0, 1\), got -0.1"),
        ({"negatives_per_link": 0}, "negatives_per_link must be at least 1, got 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, or 0 for the full batch, got -1"),
        ({"remask_every": 0}, "remask_every must be at least 1, got 0"),
        ({"num_neighbors": ()}, r"num_neighbors must be numbers of at least 1, at least one, got \(\)"),
        ({"patience": 0}, "patience must be at least 1, or None for all epochs, got 0"),
        ({"hard_negatives": -1}, "hard_negatives must be at least 0, got -1"),
        ({"ranking_weight": 0.0}, r"ranking_weight must be in \(0, 1\], got 0.0"),
        ({"num_neighbors": (5, 0)}, "num_neighbors must be numbers of at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GAEConfig(**arguments)


@pytest.mark.parametrize(
    ("batch_size", "num_links", "expected"),
    [(None, 1_000_000, 0), (None, 1_000_001, 16_384), (0, 10**8, 0), (512, 10, 512)],
)
def test_batches_by_size_unless_they_are_given(batch_size: int | None, num_links: int, expected: int) -> None:
    assert GAEConfig(batch_size=batch_size).batch_size_for(num_links) == expected
