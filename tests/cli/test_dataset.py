import hashlib
import json
import random
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from spherical_gae.cli.dataset import is_file, place
from tests.helpers.cli_calls import assert_refused, call

QUICK = ["--epochs", 2, "--latent-dim", 3]


@pytest.fixture(autouse=True)
def among_the_files(elsewhere: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the fixtures write their files, so that paths are short."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def people(tmp_path: Path) -> nx.Graph:
    """A graph with string ids, written as ``people.csv``, with weights as ``weighted.csv``, features as ``x.csv``."""
    graph = nx.relabel_nodes(nx.planted_partition_graph(3, 12, 0.6, 0.05, seed=2), lambda k: f"person {k:02d}")
    generator = random.Random(0)
    edges = list(graph.edges)
    (tmp_path / "people.csv").write_text("source,target\n" + "".join(f"{a},{b}\n" for a, b in edges))
    weighted = "".join(f"{a},{b},{generator.uniform(0.1, 9):.3f}\n" for a, b in edges)
    (tmp_path / "weighted.csv").write_text(weighted)
    (tmp_path / "x.csv").write_text("".join(f"{a},{k / 36},1\n" for k, a in enumerate([*graph, "hermit"])))
    return graph


def assert_one_line_about(result: Any, option: str, *fragments: str) -> None:
    """Refused before anything was written."""
    assert_refused(result, option, *fragments)
    assert not Path("runs").exists()


def test_names_and_paths(tmp_path: Path) -> None:
    assert not is_file("Cora")
    assert is_file("cora.csv")
    assert is_file("./cora")
    assert place("Cora") == "cora"
    assert place("cora.csv") == str((tmp_path / "cora.csv").resolve())


def test_edge_list_with_string_ids(people: nx.Graph, tmp_path: Path) -> None:
    result = call("train", "--dataset", "people.csv", *QUICK)
    assert result.exit_code == 0, result.output
    (folder,) = Path("runs").iterdir()
    assert folder.name.startswith("people-frontier-20")
    config = json.loads((folder / "config.json").read_text())
    assert config["dataset"] == str(tmp_path / "people.csv")
    assert config["dataset_sha256"] == hashlib.sha256((tmp_path / "people.csv").read_bytes()).hexdigest()
    assert (config["features"], config["features_sha256"]) == (None, None)
    assert json.loads((folder / "node_ids.json").read_text()) == sorted(people)
    embeddings = np.load(folder / "embeddings.npy")
    assert embeddings.shape == (36, 3)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert (folder / "latent.png").exists()


def test_weights_and_features(people: nx.Graph) -> None:
    """Both change the outcome, and a node that only the features name is there."""
    results = {}
    for name, options in {
        "plain": ["--dataset", "people.csv", "--features", "x.csv"],
        "weighted": ["--dataset", "weighted.csv", "--features", "x.csv"],
        "default": ["--dataset", "weighted.csv"],
    }.items():
        run = call("train", *options, "--preset", "paper", "--out", name, *QUICK)
        assert run.exit_code == 0, run.output
        results[name] = np.load(Path(name, "embeddings.npy"))
    assert json.loads(Path("weighted", "node_ids.json").read_text()) == [*sorted(people), "hermit"]
    assert results["plain"].shape == results["weighted"].shape == (37, 3)
    assert results["default"].shape == (36, 3)
    assert not np.allclose(results["plain"], results["weighted"], atol=1e-3)


def test_features_that_are_too_large_to_train_with_are_scaled(people: nx.Graph) -> None:
    Path("x.csv").write_text("".join(f"{a},{1000 * k}\n" for k, a in enumerate(people)))
    result = call("train", "--dataset", "people.csv", "--features", "x.csv", "--out", "run", *QUICK)
    assert result.exit_code == 0, result.output
    assert "Features standardized, as some values are beyond 10: 'feature 1'." in result.stdout


def test_resumed_run_wants_the_same_files(people: nx.Graph, tmp_path: Path) -> None:
    files = ["--dataset", "people.csv", "--features", "x.csv"]
    first = call("train", *files, "--out", "run", *QUICK)
    assert first.exit_code == 0, first.output
    for extra in ([], files, ["--dataset", tmp_path / "people.csv"]):
        again = call("train", "--resume", "--out", "run", *extra)
        assert (again.exit_code, again.stdout) == (0, first.stdout), again.output
    assert_one_line_about(
        call("train", "--resume", "--out", "run", "--dataset", "weighted.csv"), "--dataset", "weighted.csv"
    )
    assert_one_line_about(call("train", "--resume", "--out", "run", "--features", "y.csv"), "--features", "y.csv")
    for name, option in (("x.csv", "--features"), ("people.csv", "--dataset")):
        before = Path(name).read_text()
        Path(name).write_text(before + "\n")
        assert_one_line_about(
            call("train", "--resume", "--out", "run"), option, name, "has changed since the run began"
        )
        Path(name).write_text(before)
    Path("people.csv").unlink()
    assert_one_line_about(call("train", "--resume", "--out", "run"), "--dataset", "people.csv cannot be read")


@pytest.mark.parametrize(
    ("arguments", "option", "fragments"),
    [
        (["--dataset", "folder/graph"], "--dataset", ["'folder/graph'", "digits", ".csv, .tsv", ".graphml"]),
        (["--dataset", "none.csv"], "--dataset", ["none.csv cannot be read: No such file"]),
        (["--dataset", "people.csv", "--features", "none.csv"], "--features", ["none.csv cannot be read"]),
        (["--dataset", "people.csv", "--features", "people.csv"], "--features", ["given the node id 'person"]),
        (["--dataset", "people.csv", "--features", "few.csv"], "--features", ["given none for the nodes 'person 01'"]),
        (["--dataset", "people.csv", "--features", "nan.csv"], "--features", ["nan.csv", "no column with values"]),
        (["--features", "x.csv"], "--features", ["'x.csv' with the data set digits"]),
        (["--dataset", "zero.csv"], "--dataset", ["edge_weight: given 0.0 for the edge 'a' - 'b'"]),
        (["--dataset", "tiny.csv"], "--dataset", ["given 2 links, too few", "20 or more", "embed"]),
    ],
)
def test_bad_files_are_refused_in_one_line(
    people: nx.Graph, tmp_path: Path, arguments: list[str], option: str, fragments: list[str]
) -> None:
    (tmp_path / "tiny.csv").write_text("a,b\nb,c\n")
    (tmp_path / "zero.csv").write_text("a,b,0\nb,c,1\n")
    (tmp_path / "few.csv").write_text("person 00,1\n")
    (tmp_path / "nan.csv").write_text("".join(f"{a},nan\n" for a in people))
    assert_one_line_about(call("train", *arguments), option, *fragments)
