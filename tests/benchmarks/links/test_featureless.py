"""Which ways are compared on networks without features, and by how much they differ."""

import json
from pathlib import Path

from benchmarks.links.featureless import METHODS, Cell, lines, run_cell
from spherical_gae.training.checkpoint import save_json


def test_the_difference_is_to_the_best_of_the_others_on_common_seeds() -> None:
    auc = {"default": 0.8, "hash": 0.7, "spectral": 0.85, "narrow hash": 0.6}
    cells = [
        {"network": "NS", "method": method, "seed": seed, "auc": auc[method], "ap": 0.5, "features": "hash"}
        for method in METHODS
        for seed in (0, 1)
    ]
    # A seed that only one has does not count.
    cells.append({**cells[0], "seed": 2, "auc": 0.1})
    rows = list(lines(cells))
    assert rows[-1] == ("| NS | 2 | 80.00 ± 0.00 | 70.00 ± 0.00 | 85.00 ± 0.00 | 60.00 ± 0.00 | -5.00 |")
    assert any(row.startswith("| NS | 3 | hash 3 | 56.67") for row in rows)


def test_what_the_default_chose_is_not_trained_again(tmp_path: Path) -> None:
    chosen = {"auc": 0.9, "ap": 0.8, "features": "spectral", "best_epoch": 7}
    save_json(Cell("NS", "default", 3).path(tmp_path), chosen)
    cell = Cell("NS", "spectral", 3)
    assert run_cell(cell, tmp_path) == {**chosen, **cell._asdict()}
    assert json.loads(cell.path(tmp_path).read_text()) == chosen
