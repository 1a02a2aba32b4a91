import json
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from spherical_gae import SphericalGraphEmbedding
from tests.helpers.cli_calls import assert_refused, call
from tests.helpers.embeddings import fitted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("karate")
    fitted(nx.karate_club_graph()).save(folder)
    return folder


def shown(page: Path) -> dict[str, Any]:
    """What the page knows."""
    (data,) = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(data)


def test_page_shows_names_suggestions_and_clusters(folder: Path, tmp_path: Path) -> None:
    result = call("view", folder, "--clusters", 2, "--out", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    data = shown(tmp_path / "page.html")
    embedding = SphericalGraphEmbedding.load(folder)
    assert data["names"] == [str(name) for name in embedding.node_ids_]
    assert data["suggested"]["indices"][5] == embedding.suggest(5, 10)["node"].tolist()
    assert [color["name"] for color in data["colors"]] == ["cluster", "degree", "concentration"]
    assert str(tmp_path / "page.html") in result.stdout


def test_page_lies_in_the_folder_unless_told(folder: Path) -> None:
    assert call("view", folder).exit_code == 0
    assert shown(folder / "view.html")["summary"] == "34 nodes, 78 links"


def test_bad_options_are_refused(folder: Path, tmp_path: Path) -> None:
    assert_refused(call("view", tmp_path), "DIR", "embedding.json: not found")
    assert_refused(call("view", folder, "--clusters", 1), "--clusters", "given 1, allowed: 2 to 34")
    (tmp_path / "file").write_text("")
    result = call("view", folder, "--out", tmp_path / "file" / "page.html")
    assert result.exit_code == 2
    assert "Error: --out: " in result.stderr


def test_classes_of_embed_are_colours_again(tmp_path: Path) -> None:
    nx.write_edgelist(nx.karate_club_graph(), tmp_path / "karate.csv", delimiter=",", data=False)
    (tmp_path / "classes.csv").write_text("id,zip\n0,02139\n1,2139\n2,NA\n")
    folder, few = tmp_path / "out", ("--epochs", 2, "--default-features", "hash", "--no-view")
    classes = ("--classes", tmp_path / "classes.csv")
    assert call("embed", tmp_path / "karate.csv", *classes, "--out", folder, *few).exit_code == 0
    (tmp_path / "later.csv").write_text("late,0\n")
    assert call("transform", folder, tmp_path / "later.csv", "--out", tmp_path / "more").exit_code == 0
    for place in (folder, tmp_path / "more"):
        assert call("view", place).exit_code == 0
        (color,) = [color for color in shown(place / "view.html")["colors"] if color["name"] == "class"]
        assert color["categories"][:2] == ["02139", "2139"]


@pytest.mark.parametrize("name", ["embedding.json", "view", "page.txt"])
def test_what_is_no_page_is_never_replaced(folder: Path, name: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert_refused(call("view", folder, "--out", folder / name), "--out", f"{name}', allowed: a page, .html")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_of_classes_is_read_as_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("1,b\n2,c\n")
    page = ("view", folder, "--out", tmp_path / "page.html")
    assert_refused(call(*page, "--no-header"), "--no-header", "given with no --classes, allowed: with a file only")
    result = call(*page, "--classes", tmp_path / "classes.csv", "--no-header")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("classes.csv: classes of 2 of 34 nodes.\n")
