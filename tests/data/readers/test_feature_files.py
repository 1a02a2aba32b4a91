import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

from spherical_gae.data.readers.feature_files import load_arrays, read_features


@pytest.mark.parametrize("header", ["", "id,height,width\n"])
def test_table(tmp_path: Path, header: str) -> None:
    (tmp_path / "x.csv").write_text(header + "b,1,-2.5\n007,3e2, 4\n")
    ids, x = read_features(tmp_path / "x.csv")
    assert ids == ["b", "007"]
    assert x.dtype == torch.float32
    assert x.tolist() == [[1, -2.5], [300, 4]]


def test_numbers_that_are_not_finite_are_left_to_the_cleaning(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a\tnan\nb\t1e300\n")
    (nan,), (large,) = read_features(tmp_path / "x.tsv")[1].tolist()
    assert math.isnan(nan)
    assert large == math.inf


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint16, np.bool_])
def test_matrix(tmp_path: Path, dtype: type) -> None:
    x = np.array([[0, 1], [1, 1], [0, 0]], dtype=dtype)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    sparse.save_npz(tmp_path / "sparse.npz", sparse.csr_array(x.astype(np.float64)))
    for name in ("x.npy", "x.npz", "sparse.npz"):
        ids, values = read_features(tmp_path / name)
        assert ids is None
        assert values.dtype == torch.float32
        assert values.tolist() == x.astype(float).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "given no nodes"),
        ("id,height\n", "given no nodes"),
        ("a\nb\n", "given 1 column, allowed: a node id and at least one feature"),
        ("a,1\nb,1,2\n", "given 3 columns in line 2, allowed: 2 as in the first"),
        ("a,1\nb,\n", "given '' in line 2, allowed: a number"),
        ("a,\nb,1\n", "given '' in line 1, allowed: a number"),
        ("a,1\nb,tall\n", "given 'tall' in line 2"),
        ("a,1\nb,2\na,1\n", "given the node id 'a' in line 3, allowed: one that is new"),
        ("a,1\n,2\n", "given the node id '' in line 2"),
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
    with pytest.raises(ValueError, match=r"features: given x\.txt, allowed: a file \.csv, \.tsv, \.npy, \.npz"):
        read_features(tmp_path / "x.txt")


@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04 no archive"])
def test_what_is_no_numpy_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npy: not a file of NumPy arrays"):
        load_arrays(tmp_path / "x.npy")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="not a file of NumPy arrays"):
        load_arrays(tmp_path / "x.npy")
