"""The benchmark of the laws: its exact references, and that each step does what it is timed for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.laws import distributions
from benchmarks.laws import speed as distribution_speed
from benchmarks.laws.accuracy import densities, distribution_function, gradients, law_of_samples
from benchmarks.laws.speed import backward, interleaved, loss_steps
from tests.helpers.angle_law import AngleLaw


@pytest.mark.parametrize(("dim", "concentration"), [(4, 7.7), (64, 150.3), (1000, 313.0)])
def test_distribution_function(dim: int, concentration: float) -> None:
    law = AngleLaw(dim, concentration)
    u = law.quantile(np.linspace(0.001, 0.999, 50))
    found = distribution_function(dim, concentration)(1 + np.tanh(u))
    np.testing.assert_allclose(found, law.cdf(u), atol=2e-6)


@pytest.mark.slow
def test_samples_and_gradients_agree_with_the_law() -> None:
    found = law_of_samples(16, 21.7, 1_000_000, torch.float32, seed=0)
    assert found["ks_size"] == found["mean_size"] == 1_000_000
    assert found["ks_p"] > 1e-4
    assert abs(found["mean_standard_errors"]) < 5
    assert abs(gradients(16, 21.7, seed=0)["bias_standard_errors"]) < 5


def test_densities_agree_with_scipy() -> None:
    assert max(densities().values()) < 1e-9


def test_backward_leaves_the_gradient_of_one_call() -> None:
    parameter = torch.tensor([1.0, -3.0], requires_grad=True)
    for _ in range(2):
        backward(2 * parameter, parameter**2, parameter)
        torch.testing.assert_close(parameter.grad, 2 + 2 * parameter.detach())


@pytest.mark.slow
@pytest.mark.parametrize("validate", [False, True])
def test_steps_sample_and_diverge(validate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each step hands to ``backward``: a sample of the shape, on the sphere unless normal, and a divergence."""
    seen = []
    monkeypatch.setattr(distribution_speed, "backward", lambda *arguments: seen.append(arguments))
    steps = loss_steps(5, 4, validate)
    for name in ("normal", "vMF, tabulated", "vMF, exact", "power spherical"):
        steps[name]()
        sample, divergence, *parameters = seen.pop()
        assert sample.shape == (5, 4)
        assert torch.allclose(sample.norm(dim=-1), torch.ones(5), atol=1e-5) == (name != "normal")
        assert divergence.shape == ((5, 4) if name == "normal" else (5,))
        gradients = torch.autograd.grad(sample.sum() + divergence.sum(), parameters)
        assert all(gradient.count_nonzero() for gradient in gradients)


def test_interleaving() -> None:
    """The calls alternate; three rounds come before those that count."""
    calls: list[str] = []
    interleaved({name: partial(calls.append, name) for name in "ab"}, 2)
    assert calls == ["a", "b"] * 5


def test_a_part_that_is_nowhere_is_missed_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["distributions.py", "--parts", "speed", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        distributions.main()
    assert "--parts must have speed and accuracy, which" in capsys.readouterr().err
