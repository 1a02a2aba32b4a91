"""Batches of links against the full batch, one process against two: the same encoder, the same splits.

    python benchmarks/scaling/mini_batch.py

The S-VGAE of the preset ``scalable``, five splits of each citation graph.  The full batch takes one step in an epoch,
so that it has more epochs; batches are of the links that the mask hides.  Further rows say what the mask gains and what
keeping it for five epochs loses.  Scores are of the test links at the epoch of best validation AUC + AP.

An interrupted benchmark goes on where it stopped.  Writes results/mini_batch.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cells import add_common_options, command_line, spread, write_results
from spherical_gae.experiments.seeds import parse_seeds

HERE = Path(__file__).parents[1]
# Links in a batch, and epochs of training in batches.
BATCHES = {"cora": (512, 150), "citeseer": (512, 150), "pubmed": (1024, 60)}
FULL_BATCH_EPOCHS = 300
METHODS = ("full batch", "batches", "batches, 2 processes", "batches, a mask for 5 epochs", "batches, no mask")


class Cell(NamedTuple):
    """One training run."""

    dataset: str
    method: str
    seed: int

    def arguments(self) -> list[str]:
        """What the worker is called with."""
        size, epochs = (0, FULL_BATCH_EPOCHS) if self.method == "full batch" else BATCHES[self.dataset]
        extra = {"batches, a mask for 5 epochs": ["--remask-every", "5"], "batches, no mask": ["--mask-share", "0"]}
        values = {"dataset": self.dataset, "seed": self.seed, "batch-size": size, "epochs": epochs}
        return [text for name, value in values.items() for text in (f"--{name}", str(value))] + extra.get(
            self.method, []
        )

    def path(self, work: Path) -> Path:
        """The result below the folder ``work``."""
        return work / self.dataset / self.method.replace(", ", "_").replace(" ", "-") / f"{self.seed}.json"


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """The cell's result, computed if it is not there."""
    path = cell.path(work)
    if not path.exists():
        launcher = [sys.executable]
        if "2 processes" in cell.method:
            launcher += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        worker = [str(Path(__file__).with_name("mini_batch_worker.py")), *cell.arguments(), "--out", str(path)]
        subprocess.run([*launcher, *worker], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    return {"dataset": cell.dataset, "method": cell.method, **json.loads(path.read_text())}


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: AUC / AP in percent of every method, and the seconds of a run."""
    datasets = [name for name in BATCHES if any(cell["dataset"] == name for cell in cells)]
    yield f"| method | {' | '.join(f'{name}: AUC | AP | seconds' for name in datasets)} |"
    yield "|---" * (1 + 3 * len(datasets)) + "|"
    for method in METHODS:
        columns = []
        for dataset in datasets:
            found = [cell for cell in cells if (cell["dataset"], cell["method"]) == (dataset, method)]
            columns += [spread([100 * cell[name] for cell in found]) for name in ("auc", "ap")] if found else ["", ""]
            columns += [spread([cell["seconds"] for cell in found], 0) if found else ""]
        yield f"| {method} | {' | '.join(columns)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(BATCHES), choices=BATCHES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", default="0-4", help="such as 0-9 or 0,3,5")
    add_common_options(parser, HERE / "work" / "mini_batch", HERE / "results")
    options = parser.parse_args()
    cells = [
        Cell(dataset, method, seed)
        for seed, dataset, method in product(parse_seeds(options.seeds), options.datasets, options.methods)
    ]
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    # The cells of two processes last, one after the other.
    results: dict[Cell, dict[str, Any]] = {}
    for wide, jobs in ((False, options.jobs), (True, 1)):
        chosen = [cell for cell in cells if ("2 processes" in cell.method) == wide]
        with ThreadPoolExecutor(jobs) as pool:
            results |= dict(zip(chosen, pool.map(lambda cell: run_cell(cell, options.work), chosen), strict=True))
    rows = [results[cell] for cell in cells]
    report = {"command": command_line(parser, options, ("datasets", "methods", "seeds")), "cells": rows}
    title = "Test AUC and AP in percent and seconds of a run (on a busy machine), mean ± standard deviation."
    write_results(options.out, "mini_batch", report, [title, "", *table(rows)])


if __name__ == "__main__":
    main()
