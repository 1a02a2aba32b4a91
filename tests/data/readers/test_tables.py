"""Columns of tables as people have them: found, or left out with a word."""

from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from spherical_gae.data.readers.graph_files import read_graph
from tests.helpers.graph_text import OF_NUMBERS, OF_PEOPLE, graph_of, links, weights


@pytest.mark.parametrize(
    ("content", "expected", "left_out"),
    [
        (
            "Source,Target,Type,Id,Label,Weight\n1,2,Undirected,0,,2.0\n2,3,Undirected,1,,3.0\n",
            [2, 3],
            {"'Type'": "it is not needed", "'Id'": "it is not named", "'Label'": "it is empty"},
        ),
        (",source,target,weight\n0,1,2,1.5\n1,2,3,2\n", [1.5, 2], {"''": "it numbers the rows"}),
        ("Unnamed: 0,source,target\n0,1,2\n1,2,3\n", None, {"'Unnamed: 0'": "it numbers the rows"}),
        ("1,2,1112486027\n2,3,1112486028\n", None, {"number 3": "look like times"}),
        ("user_1,user_2,timestamp\n1,2,1112486027\n2,3,1112486028\n", None, {"'timestamp'": "it may hold times"}),
        ("1,2,\n2,3,\n", None, {"number 3": "it is empty"}),
        ("1,2,friends\n2,3,enemies\n", None, {"number 3": "text"}),
        ("id,source,target\n1,1,2\n2,2,3\n", None, {"'id'": "it is not named"}),
        ("source,target,w,note\n1,2,4,x\n2,3,5,y\n", [4, 5], {"'note'": "text"}),
    ],
)
def test_columns_are_found_or_left_out_with_a_word(
    tmp_path: Path, content: str, expected: list[float] | None, left_out: dict[str, str]
) -> None:
    data = graph_of(tmp_path, content)
    assert (links(data), weights(data)) == (OF_NUMBERS, expected)
    assert data.report.columns_left_out.keys() == left_out.keys()
    for name, why in left_out.items():
        assert why in data.report.columns_left_out[name]


def test_konect_has_weights_and_times_in_the_third_and_fourth_column(tmp_path: Path) -> None:
    data = graph_of(tmp_path, "% sym positive\n% 2 3 3\n1 2 3 1000\n2 3 1 1001\n", "out.graph", weight=3, time=4)
    assert (links(data), weights(data)) == (OF_NUMBERS, [3, 1])
    assert data.edge_time[data.edge_index[0] < data.edge_index[1]].tolist() == [1000, 1001]
    left_out = graph_of(tmp_path, "% sym positive\n1 2 3 1000\n2 3 1 1001\n", "out.graph").report.columns_left_out
    assert left_out.keys() == {"number 3", "number 4"}


@pytest.mark.parametrize("name", ["g.edgelist", "g.txt", "g.csv"])
def test_edge_lists_of_networkx_have_dictionaries(tmp_path: Path, name: str) -> None:
    """Their weights are read; lines may have different attributes."""
    graph = nx.Graph([(1, 2, {"weight": 2.5}), (2, 3, {"weight": 4, "since": 2001})])
    nx.write_edgelist(graph, tmp_path / name)
    data = read_graph(tmp_path / name)
    assert (data.node_ids, links(data), weights(data)) == ([1, 2, 3], OF_NUMBERS, [2.5, 4])
    assert data.report.columns_left_out.keys() == {"'since'"}
    data = graph_of(tmp_path, "ann bob {}\nbob cid {}\n", name)
    assert (links(data), data.edge_weight) == (OF_PEOPLE, None)
    with pytest.raises(ValueError, match=r"'bob cid' in line 2, allowed: two ids and a dictionary of plain values"):
        graph_of(tmp_path, "ann bob {}\nbob cid\n", name)


RATINGS = "userId,movieId,rating,timestamp\n1,2,4.0,1112486027\n1,3,3.5,1112486027\n2,3,5,1112486029\n"


def test_ratings(tmp_path: Path) -> None:
    """User 2 and film 2 are two nodes if one says so; if not, there is a warning."""
    options = {"weight": "rating", "time": "timestamp"}
    data = graph_of(tmp_path, RATINGS, bipartite=True, **options)
    assert data.node_ids == ["movieId 2", "movieId 3", "userId 1", "userId 2"]
    assert data.side.tolist() == [1, 1, 0, 0]
    assert sorted(weights(data) or []) == [3.5, 4, 5]
    assert sorted(data.edge_time.unique().tolist()) == [1112486027, 1112486029]
    data = graph_of(tmp_path, RATINGS)
    assert (data.node_ids, data.edge_weight, data.get("side")) == ([1, 2, 3], None, None)
    assert any("say so: bipartite=True (--bipartite)" in text for text in data.report.warnings)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("1,2,3\n2,3,high\n3,4,5\n", {}, "'high' in line 2, allowed: a number.*--weight none"),
        ("source,target,w,w\n1,2,3,4\n2,3,4,5\n", {"weight": "w"}, "the name of 2 columns; give its number"),
        ("id,name\n1,a\n2,b\n", {}, "it may be a table of nodes.*--source"),
        ("source,target\n1,2\n2,3\n", {"time": "when"}, "time: given 'when', allowed in g.csv: one of source, target"),
        ("1,2\n2,3\n", {"source": 1, "target": 1}, "source"),
        ("1,2\n2,3,4\n", {}, "3 columns in line 2, allowed: 2"),
        ("1\n2\n", {}, "1 columns"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        graph_of(tmp_path, content, **options)
