"""Integrals over the line against closed forms, wherever the peak is and however narrow."""

import math

import pytest
import torch

from spherical_gae.core.numerics.line_quadrature import trapezoid_nodes


@pytest.mark.parametrize("mode", [-3.0, 0.0, 7.5])
@pytest.mark.parametrize("width", [1e-6, 1e-2, 1.0])
def test_a_normal_density_integrates_to_its_norm(mode: float, width: float) -> None:
    def log_function(u: torch.Tensor) -> torch.Tensor:
        return -0.5 * ((u - mode) / width).square()

    low, high = (torch.tensor(end, dtype=torch.float64) for end in (-10.0, 10.0))
    nodes = trapezoid_nodes(log_function, low, high, 101)
    step = nodes[1] - nodes[0]
    mass = log_function(nodes).exp().sum() * step
    assert mass.item() == pytest.approx(width * math.sqrt(2 * math.pi), rel=1e-9)
    mean = (nodes * log_function(nodes).exp()).sum() * step / mass
    assert mean.item() == pytest.approx(mode, abs=1e-8)
