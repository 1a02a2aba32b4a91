"""MNIST with 100 labels, M1+M2 trained end to end: the paper's table 3.

    python benchmarks/mnist_semi_supervised.py

Protocol (Davidson et al. 2018, section 5.3 and appendix F.2): one hidden layer of 500 units in each network, ReLU, Adam
at 1e-3, batches of 100, binarised anew; 100 labelled images, ten of each class, of the 50,000 training images; training
ends when the accuracy on the 10,000 validation images has not risen for 50 epochs, and the weights of the best epoch
are tested.

Every cell (latents, dimensions, seed) runs on one thread in a process of its own; an interrupted benchmark goes on
where it stopped, within a cell too.  Writes results/mnist_semi_supervised.json (every cell) and .md (the table).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from cells import add_common_options, command_line, run_cells, run_experiment, spread, write_results

from spherical_gae.cli import parse_seeds
from spherical_gae.training.image_experiment import M1M2Experiment
from spherical_gae.training.semi_supervised import SemiSupervisedConfig

HERE = Path(__file__).parent
WORK = HERE / "work" / "m1m2"
LATENTS = ("n+n", "s+s", "s+n")
# Table 3 of the paper: accuracy in %, mean ± standard error; N+N, S+S, S+N.
PAPER = {
    "5,5": ("90.0 ± .4", "94.0 ± .1", "93.8 ± .1"),
    "5,10": ("90.7 ± .3", "94.1 ± .1", "94.8 ± .2"),
    "5,50": ("90.7 ± .1", "92.7 ± .2", "93.0 ± .1"),
    "10,5": ("90.7 ± .3", "91.7 ± .5", "94.0 ± .4"),
    "10,10": ("92.2 ± .1", "96.0 ± .2", "95.9 ± .3"),
    "10,50": ("92.9 ± .4", "95.1 ± .2", "95.7 ± .1"),
    "50,5": ("92.0 ± .2", "91.7 ± .4", "95.8 ± .1"),
    "50,10": ("93.0 ± .1", "95.8 ± .1", "97.1 ± .1"),
    "50,50": ("93.2 ± .2", "94.2 ± .1", "97.4 ± .1"),
}


class Cell(NamedTuple):
    """One trained model."""

    latents: str
    dims: str
    seed: int

    @property
    def experiment(self) -> M1M2Experiment:
        """What is run."""
        (latent1, latent2), (dim1, dim2) = self.latents.split("+"), map(int, self.dims.split(","))
        return M1M2Experiment("mnist", self.seed, latent1, latent2, dim1, dim2)

    def folder(self, work: Path) -> Path:
        """The cell's run folder below the folder ``work``."""
        return work / f"{self.latents}-{self.dims.replace(',', '-')}" / str(self.seed)


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """The cell's result, computed if it is not there."""
    return {**cell._asdict(), **run_experiment(cell.experiment, cell.folder(work))}


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: each pair of dimensions, here and in the paper."""
    names = [latents.upper() for latents in LATENTS]
    yield f"| dim z1, dim z2 | {' | '.join(names)} | {' | '.join(f'paper: {name}' for name in names)} |"
    yield "|---" * (1 + 2 * len(names)) + "|"
    for dims, published in PAPER.items():
        found = [
            [100 * cell["accuracy"] for cell in cells if (cell["latents"], cell["dims"]) == (latents, dims)]
            for latents in LATENTS
        ]
        if any(found):
            here = (f"{spread(values, 1)} (n = {len(values)})" if values else "" for values in found)
            yield f"| {dims} | {' | '.join(here)} | {' | '.join(published)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latents", nargs="+", default=list(LATENTS), choices=LATENTS)
    parser.add_argument("--dims", nargs="+", default=list(PAPER), choices=PAPER, metavar="D1,D2")
    parser.add_argument("--seeds", default="0-2", help="such as 0-9 or 0,3,5")
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    cells = [Cell(*values) for values in product(options.latents, options.dims, parse_seeds(options.seeds))]
    # A seed of everything first.
    cells.sort(key=lambda cell: cell.seed)
    if options.report:
        cells = [cell for cell in cells if (cell.folder(options.work) / "metrics.json").exists()]
    results = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {
        "command": command_line(parser, options, ("latents", "dims", "seeds")),
        "config": asdict(SemiSupervisedConfig()),
        "cells": results,
    }
    title = "Test accuracy in percent, mean ± standard deviation over n seeds, each with its own 100 labels."
    write_results(options.out, "mnist_semi_supervised", report, [title, "", *table(results)])


if __name__ == "__main__":
    main()
