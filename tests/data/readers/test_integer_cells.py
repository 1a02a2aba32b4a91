from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spherical_gae.data.readers.delimited import read_delimited
from spherical_gae.data.readers.integer_cells import are_exact, prepended, types_of_sample

INTEGERS = [0, 9, 10, 99, 100, -1, -10, 10**17, 10**18, 2**63 - 1, -(2**63)]


@pytest.mark.parametrize("value", INTEGERS)
def test_integers_as_python_writes_them_are_exact(value: int) -> None:
    columns = [pa.chunked_array([[value], [5]]), pa.chunked_array([["é"], ["bc"]])]
    text = f"{value},é\n5,bc".encode()
    assert are_exact(columns, text)
    assert are_exact(columns, text + b"\n")
    assert not are_exact(columns, text + b"\n\n")


@pytest.mark.parametrize("cell", ["007", "+7", "7 ", "0x7"])
def test_other_numerals_are_not_exact(cell: str) -> None:
    assert not are_exact([pa.chunked_array([[7]])], cell.encode())
    assert not are_exact([pa.chunked_array([[0]])], b"-0")


def test_a_hexadecimal_numeral_shorter_than_the_decimal_one_is_not_exact() -> None:
    text = b"0x7FFFFFFFFFFFFFFF\n0000"
    assert len(text) == len(f"{2**63 - 1}\n000")
    assert not are_exact([pa.chunked_array([[2**63 - 1, 100]])], text)


def test_types_of_a_sample() -> None:
    assert types_of_sample([["1", "1", "1"], ["-2", "02", "9" * 19]]) == [pa.int64(), pa.string(), pa.string()]


@pytest.mark.parametrize(
    ("cell", "expected"), [("3", pa.array([3, 1, 2])), ("03", pa.array(["03", "1", "2"])), ("a", ["a", "1", "2"])]
)
def test_a_cell_before_integers(cell: str, expected: pa.Array) -> None:
    assert prepended(cell, pa.chunked_array([[1], [2]])).equals(pa.chunked_array([expected]))


CELLS = st.integers(-(10**6), 10**6).map(str)
NUMERALS = ["007", "+1", "-0", "-01", "0x10", " 1", "2 ", "1.0", "9" * 19, "9" * 30]
STRANGE = st.sampled_from([*NUMERALS, "", "NA", "a", " b", "\u00a0c", '"1"'])


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=300),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 1), STRANGE), max_size=3),
    st.sampled_from(["", "source,target\n", "\n\n1,a\n"]),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_columns_are_the_same_text_whether_read_as_integers_or_not(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    changes: list[tuple[int, int, str]],
    head: str,
    end: str,
) -> None:
    lines = [list(row) for row in rows]
    for row, column, cell in changes:
        lines[row % len(lines)][column] = cell
    path = tmp_path_factory.mktemp("cells") / "a.csv"
    path.write_text(head + "\n".join(map(",".join, lines)) + end)
    as_text, as_integers = (read_delimited(path, ",", integers=integers) for integers in (False, True))
    assert [column.cast(pa.string()).to_pylist() for column in as_integers.columns] == [
        column.to_pylist() for column in as_text.columns
    ]
    assert as_integers.first == as_text.first
    assert as_integers.notes == as_text.notes
    if not changes and not end.startswith("\n\n"):
        has_integers = len(rows) > (not head)
        assert {column.type for column in as_integers.rest} == {pa.int64() if has_integers else pa.string()}


def test_a_file_of_integers_is_read_as_integers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c\n1,-2,x\n0,10,07\n")
    text = read_delimited(tmp_path / "a.csv", integers=True)
    assert text.first == ["a", "b", "c"]
    assert [column.to_pylist() for column in text.rest] == [[1, 0], [-2, 10], ["x", "07"]]
    assert [column.to_pylist() for column in text.columns] == [["a", "1", "0"], ["b", "-2", "10"], ["c", "x", "07"]]
    assert [text.line_of(row) for row in range(3)] == [1, 2, 3]
