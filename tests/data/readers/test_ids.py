from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from spherical_gae.data.readers.ids import number_ids, similar_ids, typed_ids
from tests.helpers.graph_text import graph_of


def numbered(*columns: list[object]) -> tuple[list[object], list[list[int]]]:
    found = number_ids([pa.chunked_array([pa.array(column)]) for column in columns])
    return list(found.ids), [codes.tolist() for codes in found.codes]


@pytest.mark.parametrize(
    ("columns", "ids", "codes"),
    [
        (([3, 1], [1, 2]), [1, 2, 3], [[2, 0], [0, 1]]),
        ((["3", "1"], ["1", "20"]), [1, 3, 20], [[1, 0], [0, 2]]),
        (([10**17, 5], [5, -3]), [-3, 5, 10**17], [[2, 1], [1, 0]]),
        ((["b", "a"], ["a", "7"]), ["7", "a", "b"], [[2, 1], [1, 0]]),
        ((["4.0", "5"], ["5.0", "4"]), [4, 5], [[0, 1], [1, 0]]),
        (([4.0, 5.0], [5.0, 7.0]), [4, 5, 7], [[0, 1], [1, 2]]),
        ((["01", "1"], ["1", "+1"]), ["+1", "01", "1"], [[1, 2], [2, 0]]),
    ],
)
def test_ids_are_sorted_and_numbered(
    columns: tuple[list[object], ...], ids: list[object], codes: list[list[int]]
) -> None:
    assert numbered(*columns) == (ids, codes)


def test_numbers_are_those_of_numpy_and_the_columns_stay() -> None:
    random = np.random.default_rng(0)
    for high in (50, 10_000_000):
        columns = [random.integers(-3, high, 1000) for _ in range(2)]
        arrays = [pa.chunked_array([column]) for column in columns]
        found = number_ids(arrays)
        ids, codes = np.unique(np.concatenate(columns), return_inverse=True)
        assert found.ids == ids.tolist()
        assert np.concatenate(found.codes).tolist() == codes.reshape(-1).tolist()
        assert [array.to_pylist() for array in arrays] == [column.tolist() for column in columns]


def test_types() -> None:
    assert typed_ids(["7", "-3", "0"]) == [7, -3, 0]
    assert typed_ids(["7", "007"]) == ["7", "007"]
    assert typed_ids(["9" * 19]) == ["9" * 19]


def test_warnings_of_similar_ids() -> None:
    assert similar_ids(pa.array(["a", "b", "007"])) == []
    (case,) = similar_ids(pa.array(["a", "A", "b", "B"]))
    assert "'a' and 'A' (2 like it)" in case


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ("3,4.0\n4,5.0\n5,6.0\n", [3, 4, 5, 6]),
        ("source,target\n3.0,4.0\n4.0,5.0\n5.0,6.0\n", [3, 4, 5, 6]),
        ("3,4.00\n4,5.00\n", [3, 4, 5]),
        ("3.5,4.0\n4.0,5\n", ["3.5", "4.0", "5"]),
        ("007,7\n7,8\n", ["007", "7", "8"]),
        ("1e3,2\n2,3\n", ["1e3", "2", "3"]),
        (f"{2**64 + 1},{2**64}\n{2**64},3\n", [str(2**64), str(2**64 + 1), "3"]),
    ],
)
def test_ids_are_what_they_are(tmp_path: Path, content: str, ids: list[Any]) -> None:
    assert graph_of(tmp_path, content, header="source" in content).node_ids == ids


def test_a_lacking_id_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an empty node id in line 3"):
        graph_of(tmp_path, "3,4.0\n4,5.0\n5,\n")


def test_warning_of_floats_that_are_rounded() -> None:
    large = number_ids([pa.chunked_array([[2.0**53, 2.0**53 + 2]]), pa.chunked_array([[1.0, 2.0]])])
    assert large.ids == [1, 2, 2**53, 2**53 + 2]
    assert large.warnings[0].startswith("ids are written like 1.5e+17: a program has rounded them")
    assert number_ids([pa.chunked_array([[2.0**53 - 1]]), pa.chunked_array([[1.0]])]).warnings == []
    assert number_ids([pa.chunked_array([[2**60]]), pa.chunked_array([[1]])]).warnings == []
