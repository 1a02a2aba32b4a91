from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spherical_gae.data.readers.class_files import read_node_classes


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["02139", "2139"], ["02139", "2139"]),
        (["7", "007"], ["7", "007"]),
        (["1.10", "1.1", "01.1"], ["1.10", "1.1", "01.1"]),
        (["12345678901234567890", "12345678901234567891"], [12345678901234567890, 12345678901234567891]),
        (["1", "2", "other"], ["1", "2", "other"]),
        (["1", "2", "3a", ""], ["1", "2", "3a", None]),
        (["10", "-2", "0", "NA"], [10, -2, 0, None]),
        (["-0", "1"], ["-0", "1"]),
    ],
)
def test_what_is_written_otherwise_is_another_class(
    tmp_path: Path, cells: list[str], classes: list[int | str | None]
) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("id,class\n" + "".join(f"n{k},{cell}\n" for k, cell in enumerate(cells)))
    assert list(read_node_classes(path).values()) == classes


def test_the_column_beside_the_ids_wherever_they_are(tmp_path: Path) -> None:
    path = tmp_path / "classes.tsv"
    path.write_text("kind\tid\tmore\nred\t7\t1\nblue\tx\t2\n")
    assert read_node_classes(path) == {"7": "red", "x": "blue"}


def test_numbers_of_parquet_are_numbers(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "class": [10, 2]}).to_parquet(tmp_path / "classes.parquet")
    assert read_node_classes(tmp_path / "classes.parquet") == {"a": 10, "b": 2}


def test_what_holds_no_classes_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "classes.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"classes.npy: given .npy, allowed: a table, .csv"):
        read_node_classes(tmp_path / "classes.npy")
    (tmp_path / "ids.csv").write_text("id\na\nb\n")
    with pytest.raises(ValueError, match="given no classes, allowed: a node id and a class in each row"):
        read_node_classes(tmp_path / "ids.csv")
    (tmp_path / "twice.csv").write_text("id,class\na,1\na,2\n")
    with pytest.raises(ValueError, match="the node id 'a'"):
        read_node_classes(tmp_path / "twice.csv")


def test_row_numbers_that_pandas_saves_are_no_classes(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a", "b", "c"], "class": ["x", "y", "x"]})
    table.to_csv(tmp_path / "c.csv")
    assert read_node_classes(tmp_path / "c.csv") == {"a": "x", "b": "y", "c": "x"}
    table[["id"]].to_csv(tmp_path / "ids.csv")
    with pytest.raises(ValueError, match="given ids and row numbers, allowed: a node id and a class in each row"):
        read_node_classes(tmp_path / "ids.csv")
