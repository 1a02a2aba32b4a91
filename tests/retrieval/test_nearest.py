import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmarks.scaling.peak_memory import PeakMemory
from spherical_gae.retrieval import nearest_neighbors


def unit_vectors(count: int, dim: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return F.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=dtype), dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("max_scores", [1_000, 1 << 22])
def test_agrees_with_scikit_learn(dtype: torch.dtype, max_scores: int) -> None:
    queries, database = unit_vectors(30, 16, 0, dtype), unit_vectors(2_000, 16, 1, dtype)
    found = nearest_neighbors(queries, database, 10, max_scores=max_scores)
    search = NearestNeighbors(n_neighbors=10, algorithm="brute", metric="cosine").fit(database.double().numpy())
    distances, indices = search.kneighbors(queries.double().numpy())
    assert found.indices.tolist() == indices.tolist()
    assert found.scores.dtype == dtype
    torch.testing.assert_close(found.scores.double(), torch.from_numpy(1 - distances), rtol=0, atol=1e-6)


def test_integer_vectors_with_many_ties_by_brute_force() -> None:
    """Products of small integers are exact in float32: ties are ties, and the lower row comes first."""
    source = torch.Generator().manual_seed(0)
    queries, database = (torch.randint(-2, 3, (n, 4), generator=source).float() for n in (20, 3_000))
    found = nearest_neighbors(queries, database, 25, max_scores=700)
    for query, scores, indices in zip(queries, found.scores.tolist(), found.indices.tolist(), strict=True):
        expected = sorted((-float(product), row) for row, product in enumerate(database @ query))[:25]
        assert [(-score, row) for score, row in zip(scores, indices, strict=True)] == expected


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_memory_map_is_as_good_as_a_tensor(tmp_path: Path, dtype: type) -> None:
    database = unit_vectors(500, 8, 1, torch.float64).numpy().astype(dtype)
    np.save(tmp_path / "z.npy", database)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    expected = nearest_neighbors(torch.from_numpy(database[:40]), torch.from_numpy(database), 7)
    for queries in (mapped[:40], database[:40], torch.from_numpy(database[:40])):
        found = nearest_neighbors(queries, mapped, 7, max_scores=3_000)
        assert torch.equal(found.indices, expected.indices)
        torch.testing.assert_close(found.scores, expected.scores)
        assert found.scores.dtype == (torch.float64 if dtype == np.float64 else torch.float32)
    assert expected.indices[:, 0].tolist() == list(range(40))


def test_one_float64_argument_is_enough_for_float64() -> None:
    queries, database = unit_vectors(3, 8, 0), unit_vectors(50, 8, 1, torch.float64)
    found = nearest_neighbors(queries, database, 50)
    torch.testing.assert_close(found.scores, (queries.double() @ database.t()).sort(descending=True).values)
    assert nearest_neighbors(database, queries, 3).scores.dtype == torch.float64


def test_excluded_pairs_are_not_found() -> None:
    z = unit_vectors(200, 8, 0)
    products = z @ z.t()
    others = torch.randint(200, (2, 3_000), generator=torch.Generator().manual_seed(1))
    exclude = torch.cat([torch.arange(200).expand(2, -1), others], dim=1)
    products[exclude[0], exclude[1]] = -math.inf
    expected = products.sort(dim=1, descending=True)
    found = nearest_neighbors(z, z, 5, exclude=exclude, max_scores=900)
    assert torch.equal(found.indices, expected.indices[:, :5])
    torch.testing.assert_close(found.scores, expected.values[:, :5])


def test_fewer_left_than_asked_for() -> None:
    z = torch.eye(3)
    found = nearest_neighbors(z[:2], z, 3, exclude=torch.tensor([[0, 0, 0], [0, 2, 1]]))
    assert found.indices.tolist() == [[-1, -1, -1], [1, 0, 2]]
    assert found.scores.tolist() == [[-math.inf] * 3, [1, 0, 0]]


def test_no_query_no_result() -> None:
    found = nearest_neighbors(torch.empty(0, 4), torch.eye(4), 2)
    assert found.scores.shape == found.indices.shape == (0, 2)


def test_no_gradient_is_kept() -> None:
    z = torch.eye(3, requires_grad=True)
    assert not nearest_neighbors(z, z, 1).scores.requires_grad


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("tied", [False, True])
def test_memory_is_bounded(tied: bool, tmp_path: Path) -> None:
    """The products of 500 queries and 100,000 rows are 200 MB, the rows 6 MB; 2^20 products at once are 4 MB."""
    queries, database = unit_vectors(500, 16, 0), unit_vectors(100_000, 16, 1)
    if tied:
        database = database[:1].expand(100_000, 16).contiguous()
    nearest_neighbors(queries[:10], database[:1_000], 10)  # what torch sets up once
    with PeakMemory() as memory:
        nearest_neighbors(queries, database, 10, max_scores=1 << 20)
    assert memory.peak < 28 * (1 << 20) + 8e6


GOOD, NOT_A_NUMBER = torch.eye(3), torch.tensor([[math.nan, 0, 0]])


@pytest.mark.parametrize(
    ("queries", "database", "message"),
    [
        (GOOD[0], GOOD, "queries: given torch.float32 of shape [3], allowed: floating point of shape [rows, m]"),
        (GOOD, GOOD[None], "database: given torch.float32 of shape [1, 3, 3], allowed: floating point of shape"),
        (GOOD.long(), GOOD, "queries: given torch.int64 of shape [3, 3], allowed: floating point"),
        (GOOD, np.eye(3, dtype=np.int32), "database: given int32 of shape [3, 3], allowed: floating point"),
        (GOOD[:, :0], GOOD[:, :0], "queries: given torch.float32 of shape [3, 0], allowed: floating point"),
        (GOOD[:, :2], GOOD, "queries: given rows of 2 coordinates, allowed: 3, as in database"),
        (NOT_A_NUMBER, GOOD, "queries: given a number that is NaN or infinite, allowed: finite numbers"),
        (GOOD, NOT_A_NUMBER.numpy(), "database: given a number that is NaN or infinite, allowed: finite numbers"),
        (GOOD, GOOD / 0, "database: given a number that is NaN or infinite, allowed: finite numbers"),
        (GOOD, GOOD[:0], "k: given 1, allowed: 1 to the number of items to choose from, 0"),
    ],
)
def test_what_is_no_set_of_vectors_is_refused(queries: Any, database: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        nearest_neighbors(queries, database, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_agrees() -> None:
    queries, database = unit_vectors(30, 16, 0), unit_vectors(2_000, 16, 1)
    expected = nearest_neighbors(queries, database, 10)
    for rows in (database, database.cuda(), database.numpy()):
        found = nearest_neighbors(queries.cuda(), rows, 10)
        assert torch.equal(found.indices.cpu(), expected.indices)
