from pathlib import Path

import pandas as pd
import pytest

from spherical_gae.cli.embedding_folder import print_table, read_classes, say_next
from spherical_gae.data.readers.options import ReadingOptions
from tests.helpers.cli_calls import assert_refused, call


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(pd.DataFrame({"node": ["a", "long name"], "cosine": [0.5, -0.25], "linked": [True, False]}))
    assert capsys.readouterr().out == "node        cosine  linked\na           0.5000  yes\nlong name  -0.2500\n"


def test_purposes_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    say_next(("a", "one"), ("bcd", "two"))
    assert capsys.readouterr().out == "\nNext:\n  spherical-gae a    one\n  spherical-gae bcd  two\n"


@pytest.mark.parametrize("command", [("suggest", "--all", 3), ("view",), ("transform", "later.csv")])
def test_run_folders_of_train_are_named(command: tuple, tmp_path: Path) -> None:
    name, *options = command
    (tmp_path / "config.json").write_text("{}")
    result = call(name, tmp_path, *options)
    assert_refused(result, "DIR", f"given {tmp_path}, a run folder of train, allowed: a folder of embed or transform")


def test_labels_belong_to_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text("id\tkind\tmore\n7\tred\t1\nx\tblue\t2\n9\tred\t3\n")
    assert read_classes(path, [7, "y", "x"], ReadingOptions()) == ["red", None, "blue"]
    said = "labels.tsv: classes of 2 of 3 nodes. Ids that the graph does not have, not used: 1, such as '9'.\n\n"
    assert capsys.readouterr().out == said
    assert read_classes(None, [7], ReadingOptions()) is None


def test_classes_are_as_the_file_has_them(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("id,class\n1,3\n2,NA\n3,100000000000000000000\n4,2.5\n")
    classes = read_classes(tmp_path / "classes.csv", [1, 2, 3, 4], ReadingOptions())
    assert classes == ["3", None, "100000000000000000000", "2.5"]


def test_ids_do_not_tear_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(pd.DataFrame({"node": ["a\nb", "日"], "p": [0.5, 1]}))
    say_next(("suggest 'a\nb'", "x"))
    assert capsys.readouterr().out.splitlines() == [
        "node       p",
        "a\\nb  0.5000",
        "日     1.0000",
        "",
        "Next:",
        "  spherical-gae suggest 'a\\nb'  x",
    ]
