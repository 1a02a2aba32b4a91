from pathlib import Path

import pytest

from spherical_gae.data.readers.edge_columns import TO_BE_FOUND, EdgeColumns
from spherical_gae.data.readers.edge_lists import read_edge_list


def edges_of(path: Path, columns: EdgeColumns = TO_BE_FOUND, **options: bool) -> list[tuple[int | str, int | str]]:
    raw = read_edge_list(path, columns, **options)
    assert raw.node_ids is not None
    return [(raw.node_ids[i], raw.node_ids[j]) for i, j in raw.edge_index.T.tolist()]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "edges.csv"


@pytest.mark.parametrize(
    ("header", "ends"),
    [
        ("protein1,protein2,source", (0, 1)),
        ("source,protein1,protein2", (1, 2)),
        ("to,note,from", (2, 0)),
        ("tail,relation,head", (2, 0)),
        ("src,x,target", (0, 2)),
        ("From Node Id,u,To Node Id", (0, 2)),
    ],
)
def test_the_ends_are_two_columns_that_belong_together(csv: Path, header: str, ends: tuple[int, int]) -> None:
    row = ["a", "b", "c"]
    csv.write_text(f"{header}\n{','.join(row)}\n")
    edges = edges_of(csv)
    assert edges == [(row[ends[0]], row[ends[1]])]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("gene,partner,source", "of which 'source' may be an end of the edges or something else"),
        ("target,partner,score", "of which 'target' may be"),
        ("src,dst,source,target", "may be 'src' and 'dst', or 'source' and 'target'"),
        ("source,target,target", "may be 'source' and 'target'"),
    ],
)
def test_names_that_leave_the_ends_open_are_refused(csv: Path, header: str, why: str) -> None:
    row = ",".join("abcd"[: header.count(",") + 1])
    csv.write_text(f"{header}\n{row}\n")
    with pytest.raises(ValueError, match=rf"given the columns .*{why}.*name their ends: source=, target= \(--source"):
        read_edge_list(csv, header=True)
    columns = EdgeColumns(1, 2)
    assert read_edge_list(csv, columns, header=True).node_ids == ["a", "b"]


def test_of_two_columns_one_known_end_is_enough(csv: Path) -> None:
    for header in ("target,friend", "friend,source"):
        csv.write_text(f"{header}\na,b\n")
        assert edges_of(csv, header=True) == [("b", "a")]


def test_one_named_end_finds_the_other_of_its_pair(csv: Path) -> None:
    csv.write_text("source,protein2,protein1\nx,b,a\n")
    assert edges_of(csv, EdgeColumns(source="protein1")) == [("a", "b")]
