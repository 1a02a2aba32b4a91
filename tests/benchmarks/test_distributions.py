"""The benchmark of the laws: its exact references, and that each step does what it is timed for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from angle_law import AngleLaw
from distribution_accuracy import densities, distribution_function, gradients, law_of_samples
from distribution_speed import interleaved, loss_steps, training_steps


@pytest.mark.parametrize(("dim", "concentration"), [(4, 7.7), (64, 150.3), (1000, 313.0)])
def test_distribution_function(dim: int, concentration: float) -> None:
    law = AngleLaw(dim, concentration)
    u = law.quantile(np.linspace(0.001, 0.999, 50))
    found = distribution_function(dim, concentration)(1 + np.tanh(u))
    np.testing.assert_allclose(found, law.cdf(u), atol=2e-6)


def test_samples_and_gradients_agree_with_the_law() -> None:
    found = law_of_samples(16, 21.7, 1_000_000, torch.float32, seed=0)
    assert found["ks_size"] == found["mean_size"] == 1_000_000
    assert found["ks_p"] > 1e-4
    assert abs(found["mean_standard_errors"]) < 5
    assert abs(gradients(16, 21.7, seed=0)["bias_standard_errors"]) < 5


def test_densities_agree_with_scipy() -> None:
    assert max(densities().values()) < 1e-9


@pytest.mark.parametrize("validate", [False, True])
def test_steps_leave_gradients(validate: bool) -> None:
    steps = loss_steps(5, 4, validate)
    assert list(steps)[:4] == ["normal", "vMF, tabulated", "vMF, exact", "power spherical"]
    times = interleaved({**steps, **training_steps(batch=4)}, 1)
    assert all(0 < seconds < 10 for seconds in times.values())
