"""Kinds of files: those that cannot be read are refused with the names of those that can."""

from pathlib import Path

import pytest

from spherical_gae import read_graph
from spherical_gae.data.readers.suffixes import GRAPH_SUFFIXES, stem_of, suffix_of


def test_other_kinds_are_refused_with_those_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "graph.xlsx"
    path.write_text("")
    with pytest.raises(ValueError, match="xlsx") as caught:
        read_graph(path)
    assert all(suffix in str(caught.value) for suffix in (*GRAPH_SUFFIXES, "from_networkx", "pandas"))


@pytest.mark.parametrize(
    ("name", "suffix", "stem"),
    [
        ("a/b.c/links.tsv", ".tsv", "links"),
        ("links.MTX.GZ", ".mtx", "links"),
        ("out.ucidata-zachary", ".txt", "out"),
        ("out.csv", ".csv", "out"),
        ("v1.2.graphml", ".graphml", "v1.2"),
        ("links", "", "links"),
    ],
)
def test_suffixes_and_stems(name: str, suffix: str, stem: str) -> None:
    assert (suffix_of(name), stem_of(name)) == (suffix, stem)
