from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling import retrieval
from benchmarks.scaling.retrieval import METHODS, Search, brute_force, compare, search, table, write_vectors


def test_vectors_are_of_unit_norm_and_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "_CHUNK", 300)
    write_vectors(tmp_path / "z.npy", 1_000, 5, seed=0)
    z = np.load(tmp_path / "z.npy")
    assert z.shape == (1_000, 5)
    assert z.dtype == np.float32
    assert np.linalg.norm(z, axis=1) == pytest.approx(1, abs=1e-6)
    assert len(np.unique(z, axis=0)) == 1_000
    assert np.abs(z.mean(0)).max() < 0.1


def test_brute_force_is_a_full_sort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "_CHUNK", 300)
    write_vectors(tmp_path / "z.npy", 1_000, 5, seed=0)
    z = np.load(tmp_path / "z.npy")
    scores, indices = brute_force(z[:70], z, 4)
    products = z[:70].astype(float) @ z.T.astype(float)
    order = np.argsort(-products, axis=1, kind="stable")[:, :4]
    assert np.array_equal(indices, order)
    assert np.abs(scores - np.take_along_axis(products, order, axis=1)).max() < 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_searches_find_what_the_brute_force_finds(method: str, tmp_path: Path) -> None:
    if method == "faiss":
        pytest.importorskip("faiss")
    for name, count, seed in (("database", 2_000, 0), ("queries", 30, 1)):
        write_vectors(tmp_path / f"{name}.npy", count, 16, seed)
    found = search(method, tmp_path / "database.npy", tmp_path / "queries.npy", 10, rounds=2)
    queries, database = np.load(tmp_path / "queries.npy"), np.load(tmp_path / "database.npy")
    row = compare(found, queries, database, *brute_force(queries, database, 10))
    assert row["queries_with_the_same_list"] == 1
    assert row["largest_loss_of_a_cosine"] == pytest.approx(0, abs=1e-15)
    assert row["largest_error_of_a_cosine"] < (1e-15 if method == "torch, float64" else 1e-6)
    assert len(row["seconds"]) == 2


def test_comparison_and_table_by_hand() -> None:
    """The second query's best two are rows 2 and 1, with .75 and .5; found were 2 and 0, the latter with 0."""
    queries, database = np.eye(2, dtype=np.float32), np.array([[1, 0], [0.25, 0.5], [0.5, 0.75]], dtype=np.float32)
    best = brute_force(queries, database, 2)
    assert best[0].tolist() == [[1, 0.5], [0.75, 0.5]]
    assert best[1].tolist() == [[0, 2], [2, 1]]
    scores = np.array([[1, 0.5], [0.75, 0.125]])
    found = Search(scores, np.array([[0, 2], [2, 0]]), [3.0, 1.0, 2.0], 5_000_000)
    row = compare(found, queries, database, *best)
    assert row["median_seconds"] == 2
    assert row["queries_with_the_same_list"] == 0.5
    assert row["largest_loss_of_a_cosine"] == 0.5
    assert row["largest_error_of_a_cosine"] == 0.125
    lines = list(table({"torch": row}))
    assert lines[-1] == "| torch | 2.0 | 5 | 50.0% | 5e-01 | 1e-01 |"
    assert len({line.count("|") for line in lines}) == 1
