from pathlib import Path

import networkx as nx
import pytest

from spherical_gae import SphericalGraphEmbedding
from tests.helpers.cli_calls import assert_refused, call
from tests.helpers.embeddings import fitted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    fitted(nx.relabel_nodes(nx.karate_club_graph(), {0: "Mr. Hi"})).save(folder)
    return folder


def test_suggestions_of_nodes_are_the_estimators(folder: Path) -> None:
    embedding = SphericalGraphEmbedding.load(folder)
    result = call("suggest", folder, "--node", "Mr. Hi", "--node", "33", "-k", 3)
    assert result.exit_code == 0, result.output
    table, advice = result.stdout.split("\nNext:\n")
    header, *lines = table.splitlines()
    assert header.split() == ["node", "suggestion", "probability"]
    for name, part in (("Mr. Hi", lines[:3]), ("33", lines[3:])):
        found = embedding.suggest(name, 3)
        expected = [f"{other} {p:.4f}" for other, p in zip(found["node"], found["probability"], strict=True)]
        assert [" ".join(line.removeprefix(name).split()) for line in part] == expected
    assert advice.splitlines()[0].startswith(f"  spherical-gae neighbors {folder} --node 'Mr. Hi'")


def test_suggestions_for_the_whole_graph(folder: Path) -> None:
    found = SphericalGraphEmbedding.load(folder).suggest_all(5)
    result = call("suggest", folder, "--all", 5)
    assert result.exit_code == 0, result.output
    header, *lines = result.stdout.split("\nNext:\n")[0].splitlines()
    assert header.split() == ["source", "target", "probability"]
    assert [line.split()[-1] for line in lines] == [f"{p:.4f}" for p in found["probability"]]
    assert len({len(line) for line in [header, *lines]}) == 1


def test_bad_questions_are_refused(folder: Path, tmp_path: Path) -> None:
    assert_refused(call("suggest", folder), "--node", "given both or none of --node and --all")
    assert_refused(call("suggest", folder, "--node", 1, "--all", 3), "--node", "given both or none")
    assert_refused(call("suggest", folder, "--node", "x"), "--node", "given the unknown id 'x', allowed: one of the 34")
    assert_refused(call("suggest", folder, "--node", 1, "-k", 0), "-k", "given 0, allowed: 1 or more")
    assert_refused(call("suggest", folder, "--all", 0), "--all", "given 0, allowed: 1 or more")
    assert_refused(call("suggest", tmp_path, "--all", 3), "DIR", "embedding.json: not found")


def test_the_number_for_each_node_is_refused_for_the_whole_graph(folder: Path) -> None:
    assert_refused(call("suggest", folder, "--all", 6, "-k", 2), "-k", "--all K says how many by itself")
