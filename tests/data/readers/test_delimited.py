from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spherical_gae.data.readers.delimited import DelimitedText, read_delimited
from spherical_gae.data.readers.graph_files import read_graph
from tests.helpers.graph_text import graph_of, links


def rows(text: DelimitedText) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in text.columns), strict=True))


def read(path: Path, content: str, **options: str) -> DelimitedText:
    path.write_text(content)
    return read_delimited(path, **options)


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("A.CSV", ",")])
def test_rows_have_their_line_numbers(tmp_path: Path, name: str, delimiter: str) -> None:
    lines = ["a|b", "", ' c | "d|e" ', "", "é|f"]
    (tmp_path / name).write_text("\n".join(lines).replace("|", delimiter), encoding="utf-8-sig")
    text = read_delimited(tmp_path / name)
    assert rows(text) == [("a", "b"), ("c", f"d{delimiter}e"), ("é", "f")]
    assert [text.line_of(row) for row in range(3)] == [1, 3, 5]


@pytest.mark.parametrize("content", [b"1,2\r\n3,4\r\n", b"1,2\r3,4\r", "\ufeff1,2\n3,4".encode("utf-16")])
def test_other_line_ends_and_utf_16(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert rows(read_delimited(tmp_path / "a.csv")) == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe1,2", "not text in UTF-16"),
        (b"a,b\nc,\xe9", r"not lines of text in UTF-8: byte 6 \(0xe9\) in line 2, allowed: text saved as UTF-8"),
        (b"a,b\n\0,c", "given a null character in line 2"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.csv: {message}"):
        read_delimited(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # Not one of the quotes that open a cell closes it: they are letters.
        ('"abc,def\nx,y\n', [('"abc', "def"), ("x", "y")]),
        ('a,"b\nc,d\n"e,f\n', [("a", '"b'), ("c", "d"), ('"e', "f")]),
        ('5" disk,b\nc,d\n', [('5" disk', "b"), ("c", "d")]),
        ('"a""b",c\n', [('a"b', "c")]),
        ('"a,b" , "c"\nd,e\n', [("a,b", "c"), ("d", "e")]),
    ],
)
def test_quotes(tmp_path: Path, content: str, expected: list[tuple[str, ...]]) -> None:
    assert rows(read(tmp_path / "a.csv", content)) == expected


@pytest.mark.parametrize("content", ['"a",b\n"c,d\ne,f\n', '"a",b\nc,"d\n"\n', '"a" b,c\n"d",e\n'])
def test_a_quote_that_is_not_closed_among_quoted_cells_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match=r"a\.csv: given a quote in line [12] that opens a cell"):
        read(tmp_path / "a.csv", content)


def test_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = read(path, "# Undirected graph: ../a.txt\n#\n# From\tTo\n0\t1\n1\t2\n")
    assert rows(text) == [("0", "1"), ("1", "2")]
    assert text.comments == ["Undirected graph: ../a.txt", "", "From\tTo"]
    assert text.line_of(0) == 4
    assert rows(read(path, "% sym unweighted\n1 2\n2 3\n")) == [("1", "2"), ("2", "3")]
    with pytest.raises(ValueError, match=r"given '#c,d' in line 2, which may be a comment or a node; say comment='#'"):
        read(path, "a,b\n#c,d\n")
    assert rows(read_delimited(path, comment="#")) == [("a", "b")]
    assert rows(read_delimited(path, comment="")) == [("a", "b"), ("#c", "d")]
    with pytest.raises(ValueError, match="lines that all begin with # or %"):
        read(path, "#a,#b\n#b,#c\n")
    assert rows(read_delimited(path, comment="")) == [("#a", "#b"), ("#b", "#c")]
    assert rows(read(path, "// a\n1,2\n", comment="//")) == [("1", "2")]


def test_lines_of_empty_cells_are_left_out(tmp_path: Path) -> None:
    text = read(tmp_path / "a.csv", "a,b\n,\nc,d\n,\n")
    assert rows(text) == [("a", "b"), ("c", "d")]
    assert text.line_of(1) == 3
    assert text.notes == ["Lines of empty cells left out: 2."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\nc\n", "given 1 columns in line 2, allowed: 2"),
        ("a,b\n\nb,c,1\n", "given 3 columns in line 3, allowed: 2"),
    ],
)
def test_lines_of_other_lengths_are_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"a\.csv: {message} as in the first; cells were divided at commas"):
        read(tmp_path / "a.csv", content)


CELLS = st.text(
    st.characters(exclude_characters=' \t\n\r,;|"#%', exclude_categories=["C", "Z"]), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(",;\t| "))
def test_cells_are_exact_text(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str]], by: str) -> None:
    path = tmp_path_factory.mktemp("cells") / "a.txt"
    path.write_text("\n".join(by.join(line) for line in lines), encoding="utf-8")
    assert rows(read_delimited(path)) == lines


@pytest.mark.parametrize("content", [",,\n,,\n", "\t\t\n\t\t\n", '"",""\n'])
def test_nothing_but_empty_cells_is_no_edge(tmp_path: Path, content: str) -> None:
    (tmp_path / "g.csv").write_text(content)
    with pytest.raises(ValueError, match=r"g\.csv: given no edges"):
        read_graph(tmp_path / "g.csv")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,b\n"c,d\nd,e\nb,d\n', {("a", "b"), ('"c', "d"), ("d", "e"), ("b", "d")}),
        ('5" pipe,valve\nvalve,3" pipe\n', {('5" pipe', "valve"), ('3" pipe', "valve")}),
        ('he said "no",b\nb,c\n', {("b", 'he said "no"'), ("b", "c")}),
        ('"a ""b""",c\nc,d\n', {('a "b"', "c"), ("c", "d")}),
        ('"a,b",c\nc,d\n', {("a,b", "c"), ("c", "d")}),
        ("a,b\r\nb,c\r\n", {("a", "b"), ("b", "c")}),
        ("a,b\rb,c\r", {("a", "b"), ("b", "c")}),
        ("a,b\n\n\nb,c", {("a", "b"), ("b", "c")}),
        ("it's,o'clock\no'clock,b\n", {("it's", "o'clock"), ("b", "o'clock")}),
    ],
)
def test_no_line_is_lost(tmp_path: Path, content: str, expected: set[tuple[str, str]]) -> None:
    (tmp_path / "g.csv").write_bytes(content.encode())
    data = read_graph(tmp_path / "g.csv")
    got = {tuple(sorted(pair)) for pair in links(data)}
    assert got == {tuple(sorted(pair)) for pair in expected}


@pytest.mark.parametrize("content", ['"ann",bob\nbob,"cid\ncid,dan\n', 'a,b,"x"\nb,c,"y\nc,d,z\n'])
def test_a_quote_left_open_names_its_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match="a quote in line 2 that opens a cell and does not close it"):
        graph_of(tmp_path, content)


@pytest.mark.parametrize(
    ("name", "content", "delimiter"), [("g.txt", "\t\n1 2\n2 3\n", " "), ("g.csv", "1,2\n \t\n2,3\n", None)]
)
def test_blank_lines_may_hold_tabs(tmp_path: Path, name: str, content: str, delimiter: str | None) -> None:
    assert links(graph_of(tmp_path, content, name, delimiter=delimiter)) == {(1, 2), (2, 3)}
