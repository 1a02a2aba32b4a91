import math
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from spherical_gae.data.readers.array_files import load_arrays
from spherical_gae.data.readers.feature_files import read_features


@pytest.mark.parametrize("header", ["", "id,height,width\n"])
def test_table(tmp_path: Path, header: str) -> None:
    (tmp_path / "x.csv").write_text(header + "b,1,-2.5\n007,3e2, 4\n")
    given = read_features(tmp_path / "x.csv")
    assert given.ids == ["b", "007"]
    assert given.table.to_numpy().tolist() == [[1, -2.5], [300, 4]]
    assert list(given.table) == (["height", "width"] if header else ["feature 1", "feature 2"])


def test_missing_values_and_text(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("id\tage\ttown\na\tnan\tUlm\nb\t1e300\t\n")
    table = read_features(tmp_path / "x.tsv").table
    assert math.isnan(table["age"][0])
    assert table["age"][1] == 1e300
    assert table["town"].tolist() == ["Ulm", None]


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint16, np.bool_])
def test_matrix(tmp_path: Path, dtype: type) -> None:
    x = np.array([[0, 1], [1, 1], [0, 0]], dtype=dtype)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    sparse.save_npz(tmp_path / "sparse.npz", sparse.csr_array(x.astype(np.float64)))
    for name in ("x.npy", "x.npz", "sparse.npz"):
        given = read_features(tmp_path / name)
        assert given.ids is None
        assert given.table.to_numpy(dtype=float).tolist() == x.astype(float).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "given no nodes"),
        ("id,height\n", "given no nodes"),
        ("a\nb\n", "given 1 column, allowed: a node id and at least one feature"),
        ("a,1\nb,1,2\n", "given 3 columns in line 2, allowed: 2 as in the first"),
        ("a,1\nb,2\nc,tall\n", "given 'tall' in line 3, allowed: a number, as in the other lines"),
        ("a,1\nb,2\na,1\n", "given the node id 'a' in line 3, allowed: one that is new"),
        ("a,1\n,2\n", "given the node id '' in line 2"),
        ("id,f,f\na,1,2\n", "given two columns 'f'"),
    ],
)
def test_malformed_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"x\.csv: {message}"):
        read_features(tmp_path / "x.csv")


def test_malformed_matrix_is_refused(tmp_path: Path) -> None:
    for values in (np.ones(3), np.array([["a"]]), np.ones((2, 2), dtype=complex)):
        np.save(tmp_path / "x.npy", values)
        with pytest.raises(ValueError, match=r"x\.npy: given .* of shape .*, allowed: real numbers of shape \[N, F\]"):
            read_features(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", features=np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"x\.npz: given arrays features, allowed: x, or a sparse matrix"):
        read_features(tmp_path / "x.npz")
    with pytest.raises(ValueError, match=r"features: given x\.xls, allowed: a file \.csv, \.tsv, .*\.npy, \.npz"):
        read_features(tmp_path / "x.xls")


@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04 no archive"])
def test_what_is_no_numpy_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npy: not a file of NumPy arrays"):
        load_arrays(tmp_path / "x.npy")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="not a file of NumPy arrays"):
        load_arrays(tmp_path / "x.npy")
