from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from benchmarks.images.figures import normal_grid, sphere_area, sphere_grid


@pytest.mark.parametrize("side", [1, 4, 5])
def test_normal_grid_is_laid_out_as_an_image(side: int) -> None:
    """In row i and column j: the j-th quantile to the right, the i-th from above."""
    grid = normal_grid(side).view(side, side, 2)
    quantiles = norm.ppf((np.arange(side) + 0.5) / side)
    for i in range(side):
        for j in range(side):
            expected = (quantiles[j], quantiles[side - 1 - i])
            assert tuple(grid[i, j].tolist()) == pytest.approx(expected, abs=1e-5)


def test_normal_grid_splits_the_law_evenly() -> None:
    """The law's distribution function at the points has equal steps, its ends half a step from 0 and 1."""
    grid = normal_grid(20).double()
    for coordinate in grid.T:
        levels = np.unique(norm.cdf(coordinate.numpy()).round(6))
        np.testing.assert_allclose(levels, np.arange(0.025, 1, 0.05), atol=2e-6)


@pytest.mark.parametrize("side", [2, 7, 20])
def test_sphere_grid_has_unit_vectors_spread_evenly(side: int) -> None:
    grid = sphere_grid(side).double()
    assert grid.shape == (side * side, 3)
    torch.testing.assert_close(grid.norm(dim=1), torch.ones(side * side, dtype=torch.float64), atol=1e-6, rtol=0)
    assert grid.mean(0).abs().max() < 1e-6
    # Equal areas: the sine of the latitude is uniform (Archimedes), and so is the longitude.
    rows = grid.view(side, side, 3)
    steps = (np.arange(side) + 0.5) / side
    for j in range(side):
        np.testing.assert_allclose(rows[:, j, 2], 1 - 2 * steps, atol=1e-6)
    for i in range(side):
        longitude = torch.atan2(rows[i, :, 1], rows[i, :, 0]).numpy()
        np.testing.assert_allclose(longitude, 2 * np.pi * steps - np.pi, atol=1e-5)


def test_sphere_grid_has_the_second_moment_of_the_uniform_law() -> None:
    """A third of the identity; the midpoint rule's error is 1 / (3 side^2)."""
    grid = sphere_grid(30).double()
    moment = grid.T @ grid / len(grid)
    torch.testing.assert_close(moment, torch.eye(3, dtype=torch.float64) / 3, atol=1 / (2 * 30**2), rtol=0)


def test_area_of_the_sphere_is_that_of_the_textbook() -> None:
    """2 pi, 4 pi, 2 pi^2 for d = 1, 2, 3; the largest is at d = 6, as in the paper's figure 6."""
    ((line,),) = (ax.lines for ax in sphere_area(Path("unused")).axes)
    dim, area = line.get_xdata(), line.get_ydata()
    assert dim[0] == 1
    np.testing.assert_allclose(area[:3], [2 * np.pi, 4 * np.pi, 2 * np.pi**2], rtol=1e-12)
    assert dim[np.argmax(area)] == 6
    assert area[-1] < 1e-12 * area[0]
