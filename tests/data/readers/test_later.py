import json
from dataclasses import replace
from pathlib import Path

import pytest

from spherical_gae.data import read_graph
from spherical_gae.data.readers.later import FileReading
from spherical_gae.data.readers.options import ReadingOptions

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
        ReadingOptions(weight="hours"), ("person", "friend", "hours")
    )
