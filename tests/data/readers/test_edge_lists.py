from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spherical_gae.data.readers.edge_columns import EdgeColumns
from spherical_gae.data.readers.edge_lists import read_edge_list
from spherical_gae.data.readers.graph_files import read_graph
from spherical_gae.data.readers.ids import typed_ids
from tests.helpers.graph_text import links, weights


def listed(
    path: Path, text: str
) -> tuple[list[int] | list[str], list[tuple[int | str, int | str]], list[float] | None]:
    """The ids, the edges by id, and the weights of an edge list."""
    path.write_text(text)
    data = read_edge_list(path)
    assert data.node_ids is not None
    assert data.num_nodes == len(data.node_ids)
    edges = [(data.node_ids[i], data.node_ids[j]) for i, j in data.edge_index.T.tolist()]
    return data.node_ids, edges, None if data.edge_weight is None else data.edge_weight.tolist()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "edges.csv"


@pytest.mark.parametrize("header", ["", "source,target\n", "Source, Target\n"])
def test_text_ids_are_sorted_as_text(csv: Path, header: str) -> None:
    ids, edges, weights = listed(csv, header + "zoe,amy\namy,bob\n\n bob ,10\n9,9\n")
    assert ids == ["10", "9", "amy", "bob", "zoe"]
    assert edges == [("zoe", "amy"), ("amy", "bob"), ("bob", "10"), ("9", "9")]
    assert weights is None


@pytest.mark.parametrize("header", ["", "source,target,weight\n"])
def test_integers_are_sorted_by_value(csv: Path, header: str) -> None:
    ids, edges, weights = listed(csv, header + "1000000007,9,.5\n-3,10,2e1\n9,10,1\n")
    assert ids == [-3, 9, 10, 1_000_000_007]
    assert edges == [(1_000_000_007, 9), (-3, 10), (9, 10)]
    assert weights == [0.5, 20, 1]


def test_tabs(tmp_path: Path) -> None:
    ids, edges, _ = listed(tmp_path / "edges.tsv", "New York\tRome, Italy\n")
    assert ids == ["New York", "Rome, Italy"]
    assert edges == [("New York", "Rome, Italy")]


def test_text_that_looks_like_a_number_stays_different_from_it(csv: Path) -> None:
    assert listed(csv, "007,7\n7,7.0\n")[0] == ["007", "7", "7.0"]


@given(st.lists(st.integers(-(10**18) + 1, 10**18 - 1), min_size=1))
def test_integers_survive(numbers: list[int]) -> None:
    assert typed_ids(list(map(str, numbers))) == numbers


@pytest.mark.parametrize("text", ["01", "+1", "-0", "1.0", "1e3", "", "½", "٣", "9" * 19])
def test_other_numerals_stay_text(text: str) -> None:
    assert typed_ids([text, "5"]) == [text, "5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "given no edges, allowed: at least one"),
        ("source,target\n", "given no edges"),
        ("a\nb\n", "given 1 columns, allowed: source, target and, optionally, weight"),
        ("a,b\nb,c\nc\n", "given 1 columns in line 3, allowed: 2 as in the first"),
        ("a,b\n\nb,c,1\n", "given 3 columns in line 3, allowed: 2"),
        ("a,b,1\nb,c,\n", "given '' as weight in line 2, allowed: a number"),
        ("a,b,1\nb,c,x\nc,d,2\n", "given 'x' in line 2, allowed: a number, as in the other lines"),
        ("source,target,weight\nb,c,one\nc,d,2\n", "given 'one' as weight in line 2, allowed: a number"),
        ("1,2\n,3\n", "given an empty node id in line 2"),
    ],
)
def test_malformed_list_is_refused(csv: Path, text: str, message: str) -> None:
    csv.write_text(text)
    with pytest.raises(ValueError, match=rf"edges\.csv: {message}"):
        read_edge_list(csv)


def test_one_edge_of_names_is_no_header(csv: Path) -> None:
    assert listed(csv, "amy,bob\n")[0] == ["amy", "bob"]
    assert listed(csv, "1,b\n2,3\n")[0] == ["1", "2", "3", "b"]


def test_times_of_a_parquet_file_may_be_finer_than_microseconds(tmp_path: Path) -> None:
    when = pd.to_datetime(["2024-05-31T12:00:00.123456789", "2024-05-31T12:00:01.000000000"])
    pd.DataFrame({"source": [1, 2], "target": [2, 3], "when": when}).to_parquet(tmp_path / "links.parquet")
    raw = read_edge_list(tmp_path / "links.parquet", EdgeColumns(time="when"))
    np.testing.assert_allclose(raw.edge_time, [1717156800.123456, 1717156801], rtol=0, atol=1e-6)


def test_nodes_are_of_one_kind_where_that_is_said(csv: Path) -> None:
    csv.write_text("user,film\n1,2\n2,3\n")
    assert any("two kinds" in warning for warning in read_edge_list(csv).report.warnings)
    assert read_edge_list(csv, bipartite=False).report.warnings == []


@pytest.mark.parametrize(
    ("text", "options", "weight"),
    [
        ("timestamp,caller,callee\n10,amy,bob\n11,bob,cid\n", {}, None),
        ("timestamp,caller,callee\n10,amy,bob\n11,bob,cid\n", {"time": "timestamp"}, None),
        ("date,sender,recipient\n2020-01-01,amy,bob\n2020-01-02,bob,cid\n", {"header": True}, None),
        ("weight,person,friend\n2.5,amy,bob\n3.5,bob,cid\n", {}, [2.5, 3.5]),
        ("close,person,friend\n2.5,amy,bob\n3.5,bob,cid\n", {"weight": "close"}, [2.5, 3.5]),
    ],
)
def test_columns_of_weights_and_times_are_no_ends(
    csv: Path, text: str, options: dict[str, Any], weight: list[float] | None
) -> None:
    csv.write_text(text)
    data = read_graph(csv, **options)
    assert links(data) == {("amy", "bob"), ("bob", "cid")}
    assert weights(data) == weight


def test_a_column_of_weights_is_an_end_where_there_is_no_other(csv: Path) -> None:
    csv.write_text("person,weight\namy,light\nbob,heavy\n")
    assert links(read_graph(csv, header=True)) == {("amy", "light"), ("bob", "heavy")}


def test_points_beside_decimal_commas_are_asked_for(csv: Path) -> None:
    csv.write_text("a;b;1.234\nb;c;2,5\nc;d;3,5\n")
    with pytest.raises(ValueError, match=r"given weights such as '1\.234', whose point, beside decimal commas"):
        read_graph(csv)
