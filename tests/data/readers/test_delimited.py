from pathlib import Path

import pytest

from spherical_gae.data.readers.delimited import read_number, read_rows


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("A.CSV", ",")])
def test_rows_have_their_line_numbers(tmp_path: Path, name: str, delimiter: str) -> None:
    lines = ["a|b", "", ' c | "d|e" ', "", "é"]
    # A quoted cell may hold the delimiter if the quote comes first.
    text = "\n".join(lines).replace(' "', '"').replace("|", delimiter)
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert list(read_rows(tmp_path / name)) == [(1, ["a", "b"]), (3, ["c", f"d{delimiter}e"]), (5, ["é"])]


def test_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1,2\r\n3,4\r\n")
    assert list(read_rows(tmp_path / "a.csv")) == [(1, ["1", "2"]), (2, ["3", "4"])]


@pytest.mark.parametrize("content", [b"\xff\xfe1,2", b'a,"b\n' + b"x" * 200_000])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.csv: not lines of text in UTF-8"):
        list(read_rows(tmp_path / "a.csv"))


def test_numbers() -> None:
    assert read_number(Path("a.csv"), 1, "-1e3") == -1000
    for cell in ("", "one", "1,5"):
        with pytest.raises(ValueError, match=f"a.csv: given '{cell}' in line 7, allowed: a number"):
            read_number(Path("a.csv"), 7, cell)
