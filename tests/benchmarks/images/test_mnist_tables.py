import argparse
import importlib
import json
import os
import re
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks import cells
from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from benchmarks.images import mnist_knn, mnist_semi_supervised, mnist_unsupervised
from spherical_gae.data import ImageSet, ImageSplit, binarize, draw_labelled, load_images
from spherical_gae.models import M1Classifier
from spherical_gae.models.m1 import Votes
from spherical_gae.training.checkpoint import save_json

VAE_CELLS = list(product(("n-vae", "s-vae"), (2, 5, 10, 20, 40), range(3)))
M1M2_CELLS = list(product(("n+n", "s+s", "s+n"), product((5, 10, 50), repeat=2), range(3)))


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ([1.0, 3.0], 2, "2.00 ± 1.41"),  # sqrt(2): the sample's, not the population's 1.00
        ([-132.5, -133.5, -134.5], 1, "-133.5 ± 1.0"),
        ([2.0, 2.0], 1, "2.0 ± 0.0"),
        ([97.126], 2, "97.13"),
        ([97.126], 0, "97"),
    ],
)
def test_spread_is_mean_and_sample_deviation(values: list[float], digits: int, text: str) -> None:
    assert spread(values, digits) == text


def parser_of_two() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dims", nargs="+", type=int, default=[2, 5])
    parser.add_argument("--seeds", default="0-9")
    add_common_options(parser, Path("work"), Path("results"))
    return parser


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ""),
        (["--seeds", "0-9", "--dims", "2", "5"], ""),
        (["--seeds", "0,3"], " --seeds 0,3"),
        (["--dims", "5", "2"], " --dims 5 2"),
        (["--seeds", "1", "--dims", "5"], " --dims 5 --seeds 1"),
        (["--seeds", "a b", "--jobs", "7", "--report"], " --seeds 'a b'"),
    ],
)
def test_command_line_has_what_is_not_default(monkeypatch: pytest.MonkeyPatch, given: list[str], expected: str) -> None:
    """Of the named options only: jobs and folders do not change results."""
    monkeypatch.setattr(sys, "argv", ["/somewhere/images/mnist_x.py", *given])
    parser = parser_of_two()
    line = command_line(parser, parser.parse_args(given), ("dims", "seeds"))
    assert line == f"python benchmarks/images/mnist_x.py{expected}"


def test_results_are_written_beside_their_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_results(tmp_path / "out", "name", {"command": "python x.py", "cells": [1]}, iter(["a ± b", "c"]))
    text = "Made by `python x.py`.\n\na ± b\nc\n"
    assert (tmp_path / "out" / "name.md").read_text(encoding="utf-8") == text == capsys.readouterr().out
    saved = json.loads((tmp_path / "out" / "name.json").read_text())
    assert saved.pop("cpu_capability") == torch.backends.cpu.get_cpu_capability()
    assert saved == {"command": "python x.py", "cells": [1], "torch": torch.__version__}


HELPER = """
import os
import time
import torch

def work(cell):
    number, seconds = cell
    time.sleep(seconds)
    return {"number": number, "pid": os.getpid(), "threads": torch.get_num_threads()}
"""


@pytest.mark.slow
def test_cells_run_in_processes_and_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work_of_cells.py").write_text(HELPER)
    monkeypatch.syspath_prepend(tmp_path)
    work = importlib.import_module("work_of_cells").work
    results = run_cells([(0, 1.0), (1, 0.0), (2, 0.0)], work, 2)
    assert [result["number"] for result in results] == [0, 1, 2]
    assert [result["threads"] for result in results] == [1, 1, 1]
    assert os.getpid() not in {result["pid"] for result in results}


def test_order_is_kept_whichever_cell_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without processes: the results come in reverse."""
    monkeypatch.setattr(cells, "in_jobs", lambda work, items, jobs: map(work, reversed(items)))
    assert run_cells(["c", "a", "b"], lambda cell: {"is": cell}, 2) == [{"is": "c"}, {"is": "a"}, {"is": "b"}]


def test_error_in_a_cell_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "in_jobs", lambda work, items, jobs: map(work, items))
    with pytest.raises(ZeroDivisionError):
        run_cells([1, 0], lambda cell: {"inverse": 1 / cell}, 1)


def test_cells_have_folders_of_their_own(tmp_path: Path) -> None:
    vaes = [
        mnist_unsupervised.Cell(*values, way).folder(tmp_path)
        for values, way in product(VAE_CELLS, mnist_unsupervised.WAYS)
    ]
    pairs = [(latents, f"{a},{b}", seed) for latents, (a, b), seed in M1M2_CELLS]
    stacked = [mnist_semi_supervised.Cell(*values).folder(tmp_path) for values in pairs]
    folders = [*vaes, *stacked]
    assert len(set(folders)) == len(mnist_unsupervised.WAYS) * len(VAE_CELLS) + len(M1M2_CELLS)
    # None is inside another.
    assert not any(parent in folders for folder in folders for parent in folder.parents)
    assert all(tmp_path in folder.parents for folder in folders)


def test_cells_are_the_papers_experiments() -> None:
    run = mnist_unsupervised.Cell("n-vae", 40, 7).experiment
    assert (run.dataset, run.seed, run.model, run.dim, run.hidden_features) == ("mnist", 7, "n-vae", 40, (256, 128))
    training = run.training
    assert (training.batch_size, training.learning_rate, training.warm_up, training.look_ahead) == (64, 1e-3, 100, 50)
    assert (training.weight_average, run.scaled_latent) == (0.0, False)
    stacked = mnist_semi_supervised.Cell("s+n", "10,50", 3).experiment
    assert (stacked.dataset, stacked.seed, stacked.latent1, stacked.latent2) == ("mnist", 3, "s", "n")
    assert (stacked.dim1, stacked.dim2, stacked.hidden_features, stacked.num_labels) == (10, 50, 500, 100)
    assert (stacked.training.batch_size, stacked.training.learning_rate, stacked.training.look_ahead) == (100, 1e-3, 50)


@pytest.mark.parametrize(("model", "scaled"), [("s-vae", True), ("n-vae", False)])
def test_averaged_cells_differ_in_the_average_and_the_scale_only(model: str, scaled: bool) -> None:
    paper, averaged = (mnist_unsupervised.Cell(model, 20, 1, way).experiment for way in ("paper", "averaged"))
    training = replace(paper.training, weight_average=0.9999)
    assert averaged == replace(paper, training=training, scaled_latent=scaled)


def test_cells_without_warm_up_differ_in_nothing_else() -> None:
    paper, sudden = (mnist_unsupervised.Cell("n-vae", 40, 1, way).experiment for way in ("paper", "no-warm-up"))
    assert sudden == replace(paper, training=replace(paper.training, warm_up=0))


@pytest.mark.parametrize(("latents", "scaled"), [("n+n", False), ("s+sp", True), ("p+p", True)])
def test_pretrained_cells_differ_in_what_is_documented_only(latents: str, scaled: bool, tmp_path: Path) -> None:
    paper, pretrained = (mnist_semi_supervised.Cell(latents, "10,10", 1, way) for way in mnist_semi_supervised.WAYS)
    assert paper.folder(tmp_path) != pretrained.folder(tmp_path)
    assert pretrained.experiment == replace(paper.experiment, first_stage_epochs=30, scaled_latent=scaled)


def means(text: str) -> list[float]:
    return [float(column.split(" ± ")[0]) for column in text.split(" | ")]


def test_papers_tables_are_complete() -> None:
    models = set(product(("n-vae", "s-vae"), (2, 5, 10, 20, 40)))
    assert set(mnist_unsupervised.PAPER) == models == set(mnist_knn.PAPER)
    assert mnist_unsupervised.DIMS == (2, 5, 10, 20, 40)
    assert set(mnist_semi_supervised.PAPER) == {f"{a},{b}" for a in (5, 10, 50) for b in (5, 10, 50)}
    assert all(len(row) == len(mnist_semi_supervised.LATENTS) for row in mnist_semi_supervised.PAPER.values())
    for row in (*mnist_unsupervised.PAPER.values(), *mnist_knn.PAPER.values()):
        assert re.fullmatch(r"(-?\d+\.\d+ ± \d*\.\d+( \| |$))+", row)


def test_papers_table_1_adds_up() -> None:
    """L[q] = RE - KL to the last digit but rounding, and LL is above it: no figure is mistyped."""
    for row in mnist_unsupervised.PAPER.values():
        log_likelihood, bound, reconstruction, kl = means(row)
        assert bound == pytest.approx(reconstruction - kl, abs=0.011)
        assert log_likelihood > bound


def test_papers_table_2_grows_with_the_labels() -> None:
    for row in mnist_knn.PAPER.values():
        few, more, most = means(row)
        assert 60 < few < more < most < 100


def test_table_of_vaes() -> None:
    def cell(model: str, dim: int, **scores: float) -> dict[str, Any]:
        return {"model": model, "dim": dim, **scores}

    given = [
        cell("s-vae", 40, log_likelihood=-90.123, bound=-101.0, reconstruction=-68.5, kl=32.5),
        cell("s-vae", 2, log_likelihood=-132.0, bound=-134.0, reconstruction=-127.0, kl=7.0),
        cell("s-vae", 2, log_likelihood=-133.0, bound=-134.5, reconstruction=-127.0, kl=7.5),
    ]
    assert list(mnist_unsupervised.table(given)) == [
        "| d | model | seeds | LL | L[q] | RE | KL | paper: LL | paper: L[q] | paper: RE | paper: KL |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        "| 2 | S-VAE | 2 | -132.50 ± 0.71 | -134.25 ± 0.35 | -127.00 ± 0.00 | 7.25 ± 0.35 "
        "| -132.50 ± .73 | -133.72 ± .85 | -126.43 ± .91 | 7.28 ± .14 |",
        "| 40 | S-VAE | 1 | -90.12 | -101.00 | -68.50 | 32.50 "
        "| -90.87 ± .34 | -101.26 ± .33 | -67.75 ± .70 | 33.50 ± .45 |",
    ]


def test_table_of_neighbours_pools_models_and_draws() -> None:
    def cell(model: str, dim: int, *accuracies: list[float]) -> dict[str, Any]:
        test = dict(zip(("100", "600", "1000"), accuracies, strict=True))
        return {"model": model, "dim": dim, "test": {"chosen": test, "plain": {}}}

    given = [
        cell("n-vae", 5, [80.0, 82.0], [90.0, 90.0], [91.0, 93.0]),
        cell("n-vae", 5, [84.0, 86.0], [90.0, 90.0], [91.0, 93.0]),
    ]
    header, _, line = mnist_knn.table(given, "chosen")
    assert header.count("N = 600") == 2
    # Deviations of 80, 82, 84, 86 and of 91, 93, 91, 93 from their means: sqrt(20 / 3) and sqrt(4 / 3).
    here = "83.0 ± 2.6 | 90.0 ± 0.0 | 92.0 ± 1.2"
    assert line == f"| 5 | N-VAE | 2 | {here} | 81.8 ± 2.0 | 90.9 ± 0.4 | 92.0 ± 0.2 |"


def test_the_chosen_way_is_the_best_on_validation_images() -> None:
    """In the mean over all models and numbers of labels of the committed results."""
    report = json.loads((mnist_knn.HERE / "results" / "mnist_knn.json").read_text())
    means = {
        way: np.mean([np.mean(list(cell["validation"][way].values())) for cell in report["cells"]])
        for way in report["cells"][0]["validation"]
    }
    assert len(means) == 4
    assert max(means, key=means.__getitem__) == " / ".join(mnist_knn.CHOSEN)


def test_validation_table_has_a_line_for_each_way() -> None:
    ways = [" / ".join(way) for way in mnist_knn.WAYS]
    given = [
        {"validation": {way: {"100": base + i, "600": 90.0, "1000": 95.0} for i, way in enumerate(ways)}}
        for base in (60.0, 70.0)
    ]
    lines = list(mnist_knn.validation_table(given))
    assert lines[2] == "| binarised / uniform | 65.0 | 90.0 | 95.0 |"
    assert lines[5] == "| intensities / distance | 68.0 | 90.0 | 95.0 |"


def test_table_of_few_labels_is_in_percent() -> None:
    given = [
        {"latents": "s+n", "dims": "10,10", "accuracy": 0.96},
        {"latents": "s+n", "dims": "10,10", "accuracy": 0.94},
        {"latents": "n+n", "dims": "10,10", "accuracy": 0.9212},
        {"latents": "s+s", "dims": "50,5", "accuracy": 0.5},
    ]
    assert list(mnist_semi_supervised.table(given))[2:] == [
        "| 10,10 | 92.1 (n = 1) |  | 95.0 ± 1.4 (n = 2) | 92.2 ± .1 | 96.0 ± .2 | 95.9 ± .3 |",
        "| 50,5 |  | 50.0 (n = 1) |  | 92.0 ± .2 | 91.7 ± .4 | 95.8 ± .1 |",
    ]
    rows = [line.count("|") for line in mnist_semi_supervised.table(given)]
    assert rows == [8, 8, 8, 8]


def test_table_with_m1_first_has_two_columns_more() -> None:
    given = [
        {"latents": "s+sp", "dims": "10,10", "accuracy": 0.95},
        {"latents": "p+p", "dims": "10,10", "accuracy": 0.97},
    ]
    header, rule, line = mnist_semi_supervised.table(given, mnist_semi_supervised.WAYS["pretrained"])
    assert header.split(" | ")[1:6] == ["N+N", "S+S", "S+N", "S+SP", "P+P"]
    assert line == "| 10,10 |  |  |  | 95.0 (n = 1) | 97.0 (n = 1) | 92.2 ± .1 | 96.0 ± .2 | 95.9 ± .3 |"
    assert {header.count("|"), rule.count("|"), line.count("|")} == {10}


def few_digits() -> ImageSplit:
    """With labels enough for a draw of 20."""
    whole = load_images("digits")
    return ImageSplit(*(ImageSet(*(t[:200] for t in part)) for part in whole))


def test_cells_of_neighbours_test_the_models_of_table_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two draws of 20 and of 40 labels; each is M1 on the weights in the cell's folder."""
    images = few_digits()
    monkeypatch.setattr(mnist_knn, "load_images", lambda name: images)
    monkeypatch.setattr(mnist_knn, "NUM_LABELS", (20, 40))
    monkeypatch.setattr(mnist_knn, "NUM_DRAWS", 2)
    monkeypatch.setattr(mnist_knn, "NUM_VALIDATION_DRAWS", 1)
    cell = mnist_unsupervised.Cell("s-vae", 2, 1)
    folder = cell.folder(tmp_path)
    folder.mkdir(parents=True)
    torch.manual_seed(8)
    model = cell.experiment.make_model(64)
    save_file(model.state_dict(), folder / "model.safetensors")
    result = mnist_knn.run_cell(cell, tmp_path)
    assert (result["model"], result["dim"], result["seed"]) == ("s-vae", 2, 1)
    noise = torch.Generator().manual_seed(0)
    black_or_white = ImageSplit(*(ImageSet(binarize(part.images, noise), part.labels) for part in images))

    def expected(weights: Votes, given: ImageSplit, part: ImageSet, number: int, draws: int) -> list[float]:
        classifier = M1Classifier(model, weights=weights)
        return [100 * classifier.fit(*draw_labelled(given.train, number, d)).score(*part) for d in range(draws)]

    for number in (20, 40):
        plain = expected("uniform", black_or_white, black_or_white.test, number, 2)
        chosen = expected("distance", images, images.test, number, 2)
        assert result["test"]["plain"][str(number)] == plain
        assert result["test"]["chosen"][str(number)] == chosen
        assert plain != chosen
        assert plain[0] != plain[1]
        for name, given in (("binarised", black_or_white), ("intensities", images)):
            for weights in get_args(Votes):
                (found,) = expected(weights, given, given.val, number, 1)
                assert result["validation"][f"{name} / {weights}"][str(number)] == found


@pytest.mark.parametrize("module", [mnist_unsupervised, mnist_semi_supervised])
def test_cells_come_with_their_metrics_but_not_their_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    cell = module.Cell("s-vae", 2, 1) if module is mnist_unsupervised else module.Cell("s+n", "5,10", 1)
    given: list[Any] = []

    def run(*arguments: Any, **_: Any) -> dict[str, Any]:
        given.extend(arguments)
        return {"score": 0.5, "history": {"loss": [1.0]}}

    monkeypatch.setattr(type(cell.experiment), "run", run)
    monkeypatch.setattr(cells, "load_images", lambda name: name)
    assert module.run_cell(cell, tmp_path) == {**cell._asdict(), "score": 0.5}
    assert given == [cell.experiment, "mnist", cell.folder(tmp_path), torch.device("cpu")]
    save_json(cell.folder(tmp_path) / "metrics.json", {"score": 0.25, "history": {}})
    assert module.run_cell(cell, tmp_path) == {**cell._asdict(), "score": 0.25}
    assert len(given) == 4  # what is there is not computed again
