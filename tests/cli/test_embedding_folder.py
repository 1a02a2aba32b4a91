from pathlib import Path

import pandas as pd
import pytest

from spherical_gae.cli.embedding_folder import print_table, read_classes, say_next


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(pd.DataFrame({"node": ["a", "long name"], "cosine": [0.5, -0.25], "linked": [True, False]}))
    assert capsys.readouterr().out == "node        cosine  linked\na           0.5000  yes\nlong name  -0.2500\n"


def test_purposes_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    say_next(("a", "one"), ("bcd", "two"))
    assert capsys.readouterr().out == "\nNext:\n  spherical-gae a    one\n  spherical-gae bcd  two\n"


def test_labels_belong_to_ids(tmp_path: Path) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text("id\tkind\tmore\n7\tred\t1\nx\tblue\t2\n9\tred\t3\n")
    assert read_classes(path, [7, "y", "x"]) == ["red", None, "blue"]
    assert read_classes(None, [7]) is None
