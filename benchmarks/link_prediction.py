"""Link prediction on the citation graphs: test AUC and AP of S-VGAE, N-VGAE and the untrained cosine.

    python benchmarks/link_prediction.py --datasets cora citeseer --seeds 0-9

Protocol: PyG's RandomLinkSplit (5% validation, 10% test), one split and one training run per seed; message passing
on training links only; the epoch of best validation AUC + AP is chosen, the test links are scored at it (and at the
last epoch).  Every cell (data set, preset, method, seed) runs on one thread in a process of its own and is written
when it is done; an interrupted benchmark continues where it stopped, within a cell too.

Writes results/link_prediction.json (every seed) and results/link_prediction.md (the table).
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch_geometric
from tqdm import tqdm

from spherical_gae import __version__
from spherical_gae.cli import parse_seeds
from spherical_gae.data import load_graph, split_links
from spherical_gae.presets import METHODS, available_presets, load_preset
from spherical_gae.training.checkpoint import save_json, write_atomically
from spherical_gae.training.experiment import BASELINE, score_baseline, train_once

HERE = Path(__file__).parent
SCORES = ("auc", "ap", "auc_last", "ap_last")
# Davidson et al. (2018), table 4: mean and standard error over 5 runs, in percent.
PAPER = {
    ("cora", "s-vgae"): ("94.1 ± .1", "94.1 ± .3"),
    ("cora", "n-vgae"): ("92.7 ± .2", "93.2 ± .4"),
    ("citeseer", "s-vgae"): ("94.7 ± .2", "95.2 ± .2"),
    ("citeseer", "n-vgae"): ("90.3 ± .5", "91.5 ± .5"),
    ("pubmed", "s-vgae"): ("96.0 ± .1", "96.0 ± .1"),
    ("pubmed", "n-vgae"): ("97.1 ± .0", "97.1 ± .0"),
}


class Cell(NamedTuple):
    """One number of the table's making; the baseline has no preset."""

    dataset: str
    preset: str
    method: str
    seed: int

    def path(self, work: Path) -> Path:
        """The cell's result below the folder ``work``."""
        return work / self.dataset / self.preset / f"{self.method}-{self.seed}.json"


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        torch.set_num_threads(1)
        split = split_links(load_graph(cell.dataset), seed=cell.seed)
        if cell.method == BASELINE:
            scores: dict[str, Any] = dict(score_baseline(split)._asdict())
        else:
            checkpoint = result.with_suffix(".ckpt")
            _, scores = train_once(
                split, load_preset(cell.preset), cell.method, cell.seed, checkpoint=checkpoint, progress=False
            )
            checkpoint.unlink()
        save_json(result, scores)
    return {**cell._asdict(), **json.loads(result.read_text())}


def all_cells(datasets: list[str], presets: list[str], seeds: tuple[int, ...]) -> list[Cell]:
    trained = [Cell(*values) for values in product(datasets, presets, METHODS, seeds)]
    return [*trained, *(Cell(dataset, "-", BASELINE, seed) for dataset, seed in product(datasets, seeds))]


def format_rows(results: list[dict[str, Any]]) -> list[str]:
    """Markdown rows: mean ± standard deviation over the seeds, in percent."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for entry in results:
        groups.setdefault((entry["dataset"], entry["method"], entry["preset"]), []).append(entry)
    rows = [
        "| data set | method | preset | AUC | AP | AUC, last epoch | AP, last epoch | paper: AUC | AP | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (dataset, method, preset), entries in groups.items():
        columns = []
        for name in SCORES:
            values = 100 * np.array([entry[name] for entry in entries if name in entry])
            spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
            columns.append(f"{values.mean():.2f}{spread}" if len(values) else "")
        paper = PAPER.get((dataset, method), ("", ""))
        rows.append(f"| {' | '.join([dataset, method, preset, *columns, *paper, str(len(entries))])} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["cora", "citeseer"], choices=["cora", "citeseer", "pubmed"])
    parser.add_argument("--presets", nargs="+", default=["gcn", "propagation"], choices=available_presets())
    parser.add_argument("--seeds", type=parse_seeds, default="0-9", help="such as 0-9 or 0,3,5")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--work", type=Path, default=HERE / "work" / "link_prediction", help="where cells are kept")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the results go")
    options = parser.parse_args()

    cells = all_cells(options.datasets, options.presets, options.seeds)
    results: dict[Cell, dict[str, Any]] = {}
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_cell, cell, options.work): cell for cell in cells}
        for future in tqdm(as_completed(futures), total=len(cells), desc="cells"):
            results[futures[future]] = future.result()

    ordered = [results[cell] for cell in cells]
    rows = format_rows(ordered)
    seeds = f"{options.seeds[0]}-{options.seeds[-1]}" if len(options.seeds) > 1 else str(options.seeds[0])
    command = (
        f"python benchmarks/link_prediction.py --datasets {' '.join(options.datasets)} "
        f"--presets {' '.join(options.presets)} --seeds {seeds}"
    )
    versions = {
        "spherical_gae": __version__,
        "torch": torch.__version__,
        "torch_geometric": torch_geometric.__version__,
    }
    save_json(
        options.out / "link_prediction.json",
        {"command": command, "versions": {**versions, "python": platform.python_version()}, "cells": ordered},
    )
    text = f"Made by `{command}`.\n\n" + "\n".join(rows) + "\n"
    write_atomically(options.out / "link_prediction.md", lambda file: file.write(text.encode()))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
