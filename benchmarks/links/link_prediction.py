"""Link prediction on the citation graphs: every method, every data set, every seed, one command.

    python benchmarks/links/link_prediction.py

Protocol: PyG's RandomLinkSplit (5% validation, 10% test), one split and one training run per seed; message passing
on training links only; the epoch of best validation AUC + AP is chosen, the test links are scored at it (and at the
last epoch).  Every cell (data set, method, seed) runs on one thread in a process of its own and is written when it is
done; an interrupted benchmark continues where it stopped, within a cell too (``--keep results/link_prediction.json`` in
a fresh clone).  One cell again, to the last digit:

    python benchmarks/links/link_prediction.py --datasets cora --methods "frontier s-vgae" --seeds 3 --work W --out O

Writes results/link_prediction.json (every seed) and results/link_prediction.md (the tables).
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch_geometric
from tqdm import tqdm

from benchmarks.cells import restore_cells
from benchmarks.links.methods import METHODS, run_method
from benchmarks.links.report import MAIN_COLUMNS, MORE_COLUMNS, comparisons, group, paper_table, table
from spherical_gae import __version__
from spherical_gae.data import load_graph, split_links
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json, write_atomically
from spherical_gae.training.jobs import in_jobs

HERE = Path(__file__).parents[1]
DATASETS = ("cora", "citeseer", "pubmed")


class Cell(NamedTuple):
    """One number of the table's making."""

    dataset: str
    method: str
    seed: int

    def path(self, work: Path) -> Path:
        """The cell's result below the folder ``work``."""
        return work / self.dataset / self.method.replace(" ", "_").replace(",", "") / f"{self.seed}.json"


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        torch.set_num_threads(1)
        split = split_links(load_graph(cell.dataset), seed=cell.seed)
        scores = run_method(cell.method, cell.dataset, split, cell.seed, result.with_suffix(".ckpt"))
        save_json(result, scores)
    return {**cell._asdict(), **json.loads(result.read_text())}


def cell_of(entry: dict[str, Any]) -> Cell:
    """The cell of a result."""
    return Cell(*(entry[name] for name in Cell._fields))


def report(cells: list[dict[str, Any]], command: str) -> str:
    """The tables, as markdown."""
    results = group(cells)
    parts = (
        (
            "Test scores in percent: mean ± standard deviation (standard error) over the seeds",
            table(results, MAIN_COLUMNS),
        ),
        ("The paper's table 4", paper_table(results)),
        ("Ranking, connected pairs, calibration", table(results, MORE_COLUMNS)),
        ("Paired differences, first minus second, in points", comparisons(results)),
    )
    sections = (f"## {title}\n\n" + "\n".join(lines) for title, lines in parts)
    return (
        f"Made by `{command}`. What the columns mean: docs/results/link_prediction.md.\n\n"
        + "\n\n".join(sections)
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="METHOD")
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--work", type=Path, default=HERE / "work" / "link_prediction", help="where cells are kept")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the results go")
    parser.add_argument("--keep", type=Path, help="results of an earlier run, whose cells are not computed again")
    parser.add_argument("--report", action="store_true", help="compute nothing, report the cells that are there")
    options = parser.parse_args()

    cells = [Cell(*values) for values in product(options.datasets, options.methods, parse_seeds(options.seeds))]
    restore_cells(options.keep, cell_of, options.work)
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    found = in_jobs(partial(run_cell, work=options.work), cells, options.jobs) if cells else ()
    results = {cell_of(entry): entry for entry in tqdm(found, total=len(cells), desc="cells")}

    ordered = [results[cell] for cell in cells]
    command = commands_of(cells)
    versions = {
        "spherical_gae": __version__,
        "torch": torch.__version__,
        "torch_geometric": torch_geometric.__version__,
        "python": platform.python_version(),
    }
    save_json(options.out / "link_prediction.json", {"command": command, "versions": versions, "cells": ordered})
    text = report(ordered, command)
    write_atomically(options.out / "link_prediction.md", lambda file: file.write(text.encode()))
    sys.stdout.write(text)


def commands_of(cells: list[Cell]) -> str:
    """The commands that make exactly these cells: one for all that data sets and methods have in common."""
    seeds_of: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        seeds_of.setdefault((cell.dataset, cell.method), []).append(cell.seed)
    methods_of: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for (dataset, method), seeds in seeds_of.items():
        methods_of.setdefault((dataset, tuple(sorted(seeds))), []).append(method)
    datasets_of: dict[str, list[str]] = {}
    for (dataset, chosen), methods in methods_of.items():
        datasets_of.setdefault(_selection(methods, list(chosen)), []).append(dataset)
    commands = []
    for selection, datasets in datasets_of.items():
        restriction = "" if datasets == list(DATASETS) else f" --datasets {' '.join(datasets)}"
        commands.append(f"python benchmarks/links/link_prediction.py{restriction}{selection}")
    return " && ".join(commands)


def _selection(methods: list[str], seeds: list[int]) -> str:
    """The options for methods and seeds, where they are not the defaults."""
    selection = "" if methods == list(METHODS) else f" --methods {shlex.join(methods)}"
    if seeds == list(range(10)):
        return selection
    consecutive = len(seeds) > 1 and seeds == list(range(seeds[0], seeds[-1] + 1))
    return f"{selection} --seeds {f'{seeds[0]}-{seeds[-1]}' if consecutive else ','.join(map(str, seeds))}"


if __name__ == "__main__":
    main()
