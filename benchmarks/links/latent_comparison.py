"""What the sphere is worth: one encoder, decoder and training with five latents, each with a search of its own.

    python benchmarks/links/latent_comparison.py

The presets frontier, frontier-product and ranking are trained with latents that are von Mises-Fisher, projected normal
(one sphere only), a direction without noise, normal, and a plain vector without noise.  Everything else is the same.
Every latent is given the same grid of settings (``GRID``; the KL weight does nothing without noise and is left out
there).  The grid is searched with seed 0 on HeaRT's validation part: by AUC + AP, and the preset ranking, which is for
hard negatives, by HeaRT's MRR.  What wins is trained with every seed on HeaRT's files (one epoch, by validation AUC +
AP) and on our own splits (5% for validation, 10% for the test).  Test values play no part in the search.

Every cell runs on one thread and is written when it is done; an interrupted benchmark continues where it stopped, in a
fresh clone with ``--keep benchmarks/results/latent_comparison.json``.  With HeaRT's files and a preset's own settings
a cell is a run of ``heart.py``; ``--heart benchmarks/results/heart.json`` takes it from there.
Writes results/latent_comparison.json (the search, every seed) and results/latent_comparison.md (the tables).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import ttest_rel

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from benchmarks.links.heart import DATASETS
from benchmarks.links.ranking_methods import heart_tests, shared_tests, train_preset
from spherical_gae.data import load_graph, load_heart, split_links
from spherical_gae.experiments.presets import Preset, load_preset
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
PRESETS = ("frontier", "frontier-product", "ranking")
# The model and the preset's ``latent`` of each row.
LATENTS = {
    "von Mises-Fisher": ("s-vgae", "s"),
    "projected normal": ("s-vgae", "p"),
    "direction, no noise": ("s-vgae", "f"),
    "normal": ("n-vgae", "s"),
    "plain, no noise": ("s-vgae", "plain"),
}
NOISELESS = ("direction, no noise", "plain, no noise")
# What is added to the preset's dropout, and the weight of the KL term.
GRID = tuple(product((0.0, -0.3), (1.0, 0.1)))
SPLITS = ("heart", "own")
METRICS = {"heart": ("auc", "ap", "mrr", "heart_mrr", "heart_hits_at_10"), "own": ("auc", "ap", "mrr")}
# Differences are of the first from each of the others.
REFERENCE = "von Mises-Fisher"


class Cell(NamedTuple):
    """One training run."""

    dataset: str
    preset: str
    latent: str
    setting: int
    split: str
    seed: int

    def path(self, work: Path) -> Path:
        """The cell's result below the folder ``work``."""
        names = (self.preset, self.latent.replace(", ", "_").replace(" ", "_"), f"{self.setting}-{self.split}")
        return work.joinpath(self.dataset, *names, f"{self.seed}.json")

    @property
    def settings(self) -> Preset:
        """The preset with the latent and the setting of the grid."""
        preset = load_preset(self.preset, self.dataset)
        dropout, kl_weight = GRID[self.setting]
        return preset.with_changes(
            latent=LATENTS[self.latent][1],
            dropout=round(max(0.0, preset.dropout + dropout), 2),
            kl_weight=kl_weight,
        )


def settings_of(latent: str) -> list[int]:
    """Numbers of the settings of the grid that differ for this latent."""
    return [number for number, (_, weight) in enumerate(GRID) if latent not in NOISELESS or weight == GRID[0][1]]


def rows(datasets: list[str], presets: list[str]) -> Iterator[tuple[str, str, str]]:
    """Data set, preset and latent of every row: a projected normal has no product of spheres."""
    for dataset, preset, latent in product(datasets, presets, LATENTS):
        if latent != "projected normal" or load_preset(preset, dataset).num_factors == 1:
            yield dataset, preset, latent


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        if cell.split == "heart":
            data = load_heart(cell.dataset)
            split, tests = data.split, heart_tests(data)
        else:
            split = split_links(load_graph(cell.dataset), seed=cell.seed)
            tests = shared_tests(split)
        save_json(result, train_preset(cell.settings, LATENTS[cell.latent][0], split, tests, cell.seed))
    return {**cell._asdict(), **json.loads(result.read_text())}


def search_value(found: dict[str, Any], preset: str) -> float:
    """What the search maximises, of the validation part."""
    val: dict[str, float] = found["val"]
    return val["heart_mrr"] if preset == "ranking" else val["auc"] + val["ap"]


def best_settings(searched: list[dict[str, Any]]) -> dict[tuple[str, str, str], int]:
    """The setting of each row with the best value; of equal ones the first."""
    best: dict[tuple[str, str, str], dict[str, Any]] = {}
    for found in sorted(searched, key=lambda found: int(found["setting"])):
        row = found["dataset"], found["preset"], found["latent"]
        if row not in best or search_value(found, row[1]) > search_value(best[row], row[1]):
            best[row] = found
    return {row: int(found["setting"]) for row, found in best.items()}


def lines(searched: list[dict[str, Any]], trained: list[dict[str, Any]]) -> Iterator[str]:
    """The tables, as markdown."""
    chosen = best_settings(searched)
    for split, names in METRICS.items():
        yield f"## {'HeaRT' if split == 'heart' else 'Our splits'}, test, percent: mean ± standard deviation"
        yield ""
        yield "| data set | preset | latent | dropout | KL weight | seeds | " + " | ".join(names) + " |"
        yield "|---" * (len(names) + 6) + "|"
        for row, setting in chosen.items():
            mine = cells_of(trained, row, split)
            if mine:
                preset = Cell(*row, setting, split, 0).settings
                values = [spread([100 * cell["one_epoch"][name] for cell in mine.values()]) for name in names]
                yield (
                    f"| {' | '.join(row)} | {preset.dropout:g} | {preset.kl_weight:g} | {len(mine)} | "
                    f"{' | '.join(values)} |"
                )
        yield ""
        yield f"Differences of the same seeds, {REFERENCE} minus the other, in points, with p of a paired t-test:"
        yield ""
        yield from differences(trained, list(chosen), split)
        yield ""


def differences(trained: list[dict[str, Any]], chosen: list[tuple[str, str, str]], split: str) -> Iterator[str]:
    """One table of paired differences."""
    names = METRICS[split]
    yield "| data set | preset | other | seeds | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 4) + "|"
    for dataset, preset, latent in chosen:
        first, second = (cells_of(trained, (dataset, preset, name), split) for name in (REFERENCE, latent))
        seeds = sorted(first.keys() & second.keys())
        if latent == REFERENCE or len(seeds) < 2:
            continue
        columns = []
        for name in names:
            a, b = (np.array([100 * cells[seed]["one_epoch"][name] for seed in seeds]) for cells in (first, second))
            columns.append(f"{(a - b).mean():+.2f} (p {ttest_rel(a, b).pvalue:.1g})")
        yield f"| {dataset} | {preset} | {latent} | {len(seeds)} | {' | '.join(columns)} |"


def cells_of(trained: list[dict[str, Any]], row: tuple[str, str, str], split: str) -> dict[int, dict[str, Any]]:
    """The cells of a row by their seed."""
    return {
        found["seed"]: found
        for found in trained
        if (found["dataset"], found["preset"], found["latent"]) == row and found["split"] == split
    }


def restore(results: Path | None, work: Path) -> dict[str, list[dict[str, Any]]]:
    """Puts the cells of a results file into the folder ``work``, where they count as done; returns them."""
    if results is None:
        return {"search": [], "cells": []}
    report = json.loads(results.read_text())
    for entry in (*report["search"], *report["cells"]):
        path = cell_of(entry).path(work)
        if not path.exists():
            save_json(path, {name: value for name, value in entry.items() if name not in Cell._fields})
    return {part: report[part] for part in ("search", "cells")}


def from_heart(cells: list[Cell], results: Path | None, work: Path) -> None:
    """Puts runs of ``heart.py`` into the folder ``work``: at a preset's own settings they are the same runs."""
    if results is None:
        return
    done = {(run["dataset"], run["method"], run["seed"]): run for run in json.loads(results.read_text())["cells"]}
    for cell in cells:
        run = done.get((cell.dataset, f"{cell.preset} {LATENTS[cell.latent][0]}", cell.seed))
        own = cell.split == "heart" and cell.settings == load_preset(cell.preset, cell.dataset)
        if run is not None and own and not cell.path(work).exists():
            save_json(cell.path(work), {name: run[name] for name in ("own_epoch", "val", "epochs", "one_epoch")})


def with_earlier(earlier: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The earlier cells that were not asked for again, and those that were."""
    asked = set(map(cell_of, found))
    return [*(entry for entry in earlier if cell_of(entry) not in asked), *found]


def cell_of(entry: dict[str, Any]) -> Cell:
    """The cell of a result."""
    return Cell(*(entry[name] for name in Cell._fields))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--splits", nargs="+", default=list(SPLITS), choices=SPLITS)
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    parser.add_argument("--heart", type=Path, help="results of heart.py, from which its runs are taken")
    add_common_options(parser, HERE / "work" / "latent_comparison", HERE / "results")
    options = parser.parse_args()

    earlier = restore(options.keep, options.work)
    mine = list(rows(options.datasets, options.presets))
    search = [Cell(*row, setting, "heart", 0) for row in mine for setting in settings_of(row[2])]
    from_heart(search, options.heart, options.work)
    searched = run_cells(present(search, options), partial(run_cell, work=options.work), options.jobs)
    seeds = parse_seeds(options.seeds)
    final = [
        Cell(*row, setting, split, seed)
        for (row, setting), split, seed in product(best_settings(searched).items(), options.splits, seeds)
    ]
    from_heart(final, options.heart, options.work)
    trained = run_cells(present(final, options), partial(run_cell, work=options.work), options.jobs)
    searched, trained = with_earlier(earlier["search"], searched), with_earlier(earlier["cells"], trained)
    command = command_line(parser, options, ("datasets", "presets", "splits", "seeds", "keep", "heart"))
    report = {"command": command, "grid": GRID, "search": searched, "cells": trained}
    write_results(options.out, "latent_comparison", report, lines(searched, trained))


def present(cells: list[Cell], options: argparse.Namespace) -> list[Cell]:
    """All cells, or for a report only those that are there."""
    return [cell for cell in cells if not options.report or cell.path(options.work).exists()]


if __name__ == "__main__":
    main()
