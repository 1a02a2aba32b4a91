import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from spherical_gae import data as graphs
from spherical_gae import load_graph, split_links
from spherical_gae.cli.train import train
from spherical_gae.data.graphs import raw_files, raw_folder
from spherical_gae.data.names import ROOT_VARIABLE
from spherical_gae.experiments.links import Experiment, ExperimentConfig, model_inputs
from spherical_gae.experiments.presets import available_presets
from spherical_gae.experiments.seeds import parse_seeds
from tests.helpers.cli_calls import assert_refused_at_once, call
from tests.helpers.run_folders import contents

OPTIONS = {f"--{name.replace('_', '-')}" for name in inspect.signature(train).parameters} - {"--context"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes ``digits`` the first 300 of them: an epoch takes milliseconds."""
    whole = load_graph("digits")
    edge_index, _ = subgraph(torch.arange(300), whole.edge_index)
    data = Data(x=whole.x[:300], y=whole.y[:300], edge_index=edge_index)
    monkeypatch.setattr(graphs, "load_graph", lambda name: data)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0", (0,)),
        ("7", (7,)),
        ("0-3", (0, 1, 2, 3)),
        ("4-4", (4,)),
        ("0,3,5-7", (0, 3, 5, 6, 7)),
        ("9,2", (9, 2)),
        (" 1 , 2-3 ", (1, 2, 3)),
        ("007", (7,)),
        (str(2**63 - 1), (2**63 - 1,)),
    ],
)
def test_seeds_are_read(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "is not a number") for text in ("", " ", ",", "1,", "a", "-1", "1-", "-", "1-2-3", "1.0", "1e3", "²")),
        ("3-1", "empty range"),
        ("3-2", "empty range"),
        ("1,1", "a seed twice"),
        ("0-5,3", "a seed twice"),
        (str(2**63), r"a seed of 2\^63 or more"),
        (f"0-{2**64}", r"a seed of 2\^63 or more"),
        ("5-1000005", "more than 1,000,000 seeds"),
    ],
)
def test_malformed_seeds_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_seeds(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "option", "fragments"),
    [
        (["--dataset", "karate"], "--dataset", ["'karate'", "cora, citeseer, pubmed, digits"]),
        (["--preset", "big"], "--preset", ["'big'", ", ".join(available_presets())]),
        (["--seeds", "0;1"], "--seeds", ["'0;1'", "a range such as 0-9"]),
        (["--seeds", str(2**63)], "--seeds", [str(2**63), "2^63"]),
        (["--epochs", "0"], "--epochs", ["given 0", "1 or more"]),
        (["--epochs", "-5"], "--epochs", ["given -5", "1 or more"]),
        (["--latent-dim", "1"], "--latent-dim", ["given 1", "2 or more"]),
        (["--latent", "n"], "--latent", ["given 'n'", "s, p, ps, sc"]),
        (["--latent", "p", "--preset", "frontier-product"], "--latent", ["plain on a product of spheres", "'p'"]),
        (["--batch-size", "-1"], "--batch-size", ["given -1", "1 or more"]),
        (["--batch-size", "64"], "--batch-size", ["pyg-lib", "the preset scalable"]),
        (["--threads", "0"], "--threads", ["given 0", "1 or more"]),
        (["--jobs", "0"], "--jobs", ["given 0", "1 or more"]),
        (["--device", "abacus"], "--device", ["'abacus'", "cpu"]),
        (["--device", "meta"], "--device", ["'meta'", "cannot be used"]),
        (["--device", ""], "--device", ["''", "cannot be used"]),
        (["--device", "hpu"], "--device", ["'hpu'", "cannot be used"]),
        (["--resume"], "--resume", ["--out"]),
        (["--resume", "--out", "nowhere"], "--resume", ["nowhere", "config.json"]),
    ],
)
def test_bad_value_is_refused_in_one_line(arguments: list[str], option: str, fragments: list[str]) -> None:
    assert_refused_at_once(call("train", *arguments), option, *fragments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_device_that_is_not_there_is_refused() -> None:
    assert_refused_at_once(call("train", "--device", "cuda"), "--device", "'cuda' cannot be used here", "usable: cpu")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a machine without MPS")
def test_missing_device_is_said_in_a_short_line() -> None:
    """Torch's own message has 1,500 characters."""
    result = call("train", "--device", "mps")
    assert_refused_at_once(result, "--device", "'mps' cannot be used here", "usable: cpu")
    assert len(result.stderr) < 200


@pytest.mark.parametrize(
    ("arguments", "names"),
    [(["--epochs", "many"], "--epochs"), (["--latent-dim", "2.5"], "--latent-dim"), (["--sedes", "0"], "--sedes")],
)
def test_what_is_no_number_or_option_is_refused(arguments: list[str], names: str) -> None:
    result = call("train", *arguments)
    assert result.exit_code == 2
    assert names in result.stderr.splitlines()[-1]


def test_run_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    for out in (tmp_path / "mine", tmp_path / "mine" / "thesis.txt"):
        assert_refused_at_once(call("train", "--out", out), "--out", str(out), "--resume")
    assert contents(tmp_path / "mine") == {"thesis.txt": b"all of it"}


def test_run_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused_at_once(
        call("train", "--out", tmp_path / "file" / "run"),
        "--out",
        "cannot be made",
        f"{tmp_path / 'file'} is no folder",
    )


def test_missing_data_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "nowhere"))
    folder = str(raw_folder("citeseer", tmp_path / "nowhere"))
    assert_refused_at_once(
        call("train", "--dataset", "CiteSeer"), "--dataset", folder, "ind.citeseer.graph", "datasets/fetch.py"
    )


def test_corrupted_data_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    raw_folder("cora", tmp_path).mkdir(parents=True)
    for name in raw_files("cora"):
        (raw_folder("cora", tmp_path) / name).write_bytes(b"not a pickle")
    assert_refused_at_once(call("train", "--dataset", "cora"), "--dataset", "is not the published file", "SHA-256")


def test_help_names_every_option() -> None:
    assert "train" in call("--help").stdout
    result = call("train", "--help")
    assert result.exit_code == 0
    words = result.stdout.replace(",", " ").split()
    assert set(words) >= OPTIONS
    # Lines may be broken at hyphens.
    text = "".join(result.stdout.split())
    for preset in available_presets():
        assert preset in text


def test_default_run_folder_and_table(small: None) -> None:
    result = call("train", "--epochs", 2, "--seeds", "0,2", "--latent-dim", 3, "--preset", "frontier")
    assert result.exit_code == 0, result.output
    (folder,) = Path("runs").iterdir()
    assert folder.name.startswith("digits-frontier-20")
    read, table, explained, place, after = (part.splitlines() for part in result.stdout.split("\n\n"))
    assert read[0].startswith("digits: 300 nodes, ")
    assert [line.split()[0] for line in table] == ["method", "s-vgae", "n-vgae", "cosine"]
    assert [line.split()[0] for line in explained] == ["s-vgae", "n-vgae", "cosine", "AUC,"]
    assert read[-1] == "Preset: frontier, 2 epochs."
    assert place[0] == f"run folder: {folder}"
    files = [line.split()[0] for line in place[1:]]
    assert files == ["latent.png", "embeddings.npy", "metrics.json"]
    assert all((folder / name).is_file() for name in files)
    assert [line.split()[:3] for line in after[1:]] == [
        ["spherical-gae", "neighbors", str(folder)],
        ["spherical-gae", "embed", "YOUR_EDGES.csv"],
    ]
    for bar in ("S-VGAE, seed 0", "N-VGAE, seed 2"):
        assert bar in result.stderr
    metrics = json.loads((folder / "metrics.json").read_text())
    assert table[1].split()[1] == f"{100 * sum(metrics['s-vgae']['auc']) / 2:.1f}"
    assert metrics["seeds"] == [0, 2]


def test_resumed_run_keeps_its_settings(small: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--dataset", "Digits", "--seeds", "3", "--epochs", 2, "--latent-dim", 3, "--preset", "frontier"]
    first = call("train", *options, "--out", out)
    before = contents(out)
    for extra in ([], options):
        again = call("train", "--resume", "--out", out, *extra)
        assert again.exit_code == 0, again.output
        assert again.stdout == first.stdout
        assert contents(out) == before
    for option, value in [
        ("--dataset", "cora"),
        ("--preset", "paper"),
        ("--seeds", "3-4"),
        ("--seeds", "x"),
        ("--epochs", 3),
        ("--latent-dim", 4),
    ]:
        assert_refused_at_once(call("train", "--resume", "--out", out, option, value), option, str(value)[-1])
        assert contents(out) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"dataset": "digits", "preset_name": "paper", "preset": {}}'])
def test_run_with_a_broken_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    result = call("train", "--resume", "--out", tmp_path)
    assert_refused_at_once(result, "--resume", f"{tmp_path / 'config.json'} is not the configuration of a run")


SETTINGS = ["--epochs", "30", "--latent-dim", "8", "--seeds", "2"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run of the command in a process of its own."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    command = [sys.executable, "-m", "spherical_gae", "train", "--out", str(folder), *SETTINGS]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"\nrun folder: {folder}\n" in finished.stdout
    return folder


@pytest.mark.slow
def test_command_writes_the_run_folder(run_folder: Path) -> None:
    metrics = json.loads((run_folder / "metrics.json").read_text())
    for method, bound in (("s-vgae", 0.95), ("n-vgae", 0.75), ("cosine", 0.93)):
        for name in ("auc", "ap"):
            (value,) = metrics[method][name]
            assert bound < value <= 1
    config = json.loads((run_folder / "config.json").read_text())
    assert (config["dataset"], config["preset_name"], config["seeds"]) == ("digits", "frontier", [2])
    assert (config["preset"]["epochs"], config["preset"]["latent_dim"]) == (30, 8)
    assert (run_folder / "latent.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.slow
def test_weights_reproduce_the_embeddings(run_folder: Path) -> None:
    """With the command's one thread, bit for bit."""
    torch.set_num_threads(1)
    embeddings = np.load(run_folder / "embeddings.npy")
    assert embeddings.shape == (1797, 8)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    config = ExperimentConfig.from_dict(json.loads((run_folder / "config.json").read_text()))
    model = Experiment(config, run_folder).load_model("s-vgae", 2, 32)
    with torch.no_grad():
        z = model.encode(*model_inputs(split_links(load_graph("digits"), seed=2).train))
    assert np.array_equal(z.numpy(), embeddings)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_and_resumed_run_is_the_same_bit_for_bit(run_folder: Path, tmp_path: Path) -> None:
    """Fourteen SIGKILLs: in training steps, in the middle of files, and right after them."""
    command = [sys.executable, "-m", "tests.helpers.kill_and_resume", "0", str(tmp_path / "run"), *SETTINGS]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert finished.returncode == 0, finished.stderr
    kills = Counter(finished.stdout.splitlines())
    assert all(kills[f"killed: {moment}"] >= 3 for moment in ("step", "writing", "written")), kills
    expected, actual = contents(run_folder), contents(tmp_path / "run")
    assert actual.keys() == expected.keys()
    for name in expected:
        assert actual[name] == expected[name], name
