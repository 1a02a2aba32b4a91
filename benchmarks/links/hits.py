"""Hits@20, @50 and @100 on splits by chance: Cora, CiteSeer and PubMed, 70% of the links for training.

    python benchmarks/links/hits.py

Protocol of NCN (Wang et al. 2024) and Refined-GAE (2025): 10% of the links for validation, 20% for the test, one split
and one training run per seed, message passing on training links only.  Hits@k is the share of the test links strictly
above the k-th best of the test negatives, which are as many as the test links, uniform among unlinked pairs.  Each
metric is that of the epoch with its own best validation value, of about 20 epochs that are validated.  Every cell (data
set, method, seed) runs on one thread and is written when it is done; an interrupted benchmark continues where it
stopped (``--keep results/hits.json`` in a fresh clone).

Writes results/hits.json (every seed) and results/hits.md (the tables).
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
    write_results,
)
from benchmarks.links.heart import DATASETS, sorted_cells, table
from benchmarks.links.link_prediction import Cell
from benchmarks.links.ranking_methods import METHODS, run_method, shared_tests
from spherical_gae.data import load_graph, split_links
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
VAL, TEST = 0.1, 0.2
COLUMNS = {"hits_at_20": "Hits@20", "hits_at_50": "Hits@50", "hits_at_100": "Hits@100", "auc": "AUC", "mrr": "MRR"}
# Hits@100 in percent, mean over ten splits, as Refined-GAE (2025) reports them.
PUBLISHED = {
    "Refined-GAE": {"cora": 88.17, "citeseer": 92.40, "pubmed": 80.09},
    "NCN": {"cora": 89.05, "citeseer": 91.56, "pubmed": 79.05},
    "BUDDY": {"cora": 88.00, "citeseer": 92.93, "pubmed": 74.10},
    "GAE": {"cora": 66.8, "citeseer": 67.1, "pubmed": 53.0},
}


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        split = split_links(load_graph(cell.dataset), VAL, TEST, seed=cell.seed)
        save_json(result, run_method(cell.method, split, shared_tests(split), cell.seed))
    return {**cell._asdict(), **json.loads(result.read_text())}


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The tables, as markdown."""
    for dataset in dict.fromkeys(cell["dataset"] for cell in cells):
        yield f"## {dataset}"
        yield ""
        yield from table([cell for cell in cells if cell["dataset"] == dataset], "own_epoch", COLUMNS)
        for method, found in PUBLISHED.items():
            yield f"| {method}, published | 10 | | | {found[dataset]:.2f} | | | |"
        yield ""


def cell_of(entry: dict[str, Any]) -> Cell:
    """The cell of a result."""
    return Cell(*(entry[name] for name in Cell._fields))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="METHOD")
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    add_common_options(parser, HERE / "work" / "hits", HERE / "results")
    options = parser.parse_args()

    cells = [Cell(*values) for values in product(options.datasets, options.methods, parse_seeds(options.seeds))]
    restore_cells(options.keep, cell_of, options.work)
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    kept = kept_cells(options.keep, cell_of, cells)
    found = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    results = sorted_cells([*kept, *found])
    command = command_line(parser, options, ("datasets", "methods", "seeds"))
    write_results(options.out, "hits", {"command": command, "cells": results}, lines(results))


if __name__ == "__main__":
    main()
