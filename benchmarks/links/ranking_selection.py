"""How the preset ranking was chosen: one setting at a time, by validation on HeaRT's files.

    python benchmarks/links/ranking_selection.py

Every variant changes the preset in one place and is trained with seed 0 on HeaRT's split.  The table has values of the
validation part only; each metric is that of its own best epoch.  Every cell runs on one thread and is written when it
is done; an interrupted benchmark continues where it stopped.

Writes results/ranking_selection.json (every run) and results/ranking_selection.md (the table).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cells import add_common_options, command_line, kept_cells, run_cells, write_results
from benchmarks.links.heart import DATASETS
from benchmarks.links.ranking_methods import heart_tests, train_preset
from spherical_gae.data import load_heart
from spherical_gae.experiments.presets import load_preset
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
VARIANTS: dict[str, dict[str, Any]] = {
    "ranking": {},
    "no hard negatives": {"hard_negatives": 0},
    "4 hard negatives": {"hard_negatives": 4},
    "16 hard negatives": {"hard_negatives": 16},
    "ranking weight .25": {"ranking_weight": 0.25},
    "ranking weight .75": {"ranking_weight": 0.75},
    "ranking weight 1": {"ranking_weight": 1.0},
    "von Mises-Fisher latents": {"latent": "s"},
    "dropout - .2": {"dropout": -0.2},
    "no masking": {"mask_share": 0.0},
    "mask share .5": {"mask_share": 0.5},
    "1 uniform negative": {"negatives_per_link": 1},
    "no bias by degree": {"degree_buckets": 0},
    "no paths of three links": {"three_paths": False},
    "no isolated bucket": {"isolated_bucket": False},
    "half the width": {"latent_dim": 96},
    "twice the width": {"latent_dim": 384},
}
COLUMNS = {"auc": "AUC", "ap": "AP", "mrr": "MRR", "heart_mrr": "HeaRT MRR", "heart_hits_at_10": "HeaRT Hits@10"}


class Cell(NamedTuple):
    """One training run."""

    dataset: str
    variant: str

    def path(self, work: Path) -> Path:
        """The cell's result below the folder ``work``."""
        return work / self.dataset / f"{self.variant.replace(' ', '_')}.json"


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        preset, data = load_preset("ranking", cell.dataset), load_heart(cell.dataset)
        changes = dict(VARIANTS[cell.variant])
        if "dropout" in changes:
            changes["dropout"] = round(max(0.0, preset.dropout + changes["dropout"]), 2)
        found = train_preset(preset.with_changes(**changes), "s-vgae", data.split, heart_tests(data), seed=0)
        save_json(result, {"val": found["val"], "epochs": found["epochs"]})
    return {**cell._asdict(), **json.loads(result.read_text())}


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The table, as markdown."""
    yield "Validation, in percent."
    yield ""
    yield "| data set | variant | " + " | ".join(COLUMNS.values()) + " |"
    yield "|---" * (len(COLUMNS) + 2) + "|"
    for cell in cells:
        values = [f"{100 * cell['val'][name]:.2f}" for name in COLUMNS]
        yield f"| {cell['dataset']} | {cell['variant']} | {' | '.join(values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS, metavar="VARIANT")
    add_common_options(parser, HERE / "work" / "ranking_selection", HERE / "results")
    options = parser.parse_args()

    cells = [Cell(*names) for names in product(options.datasets, options.variants)]
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    kept = kept_cells(options.keep, lambda entry: Cell(*(entry[name] for name in Cell._fields)), cells)
    results = [*kept, *run_cells(cells, partial(run_cell, work=options.work), options.jobs)]
    command = command_line(parser, options, ("datasets", "variants"))
    write_results(options.out, "ranking_selection", {"command": command, "cells": results}, lines(results))


if __name__ == "__main__":
    main()
