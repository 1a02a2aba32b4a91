import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from spherical_gae.plotting import globe, write_globe
from spherical_gae.retrieval import TopK

pytest.importorskip("plotly", reason="needs the extra view: pip install 'spherical-gae[view]'")
NASTY = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _without_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five megabytes less to write and to search."""
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "/* plotly */")


def embedding(num_nodes: int = 12, dim: int = 5) -> torch.Tensor:
    return F.normalize(torch.randn(num_nodes, dim, generator=torch.Generator().manual_seed(0)), dim=1)


def written(tmp_path: Path, *arguments: Any, **options: Any) -> tuple[str, dict[str, Any]]:
    write_globe(tmp_path / "view.html", *arguments, **options)
    page = (tmp_path / "view.html").read_text("utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return page, json.loads(data)


def test_nearest_nodes_use_all_coordinates(tmp_path: Path) -> None:
    z = embedding()
    cosine = (3 * z @ z.T / 3 - 2 * torch.eye(len(z))).numpy()
    _, data = written(tmp_path, 3 * z)
    order = np.argsort(-cosine, axis=1)[:, :10]
    assert data["nearest"]["indices"] == order.tolist()
    np.testing.assert_allclose(data["nearest"]["scores"], np.take_along_axis(cosine, order, 1), atol=6e-5)


def test_links_are_counted_once_without_loops(tmp_path: Path) -> None:
    links = torch.tensor([[0, 1, 2, 2, 3], [1, 0, 1, 2, 0]])
    _, data = written(tmp_path, embedding(4), edge_index=links)
    assert data["links"] == [[0, 0, 1], [1, 3, 2]]
    assert data["summary"] == "4 nodes, 3 links"
    assert data["colors"] == [{"name": "degree", "log": False, "values": [2, 2, 1, 1]}]


def test_colors_in_their_order(tmp_path: Path) -> None:
    _, data = written(
        tmp_path,
        embedding(3),
        labels=["a", "b", None],
        clusters=torch.tensor([1, 1, 0]),
        degree=[7, 8, 9],
        concentration=np.array([10.0, 1000.0, 5.5]),
        edge_index=np.array([[0], [1]]),
    )
    assert [color["name"] for color in data["colors"]] == ["class", "cluster", "degree", "concentration"]
    assert data["colors"][0]["values"] == [0, 1, -1]
    assert data["colors"][2]["values"] == [7, 8, 9]


def test_nothing_of_a_name_is_read_as_html(tmp_path: Path) -> None:
    names = [NASTY, "<!--", "{{plotly}}", "a & b"]
    page, data = written(tmp_path, embedding(4), node_ids=names, labels=[NASTY] * 4, title=NASTY + " {{data}}")
    assert data["names"] == names
    assert NASTY not in page
    assert "<!--" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; {{data}}") == 2
    assert page.count("/* plotly */") == 1


def test_suggestions_and_where_there_are_none(tmp_path: Path) -> None:
    scores = torch.tensor([[0.9, -torch.inf], [0.5, 0.25], [0.1, 0.1]])
    _, data = written(tmp_path, embedding(3), suggestions=TopK(scores, torch.tensor([[2, -1], [0, 2], [1, 0]])))
    assert data["suggested"] == {"indices": [[2, -1], [0, 2], [1, 0]], "scores": [[0.9, 0], [0.5, 0.25], [0.1, 0.1]]}


def test_of_many_nodes_some_are_drawn_and_the_page_says_so(tmp_path: Path) -> None:
    z, ring = embedding(30), torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
    likely = TopK(torch.ones(30, 1), (torch.arange(30).view(-1, 1) + 3) % 30)
    _, data = written(tmp_path, z, edge_index=ring, suggestions=likely, max_nodes=10)
    kept = [int(name) for name in data["names"]]
    assert kept == sorted(kept)
    assert len(kept) == 10
    assert "Of 30 nodes the page has 10" in data["note"]
    assert data["summary"] == "30 nodes, 30 links"
    named = {frozenset((kept[a], kept[b])) for a, b in zip(*data["links"], strict=True)}
    assert named == {frozenset(pair) for pair in ring.T.tolist() if {*pair} <= {*kept}}
    expected = [kept.index((row + 3) % 30) if (row + 3) % 30 in kept else -1 for row in kept]
    assert [row for (row,) in data["suggested"]["indices"]] == expected
    assert data["colors"][0]["values"] == [2] * 10


def test_too_many_links_are_counted_but_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globe, "_MOST_LINKS", 2)
    _, data = written(tmp_path, embedding(4), edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]))
    assert data["links"] is None
    assert "The 3 links are too many to draw" in data["note"]
    assert data["colors"][0]["values"] == [1, 2, 2, 1]


def test_the_page_says_which_projection_it_shows(tmp_path: Path) -> None:
    for dim, words in ((2, "on the equator"), (3, "as they are"), (5, "3 principal directions")):
        projection = write_globe(tmp_path / "view.html", embedding(6, dim))
        assert words in projection.description
        assert json.dumps(projection.description)[1:-1] in (tmp_path / "view.html").read_text()


def test_labels_with_unknown_ones_are_integers_on_the_page(tmp_path: Path) -> None:
    _, data = written(tmp_path, embedding(6), labels=np.array([0, 1, 2, np.nan, 1, 10]))
    assert data["colors"][0]["categories"] == ["0", "1", "2", "10"]


def test_a_page_that_loses_nothing_has_no_shares(tmp_path: Path) -> None:
    z = embedding(6, 3) @ embedding(3, 6)
    _, data = written(tmp_path, z)
    assert data["shown"] is None
    assert "nothing is lost" in data["projection"]


@pytest.mark.parametrize(
    ("num_nodes", "links", "summary"),
    [
        (1, None, "1 node"),
        (1, [[0], [0]], "1 node, 0 links"),
        (2, [[0, 1], [1, 0]], "2 nodes, 1 link"),
        (1200, None, "1,200 nodes"),
    ],
)
def test_one_is_not_counted_as_many(tmp_path: Path, num_nodes: int, links: Any, summary: str) -> None:
    _, data = written(tmp_path, embedding(num_nodes), edge_index=links)
    assert data["summary"] == summary


def test_one_node(tmp_path: Path) -> None:
    _, data = written(tmp_path, [[0.0, 1.0]])
    assert data["nearest"]["indices"] == [[]]
    assert data["names"] == ["0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"node_ids": ["a"]}, "node_ids must have one value for each of the 4 nodes"),
        ({"labels": [1, 2]}, "labels must have one value for each of the 4 nodes"),
        ({"edge_index": [[0], [4]]}, "edge_index must name nodes 0 to 3, got 0 to 4"),
        ({"edge_index": [[0.5], [1]]}, r"edge_index must be integers of shape \[2, E\], got float64"),
        ({"suggestions": TopK(torch.ones(3, 1), torch.ones(3, 1).long())}, r"shape \[4, k\], got \[3, 1\]"),
        ({"suggestions": TopK(torch.ones(4, 1), torch.full((4, 1), 4))}, "suggestions must name nodes 0 to 3"),
        (
            {"labels": {0: "a", 1: "b", 2: "c", 3: "d"}},
            "labels must have one value for each of the 4 nodes.*got a dict",
        ),
        ({"concentration": [1, 2, 3, float("inf")]}, "concentration must be finite"),
        ({"concentration": np.array([0, 1, 2, -1.0])}, "concentration must be at least 0, got -1.0"),
        ({"concentration": np.array([0, 1, 2, np.nan])}, "concentration must be at least 0, got NaN or None"),
        ({"max_nodes": 0}, "max_nodes must be at least 1, got 0"),
    ],
)
def test_refused_before_anything_is_written(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_globe(tmp_path / "view.html", embedding(4), **options)
    assert not list(tmp_path.iterdir())


def test_plotly_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(ImportError, match=r"spherical-gae\[view\]"):
        write_globe(tmp_path / "view.html", embedding(4))
