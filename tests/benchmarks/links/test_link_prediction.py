import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cells import restore_cells
from benchmarks.links import heart, hits, link_prediction
from benchmarks.links.link_prediction import METHODS, Cell, cell_of, commands_of, run_cell

CELLS = [
    {"dataset": "cora", "method": "frontier s-vgae, no isolated bucket", "seed": 3, "auc": 0.75},
    {"dataset": "pubmed", "method": "cosine", "seed": 0, "auc": 0.5},
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"cells": CELLS}))
    return path


def test_restored_cells_are_read_not_computed(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_prediction, "run_method", lambda *_: pytest.fail("computed a cell that was there"))
    restore_cells(results, cell_of, tmp_path / "work")
    for entry in CELLS:
        cell = Cell(entry["dataset"], entry["method"], entry["seed"])
        assert run_cell(cell, tmp_path / "work") == entry


def test_restoring_keeps_what_was_computed_here(results: Path, tmp_path: Path) -> None:
    path = Cell("pubmed", "cosine", 0).path(tmp_path / "work")
    path.parent.mkdir(parents=True)
    path.write_text('{"auc": 0.9}')
    restore_cells(results, cell_of, tmp_path / "work")
    assert json.loads(path.read_text()) == {"auc": 0.9}


@pytest.mark.parametrize("script", [heart, hits])
def test_benchmarks_by_ranks_read_restored_cells_too(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "run_method", lambda *_: pytest.fail("computed a cell that was there"))
    entry = {"dataset": "cora", "method": "ranking s-vgae", "seed": 3, "val": {"auc": 0.5}}
    (tmp_path / "results.json").write_text(json.dumps({"cells": [entry]}))
    restore_cells(tmp_path / "results.json", script.cell_of, tmp_path / "work")
    assert script.run_cell(script.cell_of(entry), tmp_path / "work") == entry


def test_cells_have_files_of_their_own(tmp_path: Path) -> None:
    cells = [Cell(d, m, s) for d in link_prediction.DATASETS for m in link_prediction.METHODS for s in (0, 1, 10)]
    assert len({cell.path(tmp_path) for cell in cells}) == len(cells)


def test_the_recorded_command_names_what_was_run() -> None:
    ten = [Cell(d, m, s) for d in ("citeseer", "pubmed") for m in METHODS for s in range(10)]
    twenty = [Cell("cora", m, s) for m in METHODS for s in range(20)]
    command = "python benchmarks/links/link_prediction.py"
    first, second = f"{command} --datasets cora --seeds 0-19", f"{command} --datasets citeseer pubmed"
    assert commands_of(twenty + ten) == f"{first} && {second}"
    everything = [Cell(d, m, s) for d in link_prediction.DATASETS for m in METHODS for s in range(10)]
    assert commands_of(everything) == command
    some = [Cell("cora", "paper s-vgae", s) for s in (1, 4)]
    assert commands_of(some) == f"{command} --datasets cora --methods 'paper s-vgae' --seeds 1,4"


def test_the_recorded_command_gives_no_method_the_seeds_of_another() -> None:
    """It once said --seeds 0-19 of all methods, where two had ten."""
    cells = [Cell("cora", "cosine", s) for s in range(3)] + [Cell("cora", "pyg-gae", s) for s in range(2)]
    command = "python benchmarks/links/link_prediction.py --datasets cora --methods"
    assert commands_of(cells) == f"{command} cosine --seeds 0-2 && {command} pyg-gae --seeds 0-1"
