import gzip
from pathlib import Path

import pytest

from spherical_gae.data.readers.files import first_line, read_bytes, read_text


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\r\nb,c\r"))
    assert read_bytes(tmp_path / "a.csv.gz") == b"a,b\r\nb,c\r"
    assert read_text(tmp_path / "a.csv.gz") == b"a,b\nb,c\n"


def test_files_that_unpack_to_far_more_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(bytes(1 << 27)))
    with pytest.raises(ValueError, match=r"bomb\.csv\.gz: given a file that unpacks to more than"):
        read_bytes(tmp_path / "bomb.csv.gz")


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"a,b" * 100)[:-9]], ids=["no gzip", "cut short"])
def test_damaged_packed_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.gz: not a complete gzip file"):
        read_bytes(tmp_path / "a.gz")


@pytest.mark.parametrize("content", ["é,b", "日本,b"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, content: str, encoding: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding=encoding)
    assert read_text(tmp_path / "a.csv").decode() == content


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a,b\n\xe9,c\n", "byte 4 .* in line 2"), (b"a,b\nc,\0\n", "a null character in line 2")],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "line"), [(b"# x\n\n  a b {}\nc\n", b"a b {}"), (b"", b""), (b"# x\n", b""), (b"a", b"a")]
)
def test_first_line(tmp_path: Path, content: bytes, line: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(content))
    assert first_line(tmp_path / "a.txt") == first_line(tmp_path / "a.txt.gz") == line
