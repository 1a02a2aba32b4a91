from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import typer

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import read_graph
from tests.helpers.cli_calls import assert_refused, call

FEW = ("--epochs", 5, "--dim", 6)


@pytest.fixture
def karate(tmp_path: Path) -> Path:
    path = tmp_path / "karate.csv"
    nx.to_pandas_edgelist(nx.karate_club_graph())[["source", "target"]].to_csv(path, index=False)
    return path


def test_what_is_written_is_the_estimators(karate: Path, tmp_path: Path) -> None:
    result = call("embed", karate, "--out", tmp_path / "out", "--seed", 3, *FEW, "--no-view")
    assert result.exit_code == 0, result.output
    expected = SphericalGraphEmbedding(dim=6, epochs=5, random_state=3).fit(karate)
    assert np.array_equal(np.load(tmp_path / "out" / "embeddings.npy"), expected.embedding_)
    frame = pd.read_parquet(tmp_path / "out" / "embeddings.parquet")
    pd.testing.assert_frame_equal(frame, expected.to_frame())
    loaded = SphericalGraphEmbedding.load(tmp_path / "out")
    assert loaded.suggest_all(5).equals(expected.suggest_all(5))
    assert not (tmp_path / "out" / "view.html").exists()
    auc = expected.history_["val_auc"][expected.best_epoch_ - 1]
    # A fifth of 78 links.
    assert f"On 16 held-out links, after {expected.best_epoch_} epochs, the best: AUC {100 * auc:.1f}" in result.stdout
    assert "\nWarning: only 16 held-out links: these scores mean little." in result.stdout
    assert "(the preset's floor, 1000, holds it near there: it is no measure of certainty)" in result.stdout
    bars = [line.split("%|")[0] for line in result.stderr.replace("\r", "\n").splitlines() if "100%|" in line]
    assert list(dict.fromkeys(bars)) == ["features: hash: 100", "features: spectral: 100", "all links: 100"]
    assert "The graph has no features; the nodes got: " in result.stdout
    assert result.stdout.startswith("karate.csv: text, cells divided by commas.\n34 nodes, 78 links.")
    assert f"spherical-gae suggest {tmp_path / 'out'} --node 0 -k 10" in result.stdout.split("\nNext:\n")[1]


def test_page_has_the_classes_of_the_table(karate: Path, tmp_path: Path) -> None:
    labels = tmp_path / "clubs.csv"
    labels.write_text("node,club\n0,red<b>\n33,blue\n1,red<b>\n")
    result = call("embed", karate, "--out", tmp_path / "out", *FEW, "--classes", labels)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "view.html").read_text()
    assert r"red\u003cb>" in page
    assert '"class"' in page
    assert "view.html" in result.stdout


def test_without_plotly_the_embeddings_are_written_all_the_same(
    karate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    result = call("embed", karate, "--out", tmp_path / "out", *FEW)
    assert result.exit_code == 0, result.output
    assert "pip install 'spherical-gae[view]'" in result.stdout
    assert (tmp_path / "out" / "embeddings.npy").is_file()


def test_features_and_no_validation(karate: Path, tmp_path: Path) -> None:
    features = tmp_path / "x.npy"
    np.save(features, np.random.default_rng(0).random((34, 4)))
    result = call(
        "embed", karate, "--features", features, "--out", tmp_path / "out", *FEW, "--val-share", 0, "--no-view"
    )
    assert result.exit_code == 0, result.output
    assert "Trained on all links for 5 epochs." in result.stdout
    assert "held-out" not in result.stdout
    assert SphericalGraphEmbedding.load(tmp_path / "out").model_.encoder.outputs[0].in_features == 4


@pytest.mark.parametrize(
    ("arguments", "option", "fragment"),
    [
        (("--preset", "best"), "--preset", "given 'best', allowed: auto, "),
        (("--default-features", "x"), "--default-features", "given 'x', allowed: auto, hash, spectral"),
        (("--latent", "z"), "--latent", "given 'z', allowed: s, p, ps, sc"),
        (("--dim", 1), "--dim", "Error: --dim: given 1, allowed: 2 or more"),
        (("--half-life", 2), "--half-life", "given 2.0, allowed: with --time"),
        (
            ("--preset", "bipartite"),
            "--preset",
            "given 'bipartite', allowed: auto, frontier, frontier-product, paper, ranking, scalable",
        ),
        (("--epochs", 0), "--epochs", "given 0, allowed: 1 or more"),
        (("--patience", 0), "--patience", "given 0, allowed: 1 or more"),
        (("--seed", -1), "--seed", "given -1, allowed: 0 to 2^63 - 1"),
        (("--val-share", 1.5), "--val-share", "given 1.5, allowed: a share in [0, 1)"),
        (("--classes", "none.csv"), "--classes", "none.csv"),
        (("--features", "none.csv"), "--features", "none.csv"),
    ],
)
def test_options_out_of_range_are_refused(
    karate: Path, tmp_path: Path, arguments: tuple, option: str, fragment: str
) -> None:
    result = call("embed", karate, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {option}: ")
    assert fragment in line
    assert not (tmp_path / "out").exists()


def test_what_is_no_graph_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(call("embed", "links.pickle"), "GRAPH", "given 'links.pickle', allowed: a file .csv")
    assert_refused(call("embed", "links.csv"), "GRAPH", "links.csv")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    (tmp_path / "links.csv").write_text("a,b\nb,c\n")
    full = call("embed", "links.csv", "--out", "full")
    assert full.stderr == "Error: --out: full is not empty: choose another folder\n"


def test_labels_of_other_nodes_are_refused(karate: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("node,club\nann,red\nbob,blue\n")
    result = call("embed", karate, "--classes", tmp_path / "labels.csv", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--classes" in result.stderr
    assert "given ids such as 'ann', allowed: ids of the graph, such as '0'" in result.stderr


def test_reading_options_and_a_bipartite_graph(tmp_path: Path) -> None:
    table = tmp_path / "davis.csv"
    graph = nx.davis_southern_women_graph()
    pd.DataFrame(list(graph.edges), columns=["woman", "event"]).to_csv(table, index=False)
    result = call("embed", table, "--out", tmp_path / "out", *FEW, "--bipartite", "--header", "--target", "event")
    assert result.exit_code == 0, result.output
    assert "18 and 14 nodes" in result.stdout
    found = SphericalGraphEmbedding.load(tmp_path / "out").suggest_all(50)
    women = set(graph.graph["top"])
    assert len(found) == 50
    assert all((a in women) != (b in women) for a, b in zip(found["source"], found["target"], strict=True))
    assert_refused(call("embed", table, "--directed", "--out", tmp_path / "no"), "--directed", "given, allowed: not")


def test_labels_of_the_file_are_the_classes(tmp_path: Path) -> None:
    graph = nx.relabel_nodes(nx.karate_club_graph(), str)
    nx.write_gml(graph, tmp_path / "karate.gml")
    result = call("embed", tmp_path / "karate.gml", "--labels", "club", "--out", tmp_path / "out", *FEW)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "view.html").read_text()
    assert '"Officer"' in page
    # As well from what was saved.
    assert call("view", tmp_path / "out", "--out", tmp_path / "again.html").exit_code == 0
    assert '"Officer"' in (tmp_path / "again.html").read_text()


def test_what_cannot_be_written_is_refused_before_training(karate: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("embed", karate, "--out", tmp_path / "file" / "sub", "--epochs", 2)
    assert_refused(result, "--out", f"cannot be made: {tmp_path / 'file'} is no folder")
    assert result.stdout == ""
    assert_refused(call("embed", karate, "--seed", 2**63, "--epochs", 2), "--seed", "allowed: 0 to 2^63 - 1")


def test_numbers_of_classes_are_shown_as_they_are_written(karate: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("id,class\n" + "".join(f"{k},{k % 3}\n" for k in range(34)))
    options = ("--epochs", 2, "--default-features", "hash", "--out", tmp_path / "out")
    assert call("embed", karate, "--classes", tmp_path / "classes.csv", *options).exit_code == 0
    page = (tmp_path / "out" / "view.html").read_text().replace(" ", "")
    assert '"categories":["0","1","2"]' in page


def test_settings_are_checked_before_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*arguments: object, **options: object) -> None:
        raise AssertionError("the file was read first")

    (tmp_path / "links.csv").write_text("a,b\nb,c\n")
    monkeypatch.setattr("spherical_gae.data.read_graph", read)
    for option, value in (("--epochs", 0), ("--dim", 1), ("--patience", 0), ("--val-share", "nan"), ("--half-life", 1)):
        assert_refused(call("embed", tmp_path / "links.csv", option, value), option, "given")


def test_runs_that_start_together_have_folders_of_their_own(
    karate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default name has the time to the second; another run may take it while this one reads its graph."""
    monkeypatch.chdir(tmp_path)
    taken = []

    def read(*arguments: Any, **options: Any) -> Any:
        data = read_graph(*arguments, **options)
        for seconds in range(3):
            folder = Path("runs") / f"karate-embedding-{datetime.now() - timedelta(seconds=seconds):%Y%m%d-%H%M%S}"
            if not folder.exists():
                folder.mkdir(parents=True)
                (folder / "embeddings.npy").write_text("another's")
                taken.append(folder)
        return data

    monkeypatch.setattr("spherical_gae.data.read_graph", read)
    result = call("embed", karate, *FEW, "--no-view")
    assert result.exit_code == 0, result.output
    (own,) = set(Path("runs").iterdir()) - set(taken)
    assert own.name.endswith("-2")
    assert f"Written into {own}:" in result.stdout
    assert all((folder / "embeddings.npy").read_text() == "another's" for folder in taken)
    assert not (own / ".lock").exists()


def test_a_chosen_folder_that_was_filled_meanwhile_is_left_alone(
    karate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: Any, **options: Any) -> Any:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "embeddings.npy").write_text("another's")
        return read_graph(*arguments, **options)

    monkeypatch.setattr("spherical_gae.data.read_graph", read)
    result = call("embed", karate, *FEW, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "is not empty: choose another folder" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["embeddings.npy"]


def test_all_is_written_before_anything_is_said_of_it(
    karate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads the output may stop reading it, as ``| head`` does."""
    echo, folder = typer.echo, tmp_path / "out"

    def closed(message: str = "", **options: Any) -> None:
        if message.startswith("\nEmbedded"):
            assert (folder / "view.html").is_file()
            raise BrokenPipeError
        echo(message, **options)

    monkeypatch.setattr(typer, "echo", closed)
    call("embed", karate, *FEW, "--out", folder)
    assert SphericalGraphEmbedding.load(folder).embedding_.shape[0] == 34
    assert {path.name for path in folder.iterdir()} >= {"embeddings.npy", "embeddings.parquet", "view.html"}


def test_one_epoch_and_one_link_are_said_as_one(karate: Path, tmp_path: Path) -> None:
    result = call("embed", karate, "--epochs", 1, "--val-share", 0.01, "--out", tmp_path / "out", "--no-view")
    assert result.exit_code == 0, result.output
    assert "On 1 held-out link, after 1 epoch, the best" in result.stdout
    assert "only 1 held-out link:" in result.stdout


def test_times_without_a_half_life_are_said_not_to_be_used(tmp_path: Path) -> None:
    table = tmp_path / "mail.csv"
    table.write_text("from,to,day\n" + "".join(f"{k},{(k + step) % 12},{k}\n" for k in range(12) for step in (1, 2)))
    arguments = ["embed", table, "--time", "day", *FEW, "--no-view", "--default-features", "hash"]
    said = "The times are not used: links are held out at random. With --half-life recent ones count more.\n"
    assert said in call(*arguments, "--out", tmp_path / "without").stdout
    assert said not in call(*arguments, "--half-life", 5, "--out", tmp_path / "with").stdout
    result = call(*arguments, "--patience", 2, "--val-share", 0, "--out", tmp_path / "no")
    assert_refused(result, "--patience", "given 2, allowed: None with val_share=0")
