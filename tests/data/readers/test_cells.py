from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from spherical_gae.data.readers.cells import ambiguous_number, is_number, numbers_of
from tests.helpers.graph_text import graph_of, weights


def column(*cells: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(list(cells))])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1", "-2"), [1, -2]),
        (("1.5", "1e3", "+2"), [1.5, 1000, 2]),
        (("1", "NA", ""), [1, np.nan, np.nan]),
        (("inf", "-inf"), [np.inf, -np.inf]),
        ((1, 2), [1, 2]),
        ((1, None), [1, np.nan]),
        ((True, False), [1, 0]),
        (("1", "x"), None),
        (("1_000",), None),
        (("2,5",), None),
    ],
)
def test_numbers(cells: tuple[object, ...], expected: list[float] | None) -> None:
    found = numbers_of(column(*cells))
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)


def test_numbers_below_a_header_that_is_cut_off() -> None:
    np.testing.assert_array_equal(numbers_of(column("weight", ".5", "NA", "2e1").slice(1)), [0.5, np.nan, 20])


def test_decimal_commas() -> None:
    np.testing.assert_array_equal(numbers_of(column("2,5", "-1,25", "3"), decimal_comma=True), [2.5, -1.25, 3])
    assert is_number("2,5", decimal_comma=True)
    assert not is_number("2,5")
    assert not is_number("1,000,000", decimal_comma=True)
    assert ambiguous_number(column("2", "1,000")) == "1,000"
    assert ambiguous_number(column("1,000", "2,5")) is None
    assert ambiguous_number(column("2,5", "1.234")) == "1.234"
    assert ambiguous_number(column("2,5", "1.5", "7")) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.csv", "0;1;2,5\n1;2;3,5\n"),
        ("g.csv", "source;target;weight\n0;1;2,5\n1;2;3,5\n"),
        ("g.txt", "0\t1\t2,5\n1\t2\t3,5\n"),
        ("g.txt", "0 1 2,5\n1 2 3,5\n"),
        ("g.csv", "0|1|2.5\n1|2|3.5\n"),
    ],
)
def test_commas_within_numbers(tmp_path: Path, name: str, content: str) -> None:
    data = graph_of(tmp_path, content, name)
    assert (data.node_ids, weights(data)) == ([0, 1, 2], [2.5, 3.5])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0;1;2,500\n1;2;3,100\n", "comma may divide thousands or decimals"),
        ("0,1;2,3\n1,2;3,4\n", r"commas and semicolons both divide .* delimiter= \(--delimiter\)"),
        ("0;1;1.000,5\n1;2;3,5\n", "'1.000,5' in line 1"),
    ],
)
def test_commas_that_may_mean_two_things_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        graph_of(tmp_path, content)
