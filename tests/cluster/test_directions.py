"""What the clusterings take as directions, and where they start."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from spherical_gae.cluster.directions import as_tensor, blocks, checked_directions, in_float64, spread_out, unit_rows
from tests.helpers.tight_clusters import two_tight_clusters


def test_dtypes_stay_and_others_become_float64() -> None:
    for given, expected in (
        (np.eye(3, dtype=np.float32), torch.float32),
        (np.eye(3), torch.float64),
        (np.eye(3, dtype=np.int64), torch.float64),
        (torch.eye(3, requires_grad=True), torch.float32),
        (torch.eye(3, dtype=torch.float16), torch.float64),
        (torch.eye(3, dtype=torch.bfloat16), torch.float64),
        ([[1.0, 0.0], [0.0, 1.0]], torch.float64),
    ):
        points = checked_directions(given)
        assert points.dtype == expected
        assert not points.requires_grad


def test_arrays_that_are_read_only_are_copied_and_others_are_not() -> None:
    """PyTorch warns of the former, and pytest makes warnings errors."""
    for x in (np.eye(3), np.eye(3, dtype=np.float32)):
        assert as_tensor(x).data_ptr() == x.ctypes.data
        x.setflags(write=False)
        assert as_tensor(x).data_ptr() != x.ctypes.data
        assert np.array_equal(checked_directions(x).numpy(), x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_may_be_off_by_its_rounding(dtype: torch.dtype) -> None:
    """And is normalised; a norm that is further off is none of its rounding."""
    z = torch.nn.functional.normalize(torch.randn(200, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    given = [z.to(dtype)] if dtype == torch.bfloat16 else [z.to(dtype), z.to(dtype).numpy()]
    for x in given:
        points = checked_directions(x)
        torch.testing.assert_close(points.norm(dim=1), torch.ones(200, dtype=torch.float64), rtol=0, atol=1e-15)
        torch.testing.assert_close(points, z.double(), rtol=0, atol=2 * torch.finfo(dtype).eps)
    with pytest.raises(ValueError, match=r"^X must hold unit vectors, within .*, got a norm of 1\.0\d+ in row"):
        checked_directions(z.to(dtype) * (1 + 4 * torch.finfo(dtype).eps))


def test_rows_off_the_sphere_are_named() -> None:
    x = np.eye(4)
    x[2] *= 3
    with pytest.raises(ValueError, match=r"^X must hold unit vectors, .* a norm of 3 in row 2"):
        checked_directions(x)
    x[2] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        checked_directions(x)


@pytest.mark.parametrize("width", [1, 50, 10**6])
def test_blocks_hold_each_row_once(width: int) -> None:
    rows = torch.cat([torch.arange(10_000)[part] for part in blocks(torch.zeros(10_000, 2), width)])
    assert torch.equal(rows, torch.arange(10_000))


@pytest.mark.parametrize("width", [1, 50])
def test_copies_in_float64_of_float32_rows_are_small(width: int) -> None:
    """A megabyte, of rows as wide as embeddings, however few scores each has."""
    points = torch.zeros(10_000, 128)
    assert max(in_float64(points[part]).nbytes for part in blocks(points, width)) <= 2**20


def test_rows_of_zeros_take_the_fallback() -> None:
    sums, fallback = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(unit_rows(sums, fallback), torch.tensor([[0.6, 0.8], [0.0, 1.0]]))


def test_float32_rows_have_length_1_in_float64_and_float64_rows_stay() -> None:
    x = torch.from_numpy(two_tight_clusters(0.1, np.float32)[0])
    assert (torch.linalg.vector_norm(x.double(), dim=1) - 1).abs().max() > 1e-9
    assert (torch.linalg.vector_norm(in_float64(x), dim=1) - 1).abs().max() < 1e-15
    torch.testing.assert_close(in_float64(x).float(), x, rtol=0, atol=1e-7)
    assert in_float64(x.double()).equal(x.double())


@pytest.mark.parametrize("separation", [1e-5, 1e-4, 3e-4])
def test_starts_are_in_both_of_two_tight_clusters_in_float32(separation: float) -> None:
    x, labels = two_tight_clusters(separation, np.float32)
    points = torch.from_numpy(x)
    for seed in range(10):
        chosen = spread_out(points, 2, np.random.RandomState(seed))
        assert chosen.dtype == torch.float32
        assert {int(labels[(points == row).all(1)][0]) for row in chosen} == {0, 1}
