from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data.readers.options import ReadingOptions
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
    assert "\n2 new nodes: late, later.\n" in result.stdout
    assert result.stdout.startswith("late.csv: text, cells divided by commas.\n4 nodes, 3 links.\n")
    before, after = SphericalGraphEmbedding.load(karate), SphericalGraphEmbedding.load(tmp_path / "out")
    assert after.node_ids_ == [*map(str, range(34)), "late", "later"]
    assert np.array_equal(after.embedding_[:34], before.embedding_)
    expected = before.transform(tmp_path / "late.csv")
    frame = pd.read_parquet(tmp_path / "out" / "embeddings.parquet")
    assert np.array_equal(frame.loc[["late", "later"]].to_numpy()[:, :6], expected.loc[["late", "later"]])
    # The graph was no file, so nobody can say whether its weights are from a column.
    assert "Warning: these links have no weights, and those of the embedded graph have: each gets" in result.stdout
    # What it advises works.
    assert call("suggest", tmp_path / "out", "--node", "late").exit_code == 0


def test_features_without_links(tmp_path: Path) -> None:
    edges, features = words_and_links()
    fitted(edges, features).save(tmp_path / "saved")
    (features.iloc[:2] + 0.1).set_axis(["x", "y"]).to_csv(tmp_path / "late.csv", index_label="node")
    call_out = call("transform", tmp_path / "saved", "--features", tmp_path / "late.csv", "--out", tmp_path / "out")
    assert call_out.exit_code == 0, call_out.output
    assert SphericalGraphEmbedding.load(tmp_path / "out").node_ids_[40:] == ["x", "y"]
    # With links the report does not say that there are no features.
    (tmp_path / "links.csv").write_text("x,n00\ny,n00\n")
    both = (tmp_path / "links.csv", "--features", tmp_path / "late.csv", "--out", tmp_path / "both")
    linked = call("transform", tmp_path / "saved", *both)
    assert linked.exit_code == 0, linked.output
    assert linked.stdout.startswith("links.csv: text, cells divided by commas.\n3 nodes, 2 links.\n")
    assert "Features:" not in linked.stdout


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
    full = call("transform", karate, tmp_path / "old.csv", "--out", tmp_path)
    assert full.stderr == f"Error: --out: {tmp_path} is not empty: choose another folder\n"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of embed, of links with weights in a column that only an option names."""
    place = tmp_path_factory.mktemp("people")
    edges = nx.to_pandas_edgelist(nx.relabel_nodes(nx.karate_club_graph(), lambda k: f"p{k:02}"))
    edges.columns = ["person", "friend", "hours"]
    edges.to_csv(place / "links.csv", index=False)
    options = ("--weight", "hours", "--epochs", 5, "--dim", 6, "--default-features", "hash", "--no-view")
    result = call("embed", place / "links.csv", *options, "--out", place / "emb")
    assert result.exit_code == 0, result.output
    return place / "emb"


def later_row(embedded: Path, text: str, tmp_path: Path, *options: str) -> tuple[np.ndarray, str]:
    """The row of Zoe, and what was printed."""
    name = f"later{len(list(tmp_path.iterdir()))}"
    path, out = tmp_path / f"{name}.csv", tmp_path / name
    path.write_text(text)
    result = call("transform", embedded, path, "--out", out, *options)
    assert result.exit_code == 0, result.output
    return pd.read_parquet(out / "embeddings.parquet").loc["Zoe"].to_numpy()[:6], result.stdout


def test_later_links_are_read_as_the_first_ones(people: Path, tmp_path: Path) -> None:
    text = "person,friend,hours\nZoe,p00,{}\nZoe,p33,3\n"
    light, printed = later_row(people, text.format(3), tmp_path)
    heavy, _ = later_row(people, text.format(300), tmp_path)
    assert np.abs(light - heavy).max() > 1e-3
    assert printed.splitlines()[2:7] == [
        "The first line is a header: person, friend, hours.",
        "Column used as source: 'person'.",
        "Column used as target: 'friend'.",
        "Column used as weight: 'hours'.",
        "Features: none; the nodes get some by default.",
    ]
    assert "\n1 new node: Zoe.\n" in printed
    # What is given wins; and from Python the same.
    unweighted, _ = later_row(people, text.format(300), tmp_path, "--weight", "none")
    bare, _ = later_row(people, "friend,person\np00,Zoe\np33,Zoe\n", tmp_path, "--weight", "none")
    assert np.array_equal(unweighted, bare)
    assert not np.array_equal(unweighted, heavy)
    (tmp_path / "late.csv").write_text(text.format(300))
    embedding = SphericalGraphEmbedding.load(people)
    assert np.array_equal(embedding.transform(tmp_path / "late.csv").loc["Zoe"], heavy)
    found = embedding.transform(tmp_path / "late.csv", reading=ReadingOptions(weight="none"))
    assert np.array_equal(found.loc["Zoe"], bare)
    # A folder of transform reads on like that.
    again = ("transform", people, tmp_path / "late.csv", "--out", tmp_path / "again")
    assert call(*again).exit_code == 0
    assert SphericalGraphEmbedding.load(tmp_path / "again").reading_ == embedding.reading_


def test_columns_left_out_are_told_in_the_words_of_the_command(people: Path, tmp_path: Path) -> None:
    _, printed = later_row(people, "person,friend,hours,since,date\nZoe,p00,1,7,8\n", tmp_path)
    assert "'since', it is not named; to use it, name it: weight= (--weight)." in printed
    assert "'date', it may hold times, which later links do not need." in printed


def test_weights_are_missed_by_name(people: Path, tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text("person,friend\nZoe,p00\n")
    result = call("transform", people, tmp_path / "late.csv", "--out", tmp_path / "out")
    assert_refused(result, "--weight", "given 'hours', allowed in late.csv: one of person, friend", "(--weight none)")


@pytest.mark.parametrize("first", ["a b 2\nb c 3\nc d .5\n", "source,target,weight\na,b,2\nb,c,3\nc,d,.5\n"])
def test_weights_that_were_found_are_missed_too(tmp_path: Path, first: str) -> None:
    (tmp_path / "links.csv").write_text(first)
    options = ("--epochs", 2, "--dim", 6, "--default-features", "hash", "--no-view", "--out", tmp_path / "emb")
    assert call("embed", tmp_path / "links.csv", "--preset", "frontier", *options).exit_code == 0
    (tmp_path / "late.csv").write_text("source,target\nlate,a\n")
    late = ("transform", tmp_path / "emb", tmp_path / "late.csv", "--out", tmp_path / "out")
    assert_refused(
        call(*late), "GRAPH", "late.csv: given links without weights, allowed: a weight for each", "(--weight none)"
    )
    assert call(*late, "--weight", "none").exit_code == 0


def test_it_says_what_it_read_of_features(tmp_path: Path) -> None:
    ids = [f"n{k:02}" for k in range(40)]
    edges, _ = words_and_links()
    edges.to_csv(tmp_path / "links.csv", index=False)
    people = pd.DataFrame({"age": range(40), "town": ["Rome", "Oslo"] * 20}, index=ids)
    people.to_csv(tmp_path / "people.csv", index_label="node")
    embed = ("embed", tmp_path / "links.csv", "--features", tmp_path / "people.csv", "--epochs", 2, "--dim", 6)
    assert call(*embed, "--no-view", "--out", tmp_path / "emb").exit_code == 0
    later = pd.DataFrame({"age": [None, 7, 8], "town": ["Rome", "Bern", "Oslo"], "shoe": 42}, index=["x", "y", "n00"])
    later.to_csv(tmp_path / "later.csv", index_label="node")
    result = call("transform", tmp_path / "emb", "--features", tmp_path / "later.csv", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:6] == [
        "later.csv: the first line is a header: 'node', 'age', 'town' and 1 more.",
        "Features: made as those of the first graph were.",
        "Features of nodes that are there already: 1, not used.",
        "Missing values take the mean of the first graph: 'age'.",
        "Categories of town that the first graph does not have, left out: 'Bern'.",
        "Columns that the first graph's features were not made of, left out: 'shoe'.",
    ]


def test_what_cannot_be_written_is_one_line(karate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(27, "File too large")

    (tmp_path / "late.csv").write_text("late,0\n")
    monkeypatch.setattr(SphericalGraphEmbedding, "save", full)
    result = call("transform", karate, tmp_path / "late.csv", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == f"Error: --out: {tmp_path / 'out'} cannot be written: File too large\n"
    assert not (tmp_path / "out").exists()


def test_options_of_links_are_refused_without_links(karate: Path, tmp_path: Path) -> None:
    for option in ("--source", "--target", "--weight"):
        result = call("transform", karate, "--features", "x.csv", option, "nosuch", "--out", tmp_path / "out")
        assert_refused(result, option, "given 'nosuch', allowed: with a file of links only")


def test_missing_file_is_that_of_its_option(tmp_path: Path) -> None:
    fitted(*words_and_links()).save(tmp_path / "saved")
    for arguments in (["--features", "none.csv"], [tmp_path / "links.csv", "--features", "none.csv"]):
        (tmp_path / "links.csv").write_text("n00,late\n")
        result = call("transform", tmp_path / "saved", *arguments, "--out", tmp_path / "out")
        assert_refused(result, "--features", "none.csv: No such file")
    nx.write_graphml(nx.path_graph(3), tmp_path / "late.graphml")
    result = call(
        "transform", tmp_path / "saved", tmp_path / "late.graphml", "--target", "x", "--out", tmp_path / "out"
    )
    assert_refused(result, "--target", "given for")
