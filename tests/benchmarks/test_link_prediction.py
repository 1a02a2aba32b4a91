import json
from pathlib import Path

import link_prediction
import pytest
from link_prediction import Cell, restore_cells, run_cell

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
    restore_cells(results, tmp_path / "work")
    for entry in CELLS:
        cell = Cell(entry["dataset"], entry["method"], entry["seed"])
        assert run_cell(cell, tmp_path / "work") == entry


def test_restoring_keeps_what_was_computed_here(results: Path, tmp_path: Path) -> None:
    path = Cell("pubmed", "cosine", 0).path(tmp_path / "work")
    path.parent.mkdir(parents=True)
    path.write_text('{"auc": 0.9}')
    restore_cells(results, tmp_path / "work")
    assert json.loads(path.read_text()) == {"auc": 0.9}


def test_cells_have_files_of_their_own(tmp_path: Path) -> None:
    cells = [Cell(d, m, s) for d in link_prediction.DATASETS for m in link_prediction.METHODS for s in (0, 1, 10)]
    assert len({cell.path(tmp_path) for cell in cells}) == len(cells)
