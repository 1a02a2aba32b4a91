from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from spherical_gae import SphericalGraphEmbedding
from tests.helpers.cli_calls import assert_refused, call
from tests.helpers.embeddings import fitted, words_and_links


@pytest.fixture(scope="module")
def karate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    fitted(nx.karate_club_graph()).save(folder)
    return folder


def test_new_nodes_come_last_and_the_others_stay(karate: Path, tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text("late,0\nlate,33\nlater,late\n")
    result = call("transform", karate, tmp_path / "late.csv", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2 new nodes: late, later.")
    before, after = SphericalGraphEmbedding.load(karate), SphericalGraphEmbedding.load(tmp_path / "out")
    assert after.node_ids_ == [*map(str, range(34)), "late", "later"]
    assert np.array_equal(after.embedding_[:34], before.embedding_)
    expected = before.transform(tmp_path / "late.csv")
    frame = pd.read_parquet(tmp_path / "out" / "embeddings.parquet")
    assert np.array_equal(frame.loc[["late", "later"]].to_numpy()[:, :6], expected.loc[["late", "later"]])
    # What it advises works.
    assert call("suggest", tmp_path / "out", "--node", "late").exit_code == 0


def test_features_without_links(tmp_path: Path) -> None:
    edges, features = words_and_links()
    fitted(edges, features).save(tmp_path / "saved")
    (features.iloc[:2] + 0.1).set_axis(["x", "y"]).to_csv(tmp_path / "late.csv", index_label="node")
    call_out = call("transform", tmp_path / "saved", "--features", tmp_path / "late.csv", "--out", tmp_path / "out")
    assert call_out.exit_code == 0, call_out.output
    assert SphericalGraphEmbedding.load(tmp_path / "out").node_ids_[40:] == ["x", "y"]


def test_bad_calls_are_refused(karate: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    assert_refused(call("transform", karate, *out), "GRAPH", "given neither a graph nor --features")
    assert_refused(call("transform", karate, "late.pickle", *out), "GRAPH", "given 'late.pickle'")
    assert_refused(call("transform", karate, tmp_path / "none.csv", *out), "GRAPH", "none.csv")
    (tmp_path / "old.csv").write_text("0,33\n5,6\n")
    assert_refused(call("transform", karate, tmp_path / "old.csv", *out), "GRAPH", "given no node that")
    pd.DataFrame({"a": [1.0]}, index=["x"]).to_csv(tmp_path / "x.csv", index_label="node")
    assert_refused(
        call("transform", karate, "--features", tmp_path / "x.csv", *out), "--features", "given some for new nodes"
    )
    assert_refused(call("transform", tmp_path, tmp_path / "old.csv", *out), "DIR", "embedding.json: not found")
    assert not (tmp_path / "out").exists()
