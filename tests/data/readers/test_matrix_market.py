from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from scipy import sparse

from spherical_gae.data.readers.matrix_market import read_matrix_market


@pytest.mark.parametrize("symmetry", ["general", "symmetric"])
@pytest.mark.parametrize(
    ("layout", "field"),
    [
        ("coordinate", "real"),
        ("coordinate", "integer"),
        ("coordinate", "pattern"),
        ("array", "real"),
        ("array", "integer"),
    ],
)
def test_reads_what_scipy_writes(tmp_path: Path, layout: str, field: str, symmetry: str) -> None:
    random = np.random.default_rng(0)
    matrix: Any = (random.random((7, 7)) * (random.random((7, 7)) < 0.4)).round(6)
    matrix = np.ceil(9 * matrix).astype(int) if field == "integer" else matrix
    matrix = matrix + matrix.T if symmetry == "symmetric" else matrix
    written = sparse.coo_array(matrix) if layout == "coordinate" else matrix
    path = tmp_path / "m.mtx"
    scipy.io.mmwrite(path, written, comment="a\nb", field=field, symmetry=symmetry)
    read = read_matrix_market(path)
    assert read.dtype == (bool if field == "pattern" else np.float64)
    expected = scipy.io.mmread(path)
    expected = expected if layout == "array" else expected.toarray()
    np.testing.assert_array_equal(read.toarray(), (expected != 0) if field == "pattern" else expected)


def test_a_matrix_that_is_not_square(tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text("%%MatrixMarket MATRIX Coordinate Real general\n\n% words\n 2\t3  2 \n1 3 2.5\n\n  2   1 -1e3 \n")
    assert read_matrix_market(path).toarray().tolist() == [[0, 0, 2.5], [-1000, 0, 0]]


HEAD = "%%MatrixMarket matrix coordinate real general\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a Matrix Market file: given the first line ''"),
        ("1 1 1\n", "given the first line '1 1 1'"),
        ("%%MatrixMarket matrix coordinate complex general\n1 1 0\n", "complex and general, allowed: real"),
        ("%%MatrixMarket matrix coordinate real skew-symmetric\n1 1 0\n", "real and skew-symmetric"),
        ("%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n", "as many rows as columns"),
        (f"{HEAD}2 2\n", "given the sizes '2 2'"),
        (f"{HEAD}2 2 -1\n", "given the sizes '2 2 -1'"),
        (f"{HEAD}{'9' * 30} 2 1\n", "given the sizes"),
        (HEAD, "given the sizes ''"),
        (f"{HEAD}2 2 1\n3 1 1\n", "row numbers 3 to 3, allowed: integers from 1 to 2"),
        (f"{HEAD}2 2 1\n1 0 1\n", "column numbers 0 to 0"),
        (f"{HEAD}2 2 1\n1.5 1 1\n", "row numbers 1.5 to 1.5"),
        (f"{HEAD}2 2 1\n1 1 x\n", "an entry that is no number"),
        (f"{HEAD}2 2 1\n1 1 1\n2 2 1\n", "2 lines of entries, allowed: 1"),
        (f"{HEAD}2 2 999999999999\n1 1 1\n", "more than the file has letters"),
        (f"{HEAD}2 2 2\n1 1 1\n2 2\n", "given 2 columns in line 4, allowed: 3"),
        ("%%MatrixMarket matrix array real general\n9999999 9999999\n1\n", "more than the file has letters"),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n1\n1\n", "3 lines of entries, allowed: 4"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "m.mtx").write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_matrix_market(tmp_path / "m.mtx")
    assert str(tmp_path / "m.mtx") in str(caught.value)


def test_empty_matrices(tmp_path: Path) -> None:
    (tmp_path / "m.mtx").write_text(f"{HEAD}3 4 0\n")
    assert read_matrix_market(tmp_path / "m.mtx").shape == (3, 4)


def test_a_symmetric_matrix_lists_each_pair_once(tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n1 3 2\n2 1 5\n")
    assert read_matrix_market(path).toarray().tolist() == [[0, 5, 2], [5, 0, 0], [2, 0, 0]]
    path.write_text("%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n1 3 2\n2 1 5\n3 1 2\n")
    with pytest.raises(
        ValueError, match=r"given the entries \(1, 3\) and \(3, 1\), of a symmetric matrix, allowed: one"
    ):
        read_matrix_market(path)


def test_numbers_too_large_for_a_product_are_no_pair(tmp_path: Path) -> None:
    size = 10**17
    path = tmp_path / "m.mtx"
    path.write_text(f"%%MatrixMarket matrix coordinate real symmetric\n{size} {size} 2\n{size} 1 2\n{size} 3 5\n")
    assert read_matrix_market(path).nnz == 4
