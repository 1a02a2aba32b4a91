from pathlib import Path

import pytest

from spherical_gae.data.readers.delimited import DelimitedText, read_delimited
from tests.helpers.graph_text import graph_of, links


def rows(text: DelimitedText) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in text.columns), strict=True))


def read(path: Path, content: str) -> DelimitedText:
    path.write_text(content)
    return read_delimited(path)


@pytest.mark.parametrize(
    ("content", "delimiter", "first"),
    [
        ("0;1;2,5\n1;2;3,5\n", ";", ("0", "1", "2,5")),
        ("0\t1\t2,5\n1\t2\t3,5\n", "\t", ("0", "1", "2,5")),
        ("0 1 2,5\n1 2 3,5\n", " ", ("0", "1", "2,5")),
        ("s;t;w\n0;1;2,5\n1;2;3,5\n", ";", ("s", "t", "w")),
        ("a b\n c\t  d \n", " ", ("a", "b")),
        ("a|b\nc|d\n", "|", ("a", "b")),
        ("New York,Rome\nParis,Los Angeles\n", ",", ("New York", "Rome")),
        ("a, b\nc, d\n", ",", ("a", "b")),
        ("New York\tRome, Italy\nUlm\tBonn, Germany\n", "\t", ("New York", "Rome, Italy")),
        ('"New York" Rome\n', " ", ("New York", "Rome")),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.edges"])
def test_delimiters_are_found(tmp_path: Path, name: str, content: str, delimiter: str, first: tuple[str, ...]) -> None:
    text = read(tmp_path / name, content)
    assert text.delimiter == delimiter
    assert rows(text)[0] == first


def test_delimiters_that_cannot_be_told_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(ValueError, match=r"commas and semicolons both .* say which by delimiter= \(--delimiter\)"):
        read(path, "a;b,c;d\ne;f,g;h\n")
    assert rows(read_delimited(path, ",")) == [("a;b", "c;d"), ("e;f", "g;h")]
    assert rows(read_delimited(path, ";"))[0] == ("a", "b,c", "d")
    with pytest.raises(ValueError, match="delimiter: given 'ab', allowed: one character"):
        read_delimited(path, "ab")


def test_bars_and_commas_that_both_divide_are_asked_for(tmp_path: Path) -> None:
    names = "Smith, John|Doe, Jane\nSmith, John|Doe, Bob\n"
    with pytest.raises(ValueError, match="given lines that commas and vertical bars both divide into equal numbers"):
        graph_of(tmp_path, names, "g.txt")
    assert links(graph_of(tmp_path, names, "g.txt", delimiter="|")) == {
        ("Doe, Bob", "Smith, John"),
        ("Doe, Jane", "Smith, John"),
    }
