"""Directed and temporal graphs from files, by the command ``train``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spherical_gae import read_graph, split_links
from spherical_gae.data import aged_split, cover_split
from spherical_gae.experiments import Experiment, ExperimentConfig
from spherical_gae.experiments.links import model_inputs
from tests.helpers.cli_calls import assert_refused, call

QUICK = ["--epochs", 2, "--latent-dim", 3, "--preset", "paper"]


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Who wrote to whom, and when: each of 30 people to the next four."""
    monkeypatch.chdir(tmp_path)
    lines = [f"{k},{(k + step) % 30},{100 * step + k}" for k in range(30) for step in range(1, 5)]
    path = tmp_path / "mail.csv"
    path.write_text("from,to,day\n" + "\n".join(lines) + "\n")
    return path


def run(*arguments: Any) -> tuple[str, Path, dict[str, Any]]:
    result = call("train", "--dataset", "mail.csv", *QUICK, *arguments)
    assert result.exit_code == 0, result.output
    (folder,) = Path("runs").iterdir()
    return result.stdout, folder, json.loads((folder / "metrics.json").read_text())


def test_directed_links_are_trained_on_as_such(mail: Path) -> None:
    output, folder, metrics = run("--directed", "--seeds", "1")
    assert "A directed graph: links are predicted with their direction; negatives are ordered pairs." in output
    header = next(line for line in output.splitlines() if line.startswith("method"))
    assert header.split() == ["method", "AUC", "AP", "AUC", "reversed", "AP", "reversed"]
    assert (
        "\nreversed  how well they are told from the same links turned round; 50 for who knows no direction" in output
    )
    data = read_graph(mail, directed=True)
    assert data.num_edges == 120
    split = cover_split(split_links(data, seed=1))
    config = ExperimentConfig.from_dict(json.loads((folder / "config.json").read_text()))
    model = Experiment(config, folder).load_model("s-vgae", 1, 2 * data.num_features)
    with torch.no_grad():
        z = model.encode(*model_inputs(split.train))
    for name, rows in (("embeddings.npy", z[:30]), ("target_embeddings.npy", z[30:])):
        assert np.array_equal(np.load(folder / name), rows.numpy())
    turned = split.test.reversed_edge_label_index
    auc = model.test(z, split.test.pos_edge_label_index, turned).auc
    assert metrics["s-vgae"]["auc_reversed"] == [auc]
    assert set(metrics["cosine"]) == {"auc", "ap", "auc_reversed", "ap_reversed"}
    assert (folder / "latent.png").exists()


def test_directions_are_not_dropped_in_silence(mail: Path) -> None:
    """Of a file that gives all links in one direction nobody knows whether it is meant."""
    output, folder, metrics = run()
    assert "An undirected graph: negatives are all pairs of nodes." in output
    assert "reversed" not in output
    assert "auc_reversed" not in metrics["s-vgae"]
    assert not (folder / "target_embeddings.npy").exists()


def test_times_split_the_links(mail: Path) -> None:
    output, _, metrics = run("--time", "day")
    assert "A temporal undirected graph: training links come before those of validation and test" in output
    assert metrics["cosine"]["share_unseen"] == [0.0]
    assert output.split("\n\n")[-4].splitlines()[-1] == "0% of the test links have an end without training links"


def test_recent_links_count_more_with_a_half_life(mail: Path) -> None:
    _, folder, _ = run("--time", "day", "--half-life", 40)
    config = ExperimentConfig.from_dict(json.loads((folder / "config.json").read_text()))
    assert config.preset.half_life == 40
    data = read_graph(mail, time="day")
    split = aged_split(split_links(data, seed=0), 40)
    model = Experiment(config, folder).load_model("s-vgae", 0, data.num_features)
    with torch.no_grad():
        assert np.array_equal(np.load(folder / "embeddings.npy"), model.encode(*model_inputs(split.train)).numpy())
    again = ("train", "--resume", "--out", folder)
    assert call(*again, "--half-life", 40).exit_code == 0
    result = call(*again, "--half-life", 7)
    assert result.stderr == "Error: --half-life: given 7.0, but the run to go on with has 40.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--half-life", 40], "given 40.0, allowed: with --time, the column or attribute that holds the times"),
        (["--half-life", 0, "--time", "day"], "given 0.0, allowed: a finite number above 0, or None"),
    ],
)
def test_a_half_life_that_means_nothing_is_refused(mail: Path, arguments: list[Any], message: str) -> None:
    result = call("train", "--dataset", "mail.csv", *QUICK, *arguments)
    assert result.exit_code == 2
    assert result.stderr == f"Error: --half-life: {message}\n"
    assert not Path("runs").exists()


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Who went to which shop; people and shops have names of their own."""
    monkeypatch.chdir(tmp_path)
    lines = [f"p{k:02d},s{(3 * k + step) % 20:02d}" for k in range(30) for step in range(4)]
    path = tmp_path / "visits.csv"
    path.write_text("from,to\n" + "\n".join(lines) + "\n")
    return path


BIPARTITE = "A bipartite graph: negatives are pairs of the 30 nodes of side 0 and the 20 of side 1."


@pytest.mark.parametrize("told", [True, False])
def test_sides_are_those_of_the_columns_or_found_by_the_links(visits: Path, told: bool) -> None:
    quick = ["--epochs", 2, "--latent-dim", 3, "--preset", "bipartite"]
    result = call("train", "--dataset", "visits.csv", *quick, *(["--bipartite"] if told else []))
    assert result.exit_code == 0, result.output
    assert BIPARTITE in result.stdout
    assert ("Sides were found by the links." in result.stdout) is not told
    (folder,) = Path("runs").iterdir()
    ids = json.loads((folder / "node_ids.json").read_text())
    embeddings = np.load(folder / "embeddings.npy")
    assert embeddings.shape == (50, 3) == (len(ids), 3)


def test_a_graph_that_has_no_two_sides_is_refused(mail: Path) -> None:
    quick = ["--dataset", "mail.csv", "--preset", "bipartite"]
    result = call("train", *quick)
    assert result.exit_code == 2
    assert "Error: --preset: given 'bipartite' for " in result.stderr
    assert "a cycle of odd length" in result.stderr
    result = call("train", *quick, "--directed")
    assert result.stderr == "Error: --preset: given 'bipartite' with --directed, allowed: one of them\n"
    assert not Path("runs").exists()


@pytest.mark.parametrize("option", ["--directed", "--bipartite"])
def test_hard_negatives_are_for_one_kind_of_nodes(visits: Path, option: str) -> None:
    result = call("train", "--dataset", "visits.csv", option, "--preset", "ranking")
    assert result.exit_code == 2
    kind = option.removeprefix("--")
    assert result.stderr.startswith(
        f"Error: --preset: given 'ranking': given one with hard negatives and a {kind} graph,"
    )
    assert not Path("runs").exists()


def test_several_kinds_at_once_are_refused(mail: Path) -> None:
    assert_refused(call("train", "--dataset", "mail.csv", *QUICK, "--directed", "--bipartite"), "--dataset", "directed")
