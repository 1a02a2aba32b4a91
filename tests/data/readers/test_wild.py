"""Strange files as people have them: each is read rightly, or refused with what to say; nothing is lost in silence."""

from pathlib import Path

import pytest

from tests.helpers.graph_text import OF_NUMBERS, PEOPLE, graph_of, graphml, links

# Formats: test_formats.py. What is not read says what to do.


@pytest.mark.parametrize("name", ["g.xlsx", "g.pkl", "g.dot", "g.gz", "g", "g.feather", "g.csv.zip"])
def test_other_formats_name_those_that_are_read_and_a_way_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: a file \.csv.*\.graphml.*from_networkx.*from_pandas_edgelist"):
        graph_of(tmp_path, PEOPLE, name)


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
        graph_of(tmp_path, content, name)
    assert name in str(caught.value)


@pytest.mark.parametrize("comment", ["#", "%", "//", "--"])
def test_comments_anywhere_if_they_are_named(tmp_path: Path, comment: str) -> None:
    content = f"{comment} head\n1,2\n{comment} within\n2,3\n"
    assert links(graph_of(tmp_path, content, comment=comment)) == OF_NUMBERS


# Directions are dropped with a word, or kept.


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
    data = graph_of(tmp_path, content, name)
    assert "directions were dropped. To keep them: directed." in str(data.report)
    assert data.is_undirected()
    kept = graph_of(tmp_path, content, name, directed=True)
    assert "dropped" not in str(kept.report)
    assert kept.directed
    assert 2 * kept.num_edges == data.num_edges
    assert bool((kept.edge_index[0] < kept.edge_index[1]).all())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_links_of_which_some_are_returned_may_be_directed(tmp_path: Path, share: float) -> None:
    content = "".join(f"{k},{k + 1}\n" + (f"{k + 1},{k}\n" if k < share * 50 else "") for k in range(50))
    (warning,) = graph_of(tmp_path, content).report.warnings
    assert warning.startswith(f"{share:.0%} of the links are given in both directions")


@pytest.mark.parametrize("both", [False, True])
def test_links_in_one_direction_or_in_both_are_no_matter(tmp_path: Path, both: bool) -> None:
    content = "".join(f"{k},{k + 1}\n" + (f"{k + 1},{k}\n" if both else "") for k in range(50))
    report = graph_of(tmp_path, content).report
    assert (report.num_links, report.num_reciprocal, report.warnings) == (50, 50 * both, [])


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
    (found,) = graph_of(tmp_path, content, header=False).report.warnings
    assert warning in found
