import gzip
import json
import sys
from pathlib import Path

import pytest

from benchmarks.scaling import fuzz_readers


def test_outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "g.csv").write_text("a,b\nb,c\n")
    (tmp_path / "x.csv").write_text("a,1\nb,2\n")
    assert fuzz_readers.outcome(tmp_path / "g.csv", None) == "read"
    assert fuzz_readers.outcome(tmp_path / "g.csv", tmp_path / "x.csv") == "refused"
    assert fuzz_readers.outcome(tmp_path / "none.csv", None) == "refused"

    def fail(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(fuzz_readers, "read_graph", fail)
    assert fuzz_readers.outcome(tmp_path / "g.csv", None) == "raised ZeroDivisionError: by zero"


def test_size_of_a_packed_file_is_that_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a" * 10_000))
    (tmp_path / "b.gz").write_bytes(b"no gzip at all")
    assert fuzz_readers.unpacked_size(tmp_path / "a.gz") == 10_000
    assert fuzz_readers.unpacked_size(tmp_path / "b.gz") == 14


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is read or refused, or kept."""
    arguments = ["--count", "6", "--keep", tmp_path / "keep", "--out", tmp_path / "out.json"]
    monkeypatch.setattr(sys, "argv", ["fuzz_readers.py", *map(str, arguments)])
    fuzz_readers.main()
    report = json.loads((tmp_path / "out.json").read_text())
    assert sum(report["outcomes"].values()) == report["count"] == 6
    assert report["found"] == []
    assert 0 <= report["largest_memory_ratio"] <= 20
