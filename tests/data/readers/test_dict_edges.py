from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from spherical_gae.data.readers.graph_files import read_graph
from tests.helpers.graph_text import OF_PEOPLE, graph_of, links, weights


def test_edge_lists_of_networkx_have_a_form_of_their_own(tmp_path: Path) -> None:
    nx.write_edgelist(nx.Graph([(1, 2), (1, 3), (3, 2)]), tmp_path / "dicts.txt")
    for options in ({}, {"delimiter": " "}, {"comment": "#"}, {"header": False}):
        assert read_graph(tmp_path / "dicts.txt", **options).num_edges == 6


@pytest.mark.parametrize("delimiter", [" ", ",", ";", "\t"])
@pytest.mark.parametrize("is_told", [False, True])
def test_delimiters_are_found_and_may_be_told(tmp_path: Path, delimiter: str, is_told: bool) -> None:
    graph = nx.Graph([("ann", "bob", {"weight": 2.5, "a": "b,c; d"}), ("bob", "cid", {"weight": 3.5})])
    nx.write_edgelist(graph, tmp_path / "dicts.txt", delimiter=delimiter)
    data = read_graph(tmp_path / "dicts.txt", delimiter=delimiter if is_told else None)
    assert links(data) == OF_PEOPLE
    assert weights(data) == [2.5, 3.5]


def test_ids_keep_a_mark_of_comments_where_that_is_said(tmp_path: Path) -> None:
    content = "#tag bob {}\nbob cid {}\n"
    assert links(graph_of(tmp_path, content, "g.txt", comment="")) == {("#tag", "bob"), ("bob", "cid")}
    data = graph_of(tmp_path, content, "g.txt")
    assert links(data) == {("bob", "cid")}
    assert "Lines of comment skipped: 1." in data.report.notes


def test_lines_with_a_mark_among_the_edges_are_asked_for(tmp_path: Path) -> None:
    content = "ann bob {}\n#tag bob {}\nbob cid {}\n"
    with pytest.raises(ValueError, match=r"given '#tag bob \{\}' in line 2, which may be a comment or a node"):
        graph_of(tmp_path, content, "g.txt")
    assert links(graph_of(tmp_path, content, "g.txt", comment="")) == {*OF_PEOPLE, ("#tag", "bob")}
    data = graph_of(tmp_path, content, "g.txt", comment="#")
    assert links(data) == OF_PEOPLE
    assert "Lines of comment skipped: 1." in data.report.notes


def test_what_networkx_writes_of_numpy_is_read(tmp_path: Path) -> None:
    nx.write_edgelist(nx.Graph([("ann", "bob", {"weight": np.float64(2.5)})]), tmp_path / "g.txt")
    assert weights(read_graph(tmp_path / "g.txt")) == [2.5]


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    content = "ann bob {'weight': np.float64(2.5)}\nbob cid {'weight': np.int64(3)}\n"
    assert weights(graph_of(tmp_path, content, "g.txt")) == [2.5, 3]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("ann bob {}\n", {"header": True}, "header: given True for g.txt, allowed: for tables of cells only"),
        ("ann bob {}\n", {"delimiter": ","}, "given 'ann bob {}' in line 1, allowed: .* divided by commas"),
        ("ann bob {}\nbob cid\n", {}, "given 'bob cid' in line 2, allowed: two ids and a dictionary"),
        ("# a\nann bob {'weight': nan}\n", {}, "in line 2, allowed: .* plain values such as {'weight': 2.0}"),
        ("ann bob {1: 2}\n", {}, "in line 1, allowed: .* divided by blanks"),
        ("ann bob {'a': open('b')}\n", {}, "in line 1, allowed: .* plain values"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, content: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        graph_of(tmp_path, content, "g.txt", **options)


def test_a_table_of_features_has_a_header_and_a_delimiter_of_its_own(tmp_path: Path) -> None:
    data = graph_of(tmp_path, "ann bob {}\n", "g.txt", "id;age\nann;3\nbob;4\n", header=True, delimiter=";")
    assert data.x.view(-1).tolist() == [3, 4]
