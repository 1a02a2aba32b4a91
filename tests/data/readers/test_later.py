import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spherical_gae.data import read_graph
from spherical_gae.data.readers.later import FileReading
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.raw_graph import ColumnPlaces

FIRST = FileReading(ReadingOptions("person", "friend", "hours", comment="%", labels="x"), ("person", "friend", "hours"))


def test_reading_survives_json() -> None:
    for reading in (FIRST, FileReading(ReadingOptions()), replace(FIRST, prefixes=("person", "film"))):
        assert FileReading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading


def test_what_is_not_given_is_as_before() -> None:
    kept = ReadingOptions("person", "friend", "hours", comment="%", bipartite=False)
    assert FIRST.for_links("later.parquet", ReadingOptions()) == kept
    assert FIRST.for_links("later.parquet", ReadingOptions(target="2", weight="none", comment="")) == ReadingOptions(
        "person", "2", "none", comment="", bipartite=False
    )
    of_two = replace(FIRST, prefixes=("person", "film"))
    assert of_two.for_links("later.parquet", ReadingOptions()).bipartite is True
    # Other files have no columns.
    assert FIRST.for_links("later.graphml", ReadingOptions()) == ReadingOptions(weight="hours")
    assert FIRST.for_features(ReadingOptions(delimiter=";")) == ReadingOptions(delimiter=";", comment="%")


@pytest.mark.parametrize(
    ("text", "said", "header"),
    [
        ("person,friend\nann,bob\n", None, True),
        ("hours,friend,person\n1,bob,ann\n", None, True),
        ("ann,bob\nbob,cid\n", None, None),
        ("person,boss\nann,bob\n", None, None),
        # A header that was said to be there is looked for: a first link is not taken for one.
        ("ann,bob\nbob,cid\n", True, None),
        ("ann,bob\nbob,cid\n", False, False),
    ],
)
def test_header_is_that_of_the_first_file(text: str, said: bool | None, header: bool | None, tmp_path: Path) -> None:
    (tmp_path / "later.csv").write_text(text)
    reading = FileReading(ReadingOptions(header=said), ("person", "friend", "hours"))
    assert reading.for_links(tmp_path / "later.csv", ReadingOptions()).header is header
    assert reading.for_links(tmp_path / "later.csv", ReadingOptions(header=False)).header is False


def test_a_file_that_was_read_says_how(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("person,friend,hours\nann,bob,2\nbob,cid,3\n")
    assert read_graph(tmp_path / "links.csv", weight="hours").reading == FileReading(
        ReadingOptions(weight="hours"), ("person", "friend", "hours"), places=ColumnPlaces(0, 1, 2, 3)
    )


def ring(*columns: str) -> str:
    """Lines with the ends of a link as s and t, a weight as w and a year as y."""
    cells = ({"s": f"n{k}", "t": f"n{(k + 1) % 9}", "w": str(1 + k % 3), "y": str(2000 + k)} for k in range(9))
    return "".join(",".join(cell[name] for name in columns) + "\n" for cell in cells)


@pytest.mark.parametrize(
    ("first", "told", "later", "expected"),
    [
        # A time that was told is no weight later; a weight that was found stays one; a header gives the places.
        (ring("s", "t", "y"), {"time": 3}, "new,n0,2050\n", None),
        (ring("s", "t", "w", "y"), {"time": 4}, "new,n0,2,2050\n", 2.0),
        ("weight,source,target\n" + ring("w", "s", "t"), {}, "2,new,n0\n", 2.0),
        (ring("s", "t", "w"), {}, "new,n0\n", None),
        (ring("s", "t"), {}, "new,n0,2\n", None),
    ],
)
def test_columns_without_names_are_where_they_were(
    first: str, told: dict[str, Any], later: str, expected: float | None, tmp_path: Path
) -> None:
    (tmp_path / "first.csv").write_text(first)
    (tmp_path / "later.csv").write_text(later)
    reading = read_graph(tmp_path / "first.csv", **told).reading
    assert FileReading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading
    options = reading.for_links(tmp_path / "later.csv", ReadingOptions()).to_dict()
    read = read_graph(tmp_path / "later.csv", **options)
    assert sorted(read.node_ids) == ["n0", "new"]
    assert (None if read.edge_weight is None else read.edge_weight[0].item()) == expected
