import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from spherical_gae.cli.reading import as_arguments, fail_reading, option_name, read_option, with_reading_options
from spherical_gae.data.readers.options import ReadingOptions
from tests.helpers.cli_calls import assert_refused, assert_refused_at_once, call, cli_runner

QUICK = ["--epochs", 1, "--latent-dim", 3, "--preset", "paper"]


@pytest.fixture
def trade(tmp_path: Path) -> Path:
    """Ports, cargo, years and towns: columns that no program can guess."""
    lines = [f"{k};{k % 7};port {k:02d};port {(3 * k + m) % 20:02d};{1900 + k}" for k in range(20) for m in (1, 2, 3)]
    path = tmp_path / "trade.txt"
    path.write_text("nr;tons;seller;buyer;year\n" + "\n".join(lines) + "\n")
    return path


def given_to(*arguments: Any) -> ReadingOptions:
    """What a command gets for these arguments."""
    app, caught = typer.Typer(), []

    @app.command()
    @with_reading_options
    def command(name: str, many: int = 3, *, reading: ReadingOptions) -> None:
        caught.append((name, many, reading))

    result = cli_runner().invoke(app, ["x", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    ((name, many, reading),) = caught
    assert (name, many) == ("x", 3)
    return reading


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["--source", "a", "--target", 2], {"source": "a", "target": "2"}),
        (["--weight", "none", "--time", "at"], {"weight": "none", "time": "at"}),
        (["--node-attributes", "none"], {"node_attributes": "none"}),
        (["--node-attributes", "age, home town"], {"node_attributes": ("age", "home town")}),
        (["--labels", "party", "--directed"], {"labels": "party", "directed": True}),
        (["--bipartite"], {"bipartite": True}),
        (["--one-kind"], {"bipartite": False}),
        (["--standardize"], {"standardize": True}),
        (["--as-they-are"], {"standardize": False}),
        (["--header"], {"header": True}),
        (["--no-header"], {"header": False}),
        (["--delimiter", "tab", "--comment", ""], {"delimiter": "\t", "comment": ""}),
        (["--delimiter", "blanks"], {"delimiter": " "}),
        (["--delimiter", "|"], {"delimiter": "|"}),
    ],
)
def test_what_the_options_stand_for(arguments: list[Any], expected: dict[str, Any]) -> None:
    options = ReadingOptions(**expected)
    assert given_to(*arguments) == options
    assert given_to(*as_arguments(options)) == options


def test_options_read_twice_are_the_same() -> None:
    """As where a resumed run compares them with what it has."""
    for name, value in (("node_attributes", "a,b"), ("delimiter", "tab"), ("standardize", None), ("header", False)):
        assert read_option(name, value) == getattr(ReadingOptions.from_dict({name: read_option(name, value)}), name)
    assert option_name("header", False) == "--no-header"
    assert option_name("node_attributes") == "--node-attributes"


@pytest.mark.parametrize(
    ("message", "option"),
    [
        ("labels: given 'x', allowed here: y", "--labels"),
        ("f.csv: labels: given 'x'", "--labels"),
        ("f.csv: node_attributes: given 'x'", "--node-attributes"),
        ("f.csv: given 1 columns", "--dataset"),
        ("x.csv: given 1 columns", "--features"),
        ("f.csv: features: given none for the nodes 1", "--features"),
        ("anything else", "--dataset"),
    ],
)
def test_errors_name_the_option(message: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"--dataset": "f.csv", "--features": "x.csv"}
    with pytest.raises(typer.Exit):
        fail_reading(ValueError(message), ReadingOptions(), files)
    assert capsys.readouterr().err == f"Error: {option}: {message}\n"


def test_columns_are_named_and_the_report_is_printed(trade: Path) -> None:
    ends = ["--source", "seller", "--target", "buyer"]
    result = call("train", "--dataset", trade, *ends, "--weight", "tons", "--out", "run", *QUICK)
    # A port that sells nothing: weights must be above 0.
    assert_refused(result, "--dataset", "edge_weight", "'port 00'")
    result = call("train", "--dataset", trade, *ends, "--time", 5, "--out", "run", *QUICK)
    assert result.exit_code == 0, result.output
    report = result.stdout.split("\n\n")[0].splitlines()
    pairs = {frozenset((k, (3 * k + m) % 20)) for k in range(20) for m in (1, 2, 3)}
    num_links = sum(len(pair) == 2 for pair in pairs)
    assert report[:2] == ["trade.txt: text, cells divided by semicolons.", f"20 nodes, {num_links} links."]
    for line in (
        "Column used as source: 'seller'.",
        "Column used as target: 'buyer'.",
        "Column used as time: 'year'.",
        "Column left out: 'tons', it is not named; to use it, name it: weight= or time= (--weight or --time).",
    ):
        assert line in report
    config = json.loads(Path("run", "config.json").read_text())
    assert ReadingOptions.from_dict(config["reading"]) == ReadingOptions(source="seller", target="buyer", time="5")
    assert json.loads(Path("run", "node_ids.json").read_text())[0] == "port 00"
    assert f"spherical-gae embed {trade} --source seller --target buyer --time 5 " in result.stdout


def test_a_resumed_run_reads_as_before(trade: Path) -> None:
    """With the same options or none, and with no others."""
    options = ["--source", "seller", "--target", "4", "--delimiter", ";", "--header"]
    first = call("train", "--dataset", trade, *options, "--out", "run", *QUICK)
    assert first.exit_code == 0, first.output
    before = np.load(Path("run", "embeddings.npy"))
    Path("run", "embeddings.npy").unlink()
    again = call("train", "--resume", "--out", "run", *options)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    np.testing.assert_array_equal(np.load(Path("run", "embeddings.npy")), before)
    assert_refused(call("train", "--resume", "--out", "run", "--source", "buyer"), "--source", "'buyer'", "'seller'")
    assert_refused(call("train", "--resume", "--out", "run", "--directed"), "--directed", "True", "False")


@pytest.mark.parametrize(
    ("arguments", "option", "fragments"),
    [
        (["--source", "vendor"], "--source", ["'vendor'", "nr, tons, seller, buyer, year"]),
        (["--source", "seller", "--target", "buyer", "--labels", "party"], "--labels", ["'party'"]),
        (["--delimiter", "::"], "--delimiter", ["'::'", "one character"]),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    trade: Path, arguments: list[Any], option: str, fragments: list[str]
) -> None:
    result = call("train", "--dataset", trade, *arguments, *QUICK)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {option}: ")
    assert all(fragment in line for fragment in fragments)
    assert not Path("runs").exists()


def test_a_named_data_set_is_not_read_from_a_file() -> None:
    assert_refused_at_once(call("train", "--no-header"), "--no-header", "the data set digits", "with a file only")
    assert_refused_at_once(call("train", "--node-attributes", "a"), "--node-attributes", "with a file only")
