"""The HeaRT benchmark: Cora, CiteSeer and PubMed on its own splits, negatives and formulas.

    python benchmarks/links/heart.py

Message passing sees the training links only.  Every trained method is validated at about 20 epochs.  In the first
tables each metric is that of the epoch with its own best validation value, as in the benchmark; in the second all are
those of one epoch, that of the best validation AUC + AP.  The split is fixed; seeds are those of training.  Every cell
(data set, method, seed) runs on one thread and is written when it is done; an interrupted benchmark continues where it
stopped (``--keep results/heart.json`` in a fresh clone).

Writes results/heart.json (every seed) and results/heart.md (the tables).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.cells import (
    add_common_options,
    command_line,
    kept_cells,
    restore_cells,
    run_cells,
    spread,
    write_results,
)
from benchmarks.links.link_prediction import Cell, cell_of
from benchmarks.links.ranking_methods import METHODS, UNTRAINED, heart_tests, run_method
from spherical_gae.data import load_heart
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
DATASETS = ("cora", "citeseer", "pubmed")
EXISTING = {
    "auc": "AUC",
    "ap": "AP",
    "mrr": "MRR",
    "hits_at_1": "Hits@1",
    "hits_at_3": "Hits@3",
    "hits_at_10": "Hits@10",
    "hits_at_100": "Hits@100",
}
HARD = {
    "heart_mrr": "MRR",
    "heart_hits_at_1": "Hits@1",
    "heart_hits_at_3": "Hits@3",
    "heart_hits_at_10": "Hits@10",
    "heart_hits_at_20": "Hits@20",
    "heart_hits_at_100": "Hits@100",
}
# The best published figures on these files (Li et al. 2023; LPFormer, Shomer et al. 2024), in percent.
PUBLISHED = {
    "cora": {
        "auc": "96.90 (NCNC)",
        "mrr": "39.42 (LPFormer), 37.69 (NBFNet), 29.98 (GAE)",
        "heart_mrr": "18.32 (GAE)",
        "heart_hits_at_10": "37.95 (GAE)",
    },
    "citeseer": {
        "auc": "97.65 (NCNC)",
        "mrr": "65.42 (LPFormer), 64.03 (NCNC), 63.33 (GAE)",
        "heart_mrr": "28.65 (NCN), 24.10 (NCNC)",
        "heart_hits_at_10": "53.41 (NCN), 53.72 (NCNC)",
    },
    "pubmed": {
        "auc": "99.14 (NCNC)",
        "mrr": "44.73 (NBFNet), 40.17 (LPFormer), 22.74 (SAGE)",
        "heart_mrr": "9.99 (LPFormer), 9.40 (SAGE)",
        "heart_hits_at_10": "20.54 (SAGE)",
    },
}


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        data = load_heart(cell.dataset)
        save_json(result, run_method(cell.method, data.split, heart_tests(data), cell.seed))
    return {**cell._asdict(), **json.loads(result.read_text())}


def chosen_cells(datasets: list[str], methods: list[str], seeds: tuple[int, ...]) -> list[Cell]:
    """The cells; what is not trained has no seed but the first."""
    cells = (Cell(*values) for values in product(datasets, methods, seeds))
    return [cell for cell in cells if cell.method not in UNTRAINED or cell.seed == seeds[0]]


def sorted_cells(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells in the order of the data sets, of the methods and of the seeds."""
    return sorted(
        cells, key=lambda cell: (DATASETS.index(cell["dataset"]), METHODS.index(cell["method"]), cell["seed"])
    )


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The tables, as markdown."""
    for dataset in dict.fromkeys(cell["dataset"] for cell in cells):
        mine = [cell for cell in cells if cell["dataset"] == dataset]
        for selection, of_what in (("own_epoch", "each metric by its own validation"), ("one_epoch", "one epoch")):
            for setting, columns in (("existing setting", EXISTING), ("HeaRT's hard negatives", HARD)):
                yield f"## {dataset}, {setting}, {of_what}"
                yield ""
                yield from table(mine, selection, columns)
                if selection == "own_epoch":
                    best = [PUBLISHED[dataset].get(name, "") for name in columns]
                    yield f"| best published | | {' | '.join(best)} | |"
                yield ""


def table(cells: list[dict[str, Any]], selection: str, columns: dict[str, str]) -> Iterator[str]:
    """One table: mean ± standard deviation over the seeds, in percent, and the mean of the seconds of a cell."""
    yield "| method | seeds | " + " | ".join(columns.values()) + " | seconds |"
    yield "|---" * (len(columns) + 3) + "|"
    for method in dict.fromkeys(cell["method"] for cell in cells):
        mine = [cell for cell in cells if cell["method"] == method]
        values = [spread([100 * cell[selection][name] for cell in mine]) for name in columns]
        seconds = sum(cell["cpu_seconds"] for cell in mine) / len(mine)
        yield f"| {method} | {len(mine)} | {' | '.join(values)} | {seconds:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="METHOD")
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    add_common_options(parser, HERE / "work" / "heart", HERE / "results")
    options = parser.parse_args()

    cells = chosen_cells(options.datasets, options.methods, parse_seeds(options.seeds))
    restore_cells(options.keep, cell_of, options.work)
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    kept = kept_cells(options.keep, cell_of, cells)
    found = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    results = sorted_cells([*kept, *found])
    command = command_line(parser, options, ("datasets", "methods", "seeds"))
    write_results(options.out, "heart", {"command": command, "cells": results}, lines(results))


if __name__ == "__main__":
    main()
