"""Headers of the wild: names of columns are no nodes, and nodes are no header."""

from pathlib import Path

import numpy as np
import pytest

from spherical_gae.data import read_graph
from tests.helpers.graph_text import NUMBERS, OF_NUMBERS, OF_PEOPLE, PEOPLE, graph_of, links, weights


@pytest.mark.parametrize(
    "header",
    ["from,to", "src,dst", "node_1,node_2", "0,1", "Target,Source", "FROM,TO", '"from","to"', "\ufeffsource,target"],
)
def test_headers_over_text_are_no_nodes(tmp_path: Path, header: str) -> None:
    data = graph_of(tmp_path, f"{header}\n{PEOPLE}")
    assert (data.num_nodes, links(data)) == (3, OF_PEOPLE)
    assert len(data.report.header) == 2
    assert "The first line is a header" in str(data.report)


@pytest.mark.parametrize("header", ["from,to", "user,friend", "a,b", "x1,x2", "Person A,Person B"])
def test_headers_over_numbers_are_no_nodes(tmp_path: Path, header: str) -> None:
    data = graph_of(tmp_path, f"{header}\n{NUMBERS}")
    assert (data.num_nodes, links(data), data.report.header) == (3, OF_NUMBERS, header.split(","))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.txt", "# FromNodeId\tToNodeId\n1\t2\n2\t3\n"),
        ("g.txt", "FromNodeId ToNodeId\n1 2\n2 3\n"),
        ("g.tsv", "from\tto\n1\t2\n2\t3\n"),
        ("g.csv", "source;target\n1;2\n2;3\n"),
        ("g.edges", "u v\n1 2\n2 3\n"),
    ],
)
def test_headers_of_other_delimiters(tmp_path: Path, name: str, content: str) -> None:
    data = graph_of(tmp_path, content, name)
    assert (data.num_nodes, links(data)) == (3, OF_NUMBERS)


@pytest.mark.parametrize("first", ["person,friend", "start,end", "A,B"])
def test_words_that_may_be_names_or_nodes_are_asked_for(tmp_path: Path, first: str) -> None:
    with pytest.raises(ValueError, match=r"may be a header or data; say which by header=True \(--header\)"):
        graph_of(tmp_path, f"{first}\n{PEOPLE}")
    assert links(graph_of(tmp_path, f"{first}\n{PEOPLE}", header=True)) == OF_PEOPLE
    assert graph_of(tmp_path, f"{first}\n{PEOPLE}", header=False).num_nodes == 5


@pytest.mark.parametrize("comment", ["measured in 2020", "a b c", "Nodes: 3 4"])
def test_words_of_a_comment_are_no_names_of_columns(tmp_path: Path, comment: str) -> None:
    data = graph_of(tmp_path, f"# {comment}\n1,2,5\n2,3,6\n")
    assert (links(data), weights(data)) == (OF_NUMBERS, [5, 6])


def test_nodes_that_occur_again_are_no_header(tmp_path: Path) -> None:
    assert links(graph_of(tmp_path, f"ann,cid\n{PEOPLE}")) == {*OF_PEOPLE, ("ann", "cid")}
    assert links(graph_of(tmp_path, f"0,1\n{NUMBERS}")) == {*OF_NUMBERS, (0, 1)}


def test_names_of_pandas_over_numbers_are_asked_for_where_they_are_no_nodes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'0, 1', which may be a header or data, as they are the names that pandas"):
        graph_of(tmp_path, "0,1\n5,7\n7,9\n")
    assert graph_of(tmp_path, "0,1\n5,7\n7,9\n", header=True).num_nodes == 3


@pytest.mark.parametrize("header", ["id,1990,2000", ",1990,2000", "name,1990,2000", "node,1990,2000", "Id,a,b"])
def test_headers_of_features_are_no_nodes(tmp_path: Path, header: str) -> None:
    data = graph_of(tmp_path, PEOPLE, features=f"{header}\nann,1,2\nbob,3,4\ncid,5,6\n")
    assert data.node_ids == ["ann", "bob", "cid"]
    assert data.x.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert data.report.attributes_used == header.split(",")[1:]


@pytest.mark.parametrize("first", ["city,1990,2000", "dan,0,1"])
def test_first_lines_of_features_that_may_be_either_are_asked_for(tmp_path: Path, first: str) -> None:
    with pytest.raises(ValueError, match=r"x\.csv: given the first line .*--no-header"):
        graph_of(tmp_path, PEOPLE, features=f"{first}\nann,1,2\nbob,3,4\ncid,5,6\n")


@pytest.mark.parametrize("text", ["1,\n2,3\n3,4\n", "amy,\nbob,cid\ncid,dan\n", ",b,3.5\nb,c,2\nc,d,1\n"])
def test_an_edge_that_lacks_an_id_in_the_first_line_is_no_header(tmp_path: Path, text: str) -> None:
    (tmp_path / "links.csv").write_text(text)
    with pytest.raises(ValueError, match=r"an empty node id in line 1|which may be a header or data"):
        read_graph(tmp_path / "links.csv")


@pytest.mark.parametrize("mark", [";", ",", "|", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_excels_hint_is_no_line_of_the_table(tmp_path: Path, mark: str, end: str) -> None:
    lines = [f"sep={mark}", f"source{mark}target", f"1{mark}2", f"2{mark}3", f"3{mark}4"]
    (tmp_path / "links.csv").write_bytes(end.join(lines).encode())
    data = read_graph(tmp_path / "links.csv")
    assert data.node_ids == [1, 2, 3, 4]
    assert data.num_edges == 6
    (tmp_path / "links.csv").write_bytes(end.join([*lines, mark + "9"]).encode())
    with pytest.raises(ValueError, match="an empty node id in line 6"):
        read_graph(tmp_path / "links.csv")


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_names_in_a_comment_are_divided_as_the_cells(tmp_path: Path, mark: str) -> None:
    rows = np.array([[2, 1, 2001], [3, 2, 2002], [4, 3, 2003], [5, 4, 2004]])
    path = tmp_path / "links.csv"
    np.savetxt(path, rows, fmt="%d", delimiter=mark, header=mark.join(["target", "source", "year"]))
    data = read_graph(path, directed=True)
    assert data.edge_index.tolist() == [[0, 1, 2, 3], [1, 2, 3, 4]]
    assert data.edge_weight is None
    assert "'year'" in data.report.columns_left_out


@pytest.mark.parametrize("header", [",source,target,2019,2020", ",from,to", ",a,b,1", ",target"])
def test_an_index_without_a_name_is_known_by_the_names_beside_it(tmp_path: Path, header: str) -> None:
    width = header.count(",")
    rows = [[k, 10 + k, 11 + k, 5, 6][: width + 1] for k in range(4)]
    (tmp_path / "links.csv").write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))
    data = read_graph(tmp_path / "links.csv")
    assert len(data.report.header) == width + 1
    assert all(isinstance(node, int) for node in data.node_ids)
