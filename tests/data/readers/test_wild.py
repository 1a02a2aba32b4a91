"""Strange files as people have them: each is read rightly, or refused with what to say; nothing is lost in silence."""

from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae.data.readers.graph_files import read_graph

PEOPLE = "ann,bob\nbob,cid\n"
OF_PEOPLE = {("ann", "bob"), ("bob", "cid")}
NUMBERS = "1,2\n2,3\n"
OF_NUMBERS = {(1, 2), (2, 3)}


def read(folder: Path, content: str, name: str = "g.csv", features: str | None = None, **options: Any) -> Data:
    (folder / name).write_text(content)
    if features is None:
        return read_graph(folder / name, **options)
    (folder / "x.csv").write_text(features)
    return read_graph(folder / name, folder / "x.csv", **options)


def links(data: Data) -> set[tuple[Any, Any]]:
    """Every link once, its smaller end first."""
    names = data.get("node_ids") or list(range(data.num_nodes))
    return {tuple(sorted((names[a], names[b]))) for a, b in data.edge_index.t().tolist()}


def weights(data: Data) -> list[float] | None:
    """Of the links, sorted by their ends."""
    return None if data.edge_weight is None else data.edge_weight[data.edge_index[0] < data.edge_index[1]].tolist()


# 1. Headers become nodes.


@pytest.mark.parametrize(
    "header",
    ["from,to", "src,dst", "node_1,node_2", "0,1", "Target,Source", "FROM,TO", '"from","to"', "\ufeffsource,target"],
)
def test_headers_over_text_are_no_nodes(tmp_path: Path, header: str) -> None:
    data = read(tmp_path, f"{header}\n{PEOPLE}")
    assert (data.num_nodes, links(data)) == (3, OF_PEOPLE)
    assert len(data.report.header) == 2
    assert "The first line is a header" in str(data.report)


@pytest.mark.parametrize("header", ["from,to", "user,friend", "a,b", "x1,x2", "Person A,Person B"])
def test_headers_over_numbers_are_no_nodes(tmp_path: Path, header: str) -> None:
    data = read(tmp_path, f"{header}\n{NUMBERS}")
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
    data = read(tmp_path, content, name)
    assert (data.num_nodes, links(data)) == (3, OF_NUMBERS)


@pytest.mark.parametrize("first", ["person,friend", "start,end", "A,B"])
def test_words_that_may_be_names_or_nodes_are_asked_for(tmp_path: Path, first: str) -> None:
    with pytest.raises(ValueError, match=r"may be a header or data; say which by header=True \(--header\)"):
        read(tmp_path, f"{first}\n{PEOPLE}")
    assert links(read(tmp_path, f"{first}\n{PEOPLE}", header=True)) == OF_PEOPLE
    assert read(tmp_path, f"{first}\n{PEOPLE}", header=False).num_nodes == 5


@pytest.mark.parametrize("comment", ["measured in 2020", "a b c", "Nodes: 3 4"])
def test_words_of_a_comment_are_no_names_of_columns(tmp_path: Path, comment: str) -> None:
    data = read(tmp_path, f"# {comment}\n1,2,5\n2,3,6\n")
    assert (links(data), weights(data)) == (OF_NUMBERS, [5, 6])


def test_nodes_that_occur_again_are_no_header(tmp_path: Path) -> None:
    assert links(read(tmp_path, f"ann,cid\n{PEOPLE}")) == {*OF_PEOPLE, ("ann", "cid")}
    assert links(read(tmp_path, f"0,1\n{NUMBERS}")) == {*OF_NUMBERS, (0, 1)}


def test_names_of_pandas_over_numbers_are_asked_for_where_they_are_no_nodes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'0, 1', which may be a header or data, as they are the names that pandas"):
        read(tmp_path, "0,1\n5,7\n7,9\n")
    assert read(tmp_path, "0,1\n5,7\n7,9\n", header=True).num_nodes == 3


@pytest.mark.parametrize("header", ["id,1990,2000", ",1990,2000", "name,1990,2000", "node,1990,2000", "Id,a,b"])
def test_headers_of_features_are_no_nodes(tmp_path: Path, header: str) -> None:
    data = read(tmp_path, PEOPLE, features=f"{header}\nann,1,2\nbob,3,4\ncid,5,6\n")
    assert data.node_ids == ["ann", "bob", "cid"]
    assert data.x.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert data.report.attributes_used == header.split(",")[1:]


@pytest.mark.parametrize("first", ["city,1990,2000", "dan,0,1"])
def test_first_lines_of_features_that_may_be_either_are_asked_for(tmp_path: Path, first: str) -> None:
    with pytest.raises(ValueError, match=r"x\.csv: given the first line .*--no-header"):
        read(tmp_path, PEOPLE, features=f"{first}\nann,1,2\nbob,3,4\ncid,5,6\n")


# 2. Lines are lost.


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,b\n"c,d\nd,e\nb,d\n', {("a", "b"), ('"c', "d"), ("d", "e"), ("b", "d")}),
        ('5" pipe,valve\nvalve,3" pipe\n', {('5" pipe', "valve"), ('3" pipe', "valve")}),
        ('he said "no",b\nb,c\n', {("b", 'he said "no"'), ("b", "c")}),
        ('"a ""b""",c\nc,d\n', {('a "b"', "c"), ("c", "d")}),
        ('"a,b",c\nc,d\n', {("a,b", "c"), ("c", "d")}),
        ("a,b\r\nb,c\r\n", {("a", "b"), ("b", "c")}),
        ("a,b\rb,c\r", {("a", "b"), ("b", "c")}),
        ("a,b\n\n\nb,c", {("a", "b"), ("b", "c")}),
        ("it's,o'clock\no'clock,b\n", {("it's", "o'clock"), ("b", "o'clock")}),
    ],
)
def test_no_line_is_lost(tmp_path: Path, content: str, expected: set[tuple[str, str]]) -> None:
    (tmp_path / "g.csv").write_bytes(content.encode())
    data = read_graph(tmp_path / "g.csv")
    got = {tuple(sorted(pair)) for pair in links(data)}
    assert got == {tuple(sorted(pair)) for pair in expected}


@pytest.mark.parametrize("content", ['"ann",bob\nbob,"cid\ncid,dan\n', 'a,b,"x"\nb,c,"y\nc,d,z\n'])
def test_a_quote_left_open_names_its_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match="a quote in line 2 that opens a cell and does not close it"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ("3,4.0\n4,5.0\n5,6.0\n", [3, 4, 5, 6]),
        ("source,target\n3.0,4.0\n4.0,5.0\n5.0,6.0\n", [3, 4, 5, 6]),
        ("3,4.00\n4,5.00\n", [3, 4, 5]),
        ("3.5,4.0\n4.0,5\n", ["3.5", "4.0", "5"]),
        ("007,7\n7,8\n", ["007", "7", "8"]),
        ("1e3,2\n2,3\n", ["1e3", "2", "3"]),
        (f"{2**64 + 1},{2**64}\n{2**64},3\n", [str(2**64), str(2**64 + 1), "3"]),
    ],
)
def test_ids_are_what_they_are(tmp_path: Path, content: str, ids: list[Any]) -> None:
    assert read(tmp_path, content, header="source" in content).node_ids == ids


def test_a_lacking_id_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an empty node id in line 3"):
        read(tmp_path, "3,4.0\n4,5.0\n5,\n")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.csv", "0;1;2,5\n1;2;3,5\n"),
        ("g.csv", "source;target;weight\n0;1;2,5\n1;2;3,5\n"),
        ("g.txt", "0\t1\t2,5\n1\t2\t3,5\n"),
        ("g.txt", "0 1 2,5\n1 2 3,5\n"),
        ("g.csv", "0|1|2.5\n1|2|3.5\n"),
    ],
)
def test_commas_within_numbers(tmp_path: Path, name: str, content: str) -> None:
    data = read(tmp_path, content, name)
    assert (data.node_ids, weights(data)) == ([0, 1, 2], [2.5, 3.5])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0;1;2,500\n1;2;3,100\n", "comma may divide thousands or decimals"),
        ("0,1;2,3\n1,2;3,4\n", r"commas and semicolons both divide .* delimiter= \(--delimiter\)"),
        ("0;1;1.000,5\n1;2;3,5\n", "'1.000,5' in line 1"),
    ],
)
def test_commas_that_may_mean_two_things_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)


# 3. Columns.


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
    data = read(tmp_path, content)
    assert (links(data), weights(data)) == (OF_NUMBERS, expected)
    assert data.report.columns_left_out.keys() == left_out.keys()
    for name, why in left_out.items():
        assert why in data.report.columns_left_out[name]


def test_konect_has_weights_and_times_in_the_third_and_fourth_column(tmp_path: Path) -> None:
    data = read(tmp_path, "% sym positive\n% 2 3 3\n1 2 3 1000\n2 3 1 1001\n", "out.graph", weight=3, time=4)
    assert (links(data), weights(data)) == (OF_NUMBERS, [3, 1])
    assert data.edge_time[data.edge_index[0] < data.edge_index[1]].tolist() == [1000, 1001]
    left_out = read(tmp_path, "% sym positive\n1 2 3 1000\n2 3 1 1001\n", "out.graph").report.columns_left_out
    assert left_out.keys() == {"number 3", "number 4"}


@pytest.mark.parametrize("name", ["g.edgelist", "g.txt", "g.csv"])
def test_edge_lists_of_networkx_have_dictionaries(tmp_path: Path, name: str) -> None:
    """Their weights are read; lines may have different attributes."""
    graph = nx.Graph([(1, 2, {"weight": 2.5}), (2, 3, {"weight": 4, "since": 2001})])
    nx.write_edgelist(graph, tmp_path / name)
    data = read_graph(tmp_path / name)
    assert (data.node_ids, links(data), weights(data)) == ([1, 2, 3], OF_NUMBERS, [2.5, 4])
    assert data.report.columns_left_out.keys() == {"'since'"}
    data = read(tmp_path, "ann bob {}\nbob cid {}\n", name)
    assert (links(data), data.edge_weight) == (OF_PEOPLE, None)
    with pytest.raises(ValueError, match=r"'bob cid' in line 2, allowed: two ids and \{...\}"):
        read(tmp_path, "ann bob {}\nbob cid\n", name)


RATINGS = "userId,movieId,rating,timestamp\n1,2,4.0,1112486027\n1,3,3.5,1112486027\n2,3,5,1112486029\n"


def test_ratings(tmp_path: Path) -> None:
    """User 2 and film 2 are two nodes if one says so; if not, there is a warning."""
    options = {"weight": "rating", "time": "timestamp"}
    data = read(tmp_path, RATINGS, bipartite=True, **options)
    assert data.node_ids == ["movieId 2", "movieId 3", "userId 1", "userId 2"]
    assert data.side.tolist() == [1, 1, 0, 0]
    assert sorted(weights(data) or []) == [3.5, 4, 5]
    assert sorted(data.edge_time.unique().tolist()) == [1112486027, 1112486029]
    data = read(tmp_path, RATINGS)
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
        read(tmp_path, content, **options)


# 4. Features nobody asked for, 5. defaults and missing values: attributes in GraphML.


def graphml(keys: str, nodes: dict[str, str], edges: str = "", kind: str = "undirected") -> str:
    """A path a - b - c - d, with keys and the nodes' data as XML."""
    listed = "".join(f'<node id="{name}">{nodes.get(name, "")}</node>' for name in "abcd")
    edges = edges or "".join(f'<edge source="{a}" target="{b}"/>' for a, b in ("ab", "bc", "cd"))
    return (
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        f'{keys}<graph edgedefault="{kind}">{listed}{edges}</graph></graphml>'
    )


def of_values(values: str, name: str = "v", kind: str = "double", default: str | None = None) -> str:
    """One attribute of the four nodes; a point for a value that is not there."""
    content = "" if default is None else f"<default>{default}</default>"
    key = f'<key id="k" for="node" attr.name="{name}" attr.type="{kind}">{content}</key>'
    return graphml(
        key, {n: f'<data key="k">{v}</data>' for n, v in zip("abcd", values.split(), strict=True) if v != "."}
    )


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["x", "y", "z", "r", "g", "b", "a", "size", "color", "viz_x", "Position", "vx"], "a drawing"),
        (["degree", "In-Degree", "Weighted Degree", "pagerank", "betweenness centrality", "Modularity Class",
          "clustering", "Eccentricity", "kcore", "HITS", "Authority", "component_id", "louvain", "strength",
          "eigencentrality", "Triangles", "walktrap", "membership"], "a statistic of the graph"),
        (["id", "Label", "name"], "it names the nodes"),
    ],
)  # fmt: skip
def test_what_was_computed_from_the_links_is_no_feature(tmp_path: Path, names: list[str], why: str) -> None:
    for name in names:
        data = read(tmp_path, of_values("1 2 3 4", name), "g.graphml")
        assert data.has_default_features, name
        assert why in data.report.attributes_left_out[repr(name)], name


@pytest.mark.parametrize("name", ["age", "height", "hometown size", "lat", "year_of_birth", "score"])
def test_what_is_their_own_is_a_feature(tmp_path: Path, name: str) -> None:
    data = read(tmp_path, of_values("1 2 3 4", name), "g.graphml")
    assert data.x.tolist() == [[1], [2], [3], [4]]
    assert data.report.attributes_used == [name]


@pytest.mark.parametrize(
    "writer", [nx.write_graphml, nx.write_gexf, nx.write_gml], ids=["g.graphml", "g.gexf", "g.gml"]
)
def test_a_layout_leaks_in_no_format(tmp_path: Path, writer: Any, request: pytest.FixtureRequest) -> None:
    """Auto takes the age alone; the names that are asked for are taken, with a warning."""
    graph = nx.karate_club_graph()
    for node, (x, y) in nx.spring_layout(graph, seed=0).items():
        graph.nodes[node].update(x=float(x), y=float(y), age=node / 10, pagerank=0.1 + node)
    path = tmp_path / request.node.callspec.id
    writer(graph, path)
    data = read_graph(path)
    assert data.report.attributes_used == ["age"]
    torch.testing.assert_close(data.x[:, 0], torch.arange(34) / 10)
    assert {"'x'", "'y'", "'pagerank'", "'club'"} <= data.report.attributes_left_out.keys()
    assert data.report.warnings == []
    named = read_graph(path, node_attributes=["x", "pagerank"])
    assert named.num_features == 2
    (warning,) = named.report.warnings
    assert "'x', 'pagerank' may have been computed from all links" in warning
    assert read_graph(path, node_attributes="none").has_default_features


def test_attributes_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="node_attributes: given 'heigth', allowed here: v"):
        read(tmp_path, of_values("1 2 3 4"), "g.graphml", node_attributes=["heigth"])
    with pytest.raises(ValueError, match="labels: given 'class', allowed here: v"):
        read(tmp_path, of_values("1 2 3 4"), "g.graphml", labels="class")
    with pytest.raises(ValueError, match="'auto', 'none' or a list"):
        read(tmp_path, of_values("1 2 3 4"), "g.graphml", node_attributes="all")


@pytest.mark.parametrize(
    ("content", "x"),
    [
        (of_values("3 . . 7", default="5"), [[3], [5], [5], [7]]),
        (of_values("3 . . 7", kind="int", default="5"), [[3], [5], [5], [7]]),
        (of_values("false . . .", kind="boolean", default="true"), [[0], [1], [1], [1]]),
        (of_values("3 . 5 7"), [[3, 0], [5, 1], [5, 0], [7, 0]]),
        (of_values("3 NaN 5 7"), [[3, 0], [5, 1], [5, 0], [7, 0]]),
        (of_values("1 . . .", kind="int"), [[1, 0], [1, 1], [1, 1], [1, 1]]),
    ],
)
def test_defaults_and_missing_values(tmp_path: Path, content: str, x: list[list[float]]) -> None:
    """A missing value is the mean, and has a column that says so; a default is no missing value."""
    assert read(tmp_path, content, "g.graphml").x.tolist() == x


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ('<key id="w" for="edge" attr.name="weight" attr.type="double"><default>2.5</default></key>', [1, 2.5, 2.5]),
        ('<key id="w" for="all" attr.name="weight" attr.type="double"><default>2.5</default></key>', [1, 2.5, 2.5]),
        ('<key id="w" for="edge" attr.name="weight" attr.type="double"/>', [1, 1, 1]),
        ('<key id="w" for="edge" attr.name="value" attr.type="int"><default>3</default></key>', [1, 3, 3]),
    ],
)
def test_defaults_of_weights(tmp_path: Path, key: str, expected: list[float]) -> None:
    edges = '<edge source="a" target="b"><data key="w">1</data></edge><edge source="b" target="c"/>'
    data = read(tmp_path, graphml(key, {}, edges + '<edge source="c" target="d"/>'), "g.graphml")
    assert (weights(data) or [1, 1, 1]) == expected
    assert data.has_default_features


def test_text_may_be_labels_or_categories(tmp_path: Path) -> None:
    content = of_values("red . blue red", "party", "string")
    data = read(tmp_path, content, "g.graphml")
    assert "labels='party'" in data.report.attributes_left_out["'party'"]
    data = read(tmp_path, content, "g.graphml", labels="party")
    assert (data.y.tolist(), data.label_names) == ([1, -1, 0, 1], ["blue", "red"])
    assert "Nodes without a label: 1; theirs is -1." in str(data.report)
    assert data.has_default_features
    data = read(tmp_path, content, "g.graphml", node_attributes=["party"])
    assert data.x.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]


def test_club_of_karate(tmp_path: Path) -> None:
    graph = nx.karate_club_graph()
    nx.write_graphml(graph, tmp_path / "g.graphml")
    data = read_graph(tmp_path / "g.graphml", labels="club")
    assert data.label_names == ["Mr. Hi", "Officer"]
    assert data.y.tolist() == [int(club == "Officer") for _, club in graph.nodes(data="club")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (of_values("3 inf 5 7"), "given inf as 'v' of node 'b'"),
        (of_values("3 1e39 5 7"), r"given 1e\+39 as 'v' of node 'b', allowed: finite float32"),
        (of_values("3 x 5 7"), "not a GraphML file: could not convert string to float: 'x'"),
        (graphml("", {}, '<edge source="a" target="a"/>'), "no link between two different nodes"),
        ("<graphml>", "not a GraphML file"),
    ],
)
def test_graphml_that_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, content, "g.graphml")
    assert "g.graphml" in str(caught.value)


# 7. Formats: test_formats.py. What is not read says what to do.


@pytest.mark.parametrize("name", ["g.xlsx", "g.pkl", "g.dot", "g.gz", "g", "g.feather", "g.csv.zip"])
def test_other_formats_name_those_that_are_read_and_a_way_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: a file \.csv.*\.graphml.*from_networkx.*from_pandas_edgelist"):
        read(tmp_path, PEOPLE, name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.csv", "# a\n# b\n", "all begin with # or %"),
        ("g.csv", "a,b\n#c,d\nd,a\n", "'#c,d' in line 2, which may be a comment or a node"),
        ("g.txt", "% bip\n", "all begin with # or %"),
        ("g.mtx", "1 2 3\n", "not a Matrix Market file"),
        ("g.json", "[]", "'nodes' and 'links'"),
        ("g.parquet", "a,b\n", "not a Parquet file"),
        ("g.csv.gz", "a,b\n", "not a complete gzip file"),
    ],
)
def test_files_that_are_not_what_they_are_called(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, content, name)
    assert name in str(caught.value)


@pytest.mark.parametrize("comment", ["#", "%", "//", "--"])
def test_comments_anywhere_if_they_are_named(tmp_path: Path, comment: str) -> None:
    content = f"{comment} head\n1,2\n{comment} within\n2,3\n"
    assert links(read(tmp_path, content, comment=comment)) == OF_NUMBERS


# 8. Directions are dropped with a word, or kept.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.graphml", graphml("", {}, kind="directed")),
        ("g.csv", "Source,Target,Type\n1,2,Directed\n2,3,Directed\n"),
        ("out.g", "% asym unweighted\n1 2\n2 3\n"),
        ("g.txt", "# Directed graph: web.txt\n1\t2\n2\t3\n"),
        ("g.net", "*Vertices 3\n*Arcs\n1 2\n2 3\n"),
        ("g.json", '{"directed": true, "nodes": [{"id": 1}, {"id": 2}], "links": [{"source": 1, "target": 2}]}'),
        ("g.gml", "graph [ directed 1 node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 ] ]"),
    ],
)
def test_directions_are_dropped_with_a_word_or_kept(tmp_path: Path, name: str, content: str) -> None:
    data = read(tmp_path, content, name)
    assert "directions were dropped. To keep them: directed." in str(data.report)
    assert data.is_undirected()
    kept = read(tmp_path, content, name, directed=True)
    assert "dropped" not in str(kept.report)
    assert kept.directed
    assert 2 * kept.num_edges == data.num_edges
    assert bool((kept.edge_index[0] < kept.edge_index[1]).all())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_links_of_which_some_are_returned_may_be_directed(tmp_path: Path, share: float) -> None:
    content = "".join(f"{k},{k + 1}\n" + (f"{k + 1},{k}\n" if k < share * 50 else "") for k in range(50))
    (warning,) = read(tmp_path, content).report.warnings
    assert warning.startswith(f"{share:.0%} of the links are given in both directions")


@pytest.mark.parametrize("both", [False, True])
def test_links_in_one_direction_or_in_both_are_no_matter(tmp_path: Path, both: bool) -> None:
    content = "".join(f"{k},{k + 1}\n" + (f"{k + 1},{k}\n" if both else "") for k in range(50))
    report = read(tmp_path, content).report
    assert (report.num_links, report.num_reciprocal, report.warnings) == (50, 50 * both, [])


# 9. Features of a file of their own.


def test_ages_and_incomes_are_scaled_with_a_word(tmp_path: Path) -> None:
    data = read(tmp_path, PEOPLE, features="id,age,income\nann,20,3e4\nbob,30,1e6\ncid,40,5e4\n")
    torch.testing.assert_close(data.x[:, 0], torch.tensor([-1.5, 0, 1.5]) / 1.5**0.5)
    torch.testing.assert_close(data.x.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(data.x.std(0, correction=0), torch.ones(2))
    assert "Features standardized, as some values are beyond 10: 'age', 'income'." in str(data.report)
    plain = read(tmp_path, PEOPLE, features="id,age\nann,20\nbob,30\ncid,40\n", standardize=False)
    assert plain.x.tolist() == [[20], [30], [40]]
    assert "training may fail. To scale them: standardize" in plain.report.warnings[0]


@pytest.mark.parametrize(
    ("features", "x"),
    [
        ("id,age\nann,2\nbob,\ncid,4\n", [[2, 0], [3, 1], [4, 0]]),
        ("id,age\nann,2\nbob,NA\ncid,4\n", [[2, 0], [3, 1], [4, 0]]),
        ("id,age\nann,2\nbob,nan\ncid,4\n", [[2, 0], [3, 1], [4, 0]]),
        ("id,town\nann,Ulm\nbob,Bonn\ncid,Ulm\n", [[0, 1], [1, 0], [0, 1]]),
        ("id,town\nann,Ulm\nbob,\ncid,Bonn\n", [[0, 1], [0, 0], [1, 0]]),
        ("id;v\nann;1,5\nbob;2,5\ncid;3,5\n", [[1.5], [2.5], [3.5]]),
        ("id,on\nann,True\nbob,False\ncid,True\n", [[0, 1], [1, 0], [0, 1]]),
    ],
)
def test_blanks_and_categories(tmp_path: Path, features: str, x: list[list[float]]) -> None:
    assert read(tmp_path, PEOPLE, features=features).x.tolist() == x


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("id,age\nann,1\nbob,2\nCid,3\n", "none for the nodes 'cid'.* is 'cid' meant to be 'Cid'"),
        ("id,age\nann,1\nbob,2\n", "none for the nodes 'cid'"),
        ("id,age\nann,1\nbob,2\ncid,3 years\n", "'3 years' in line 4, allowed: a number"),
        ("id,age\nann,1\nbob,2\ncid,3\nann,4\n", "the node id 'ann' in line 5"),
        ("id,age\nann,inf\nbob,2\ncid,3\n", "given inf as 'age' of node 'ann'"),
        ("id,age\nann,1e300\nbob,2\ncid,3\n", r"given 1e\+300 as 'age' of node 'ann', allowed: finite float32"),
        ("id,age\nann,\nbob,\ncid,\n", "no column with values"),
    ],
)
def test_features_that_do_not_fit_are_refused(tmp_path: Path, features: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, PEOPLE, features=features)
    assert "x.csv" in str(caught.value)


def test_a_mistyped_id_among_features_is_told(tmp_path: Path) -> None:
    links_ = "anna,bertram\nbertram,carla\n"
    data = read(tmp_path, links_, features="id,age\nanna,1\nbertram,2\ncarla,3\nbertran,4\n")
    assert data.report.num_isolated == 1
    assert "Nodes that only the features name: 1 ('bertran'); they have no link." in str(data.report)
    assert data.report.warnings == ["an id among the features may be mistyped: 'bertran' meant to be 'bertram'?"]


# Warnings of what is likely unwanted.


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        ("a,b,2000000\nb,c,1\n", "weights reach 2e+06"),
        ("a,A\nA,b\n", "ids differ by case only, such as 'a' and 'A'"),
        ("caf\u00e9,b\ncafe\u0301,c\nb,c\n", "Unicode form only"),
        ("007,7\n7,8\n", "zeros in front only, such as '007' and '7'"),
        ("1.5e+17,2\n2,3\n", "a program has rounded them"),
        ("a,b\nc,c\nd,d\ne,e\n", "all nodes but two have no link"),
    ],
)
def test_warnings(tmp_path: Path, content: str, warning: str) -> None:
    (found,) = read(tmp_path, content, header=False).report.warnings
    assert warning in found
