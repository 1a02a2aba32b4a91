"""The bytes and the text of a file, unpacked."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from pathlib import Path

_CHUNK = 1 << 20
# Deflate reaches 1,032; lists of links stay below 30.
_MAX_RATIO = 200
_SAFE_SIZE = 1 << 26
_COMMENT_MARKS = ("#", "%")


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked if its name ends in .gz.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no gzip file, or one that unpacks to more than 64 MiB and 200 times its size.
    """
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    limit = max(_SAFE_SIZE, _MAX_RATIO * path.stat().st_size)
    unpacked = BytesIO()
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK):
                unpacked.write(chunk)
                if unpacked.tell() > limit:
                    raise ValueError(f"{path}: given a file that unpacks to more than {limit:,} bytes; unpack it first")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: not a complete gzip file: {error}") from error
    return unpacked.getvalue()


def comment_marks(comment: str | None) -> tuple[str, ...]:
    """What a comment at the head of a file begins with: # or %, unless told; nothing if told ``""``."""
    if comment is None:
        return _COMMENT_MARKS
    return (comment,) if comment else ()


def first_line(path: Path, comment: str | None = None) -> bytes:
    """The first line that is not blank and no comment, as far as the first MiB holds it; b"" if there is none.

    Args:
        path: The file.
        comment: See :func:`comment_marks`.

    Raises:
        OSError: If the file cannot be read.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            head = file.read(_CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b""
    lines = (line.strip() for line in head.splitlines())
    marks = tuple(mark.encode() for mark in comment_marks(comment))
    return next((line for line in lines if line and not line.startswith(marks)), b"")


def read_text(path: Path) -> bytes:
    r"""The text of a file as UTF-8 without a byte order mark, lines ended by ``\n``.

    Text in UTF-16 with a byte order mark, as spreadsheets save it, is converted.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no text in UTF-8 or UTF-16, or holds a null character.
    """
    text = read_bytes(path)
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = text.decode("utf-16").encode()
        except UnicodeError as error:
            raise ValueError(f"{path}: not text in UTF-16, which its first two bytes promise: {error}") from error
    text = text.removeprefix(b"\xef\xbb\xbf")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            raise ValueError(
                f"{path}: not lines of text in UTF-8: byte {error.start} (0x{text[error.start]:02x}) in line {line}, "
                "allowed: text saved as UTF-8"
            ) from error
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise ValueError(f"{path}: given a null character in line {line}, allowed: text in UTF-8")
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
