import json
from pathlib import Path
from typing import Any

import pytest

from spherical_gae.data import read_graph
from spherical_gae.data.readers.json_files import read_json


def read(folder: Path, content: Any) -> Any:
    path = folder / "g.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_json(path)


LINK = {"source": "a", "target": "b"}


@pytest.mark.parametrize(
    ("content", "ids", "ends"),
    [
        ({"nodes": [{"id": "a"}, {"id": "b"}], "links": [LINK]}, ["a", "b"], [[0], [1]]),
        ({"nodes": [{"name": "a"}, {"name": "b"}], "links": [LINK]}, ["a", "b"], [[0], [1]]),
        ({"nodes": [{"name": "a"}, {"name": "b"}], "links": [{"source": 1, "target": 0}]}, ["a", "b"], [[1], [0]]),
        ({"nodes": [{}, {}], "edges": [{"from": 1, "to": 0}]}, [0, 1], [[1], [0]]),
        ({"nodes": [{"id": 5}, {"id": 7}], "links": [{"source": {"id": 7}, "target": 5}]}, [5, 7], [[1], [0]]),
    ],
)
def test_ends_are_ids_or_places(tmp_path: Path, content: Any, ids: list[Any], ends: list[list[int]]) -> None:
    raw = read(tmp_path, content)
    assert (raw.node_ids, raw.edge_index.tolist()) == (ids, ends)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([1], "given list, allowed: an object with lists"),
        ({"vertices": []}, "an object with 'vertices', allowed"),
        ({"nodes": [{"id": 1}, {"id": 1}], "links": []}, "2 nodes with 1 different ids"),
        ({"nodes": [{"id": "a"}], "links": [LINK]}, "links to 'b', allowed: the ids of nodes"),
        ({"nodes": [{"id": "a"}], "links": [{"source": "a"}]}, "links without ends"),
    ],
)
def test_what_is_no_graph_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, content)
    assert "g.json" in str(caught.value)


def test_an_id_for_some_nodes_only_is_refused(tmp_path: Path) -> None:
    nodes = [{"id": 1}, {"id": 2}, {"a": 5}, {"id": 3}]
    links = [{"source": 1, "target": 2}, {"source": 2, "target": 3}]
    (tmp_path / "graph.json").write_text(json.dumps({"nodes": nodes, "links": links}))
    with pytest.raises(ValueError, match="given no id for node 2 of the list, allowed: one for each node or none"):
        read_graph(tmp_path / "graph.json")


def test_labels_may_be_numbers_and_words(tmp_path: Path) -> None:
    nodes = [{"id": 1, "kind": 1.0}, {"id": 2, "kind": "a"}, {"id": 3, "kind": 1.0}]
    (tmp_path / "graph.json").write_text(json.dumps({"nodes": nodes, "links": [{"source": 1, "target": 2}]}))
    data = read_graph(tmp_path / "graph.json", labels="kind")
    assert (data.y.tolist(), data.label_names) == ([0, 1, 0], ["1", "a"])


def test_names_of_all_nodes_are_ids_where_some_have_one_too(tmp_path: Path) -> None:
    nodes = [{"name": "a", "id": 1}, {"name": "b"}, {"name": "c"}]
    links = [{"source": "a", "target": "b"}, {"source": "b", "target": "c"}]
    (tmp_path / "graph.json").write_text(json.dumps({"nodes": nodes, "links": links}))
    assert read_graph(tmp_path / "graph.json").node_ids == ["a", "b", "c"]
