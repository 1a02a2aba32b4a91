import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from spherical_gae.retrieval import faiss_neighbors, nearest_neighbors


def unit_vectors(count: int, dim: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.fixture
def with_faiss() -> None:
    pytest.importorskip("faiss")


@pytest.mark.usefixtures("with_faiss")
@pytest.mark.parametrize("k", [1, 10, 300])
@pytest.mark.parametrize("max_scores", [1_000, 1 << 22])
def test_agrees_with_torch(k: int, max_scores: int) -> None:
    queries, database = unit_vectors(50, 16, 0), unit_vectors(5_000, 16, 1)
    expected = nearest_neighbors(queries, database, k)
    found = faiss_neighbors(queries, database, k, max_scores=max_scores)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.scores, expected.scores)


@pytest.mark.usefixtures("with_faiss")
def test_agrees_with_an_index(tmp_path: Path) -> None:
    """Also from a memory map."""
    import faiss

    database = unit_vectors(3_000, 16, 1).numpy()
    np.save(tmp_path / "z.npy", database)
    index = faiss.IndexFlatIP(16)
    index.add(database)
    scores, indices = index.search(database[:30], 8)
    found = faiss_neighbors(database[:30], np.load(tmp_path / "z.npy", mmap_mode="r"), 8)
    assert found.indices.tolist() == indices.tolist()
    torch.testing.assert_close(found.scores, torch.from_numpy(scores))


@pytest.mark.usefixtures("with_faiss")
@pytest.mark.parametrize("max_scores", [1, 300, 1 << 22])
def test_excluded_pairs_are_not_found(max_scores: int) -> None:
    z = unit_vectors(200, 8, 0)
    others = torch.randint(200, (2, 3_000), generator=torch.Generator().manual_seed(1))
    exclude = torch.cat([torch.arange(200).expand(2, -1), others], dim=1)
    expected = nearest_neighbors(z, z, 5, exclude=exclude)
    found = faiss_neighbors(z, z, 5, exclude=exclude, max_scores=max_scores)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.scores, expected.scores)


@pytest.mark.usefixtures("with_faiss")
def test_fewer_left_than_asked_for_and_no_query() -> None:
    z = torch.eye(3)
    found = faiss_neighbors(z[:2], z, 3, exclude=torch.tensor([[0, 0, 0], [0, 2, 1]]))
    assert found.indices.tolist() == [[-1, -1, -1], [1, 0, 2]]
    assert found.scores.tolist() == [[-math.inf] * 3, [1, 0, 0]]
    assert faiss_neighbors(z[:0], z, 2, exclude=torch.empty(2, 0, dtype=torch.long)).indices.shape == (0, 2)


@pytest.mark.usefixtures("with_faiss")
@pytest.mark.parametrize(
    ("queries", "database", "k", "message"),
    [
        (torch.eye(3).double(), torch.eye(3), 1, "queries: given float64, contiguous, allowed: float32, contiguous"),
        (torch.eye(3), np.eye(3), 1, "database: given float64, contiguous, allowed: float32, contiguous"),
        (torch.eye(3), torch.ones(4, 3)[::2], 1, "database: given float32, not contiguous, allowed: float32"),
        (torch.eye(3), torch.eye(4), 1, "queries: given rows of 3 coordinates, allowed: 4, as in database"),
        (torch.eye(3), torch.eye(3), 4, "k: given 4, allowed: 1 to the number of items to choose from, 3"),
        (torch.eye(3) / 0, torch.eye(3), 1, "queries: given a number that is NaN or infinite, allowed: finite"),
        (torch.eye(3, device="meta"), torch.eye(3), 1, "queries: given a tensor on meta, allowed: the CPU"),
    ],
)
def test_what_faiss_cannot_search_is_refused(queries: Tensor, database: Tensor, k: int, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        faiss_neighbors(queries, database, k)


def test_error_without_faiss_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=re.escape("needs faiss: pip install 'spherical-gae[retrieval]'")):
        faiss_neighbors(torch.eye(3), torch.eye(3), 1)
