import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spherical_gae.retrieval import StoredEmbeddings

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(rows: Any = ROWS, ids: Any = None) -> Path:
        np.save(tmp_path / "embeddings.npy", rows)
        if ids is not None:
            (tmp_path / "node_ids.json").write_text(ids if isinstance(ids, str) else json.dumps(ids))
        return tmp_path

    return make


def test_rows_are_mapped_not_read(folder: Callable[..., Path]) -> None:
    stored = StoredEmbeddings(folder())
    assert isinstance(stored.rows, np.memmap)
    assert not stored.rows.flags.writeable
    assert np.array_equal(stored.rows, ROWS)


def test_without_ids_nodes_are_row_numbers(folder: Callable[..., Path]) -> None:
    stored = StoredEmbeddings(folder())
    assert [stored.row_of(str(row)) for row in range(4)] == [0, 1, 2, 3]
    assert [stored.id_of(row) for row in range(4)] == [0, 1, 2, 3]
    for unknown in ("4", "-1", "1.0", "one", "", "²"):
        with pytest.raises(KeyError, match=re.escape(f"given {unknown!r}, allowed: 0 to 3")):
            stored.row_of(unknown)


@pytest.mark.parametrize("ids", [[40, 10, 30, 20], ["d", "a", "ü", "1"], [7, "a", -3, "x y"]])
def test_ids_are_kept(folder: Callable[..., Path], ids: list[int | str]) -> None:
    stored = StoredEmbeddings(folder(ids=ids))
    assert [stored.id_of(row) for row in range(4)] == ids
    assert [stored.row_of(str(name)) for name in ids] == [0, 1, 2, 3]
    with pytest.raises(KeyError, match=re.escape("given '0', allowed: the 4 ids in node_ids.json")):
        stored.row_of("0")


def test_missing_embeddings_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(f"{tmp_path / 'embeddings.npy'}: not found, allowed: a run")):
        StoredEmbeddings(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "embeddings.npy").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'embeddings.npy'}: not an array that can be mapped")):
        StoredEmbeddings(tmp_path)


def test_cut_off_embeddings_are_refused(folder: Callable[..., Path]) -> None:
    path = folder() / "embeddings.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="not an array that can be mapped"):
        StoredEmbeddings(path.parent)


@pytest.mark.parametrize("rows", [ROWS.astype(int), ROWS[0], ROWS[None], ROWS.astype(complex)])
def test_arrays_of_other_kinds_are_refused(folder: Callable[..., Path], rows: Any) -> None:
    message = f"given {rows.dtype} of shape {list(rows.shape)}, allowed: floating point [N, m]"
    with pytest.raises(ValueError, match=re.escape(message)):
        StoredEmbeddings(folder(rows))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ("[1, 2", "not JSON: "),
        ({"1": 2}, "given other values, allowed: a list of integers or strings"),
        ([1, 2, 3, 4.5], "given other values, allowed: a list of integers or strings"),
        ([0, 1, 2, True], "given other values, allowed: a list of integers or strings"),
        ([1, 2, 3], "given 3 ids, allowed: 4, the number of embeddings"),
        ([1, 2, 3, 1], "given an id twice, allowed: ids that differ"),
        ([1, 2, 3, "1"], "given an id twice, allowed: ids that differ, also when written as text"),
    ],
)
def test_bad_ids_are_refused(folder: Callable[..., Path], ids: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"node_ids.json: {message}")):
        StoredEmbeddings(folder(ids=ids))


def test_several_arrays_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "embeddings.npy").open("wb") as file:
        np.savez(file, a=ROWS)
    with pytest.raises(ValueError, match=r"embeddings\.npy: given several arrays, an \.npz, allowed: one, an \.npy"):
        StoredEmbeddings(tmp_path)
