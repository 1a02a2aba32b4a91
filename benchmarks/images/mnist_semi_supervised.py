"""MNIST with 100 labels, M1+M2 trained end to end: the paper's table 3.

    python benchmarks/images/mnist_semi_supervised.py
    python benchmarks/images/mnist_semi_supervised.py --latents p+p --keep results/mnist_semi_supervised.json
    python benchmarks/images/mnist_semi_supervised.py --way pretrained --dims 10,10 --seeds 0

Protocol (Davidson et al. 2018, section 5.3 and appendix F.2): one hidden layer of 500 units in each network, ReLU, Adam
at 1e-3, batches of 100, binarised anew; 100 labelled images, ten of each class, of the 50,000 training images; training
ends when the accuracy on the 10,000 validation images has not risen for 50 epochs, and the weights of the best epoch
are tested.  That is the way "paper"; projected normal z_1, which the paper does not have, are decoded from sqrt(m) z_1.
"pretrained" is ours: z_1's autoencoder is trained alone for 30 epochs, as an S-VAE or N-VAE, before all is trained
together, and every spherical z_1 is decoded from sqrt(m) z_1.  N is normal, S von Mises-Fisher, P projected normal, SP
a product of spheres S^2, of the dimension of the sphere that it replaces.

Every cell (latents, dimensions, seed, way) runs on one thread in a process of its own; an interrupted benchmark goes on
where it stopped, within a cell too.  Writes results/mnist_semi_supervised.json (every cell) and .md (the table), or
mnist_semi_supervised_pretrained.*.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cells import (
    add_common_options,
    command_line,
    kept_cells,
    run_cells,
    run_experiment,
    spread,
    write_results,
)
from spherical_gae.experiments.images import M1M2Experiment
from spherical_gae.experiments.seeds import parse_seeds

HERE = Path(__file__).parents[1]
WORK = HERE / "work" / "m1m2"
LATENTS = ("n+n", "s+s", "s+n")
# With projected normal latents.
PROJECTED = ("p+p", "s+p", "p+n")
WAYS = {"paper": (*LATENTS, *PROJECTED), "pretrained": (*LATENTS, "s+sp", "p+p")}
FIRST_STAGE_EPOCHS = 30
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
    way: str = "paper"

    @property
    def experiment(self) -> M1M2Experiment:
        """What is run."""
        (latent1, latent2), (dim1, dim2) = self.latents.split("+"), map(int, self.dims.split(","))
        paper = M1M2Experiment("mnist", self.seed, latent1, latent2, dim1, dim2, scaled_latent=latent1 == "p")
        if self.way == "paper":
            return paper
        return replace(paper, first_stage_epochs=FIRST_STAGE_EPOCHS, scaled_latent=latent1 != "n")

    def folder(self, work: Path) -> Path:
        """The cell's run folder below the folder ``work``."""
        way = "" if self.way == "paper" else f"-{self.way}"
        return work / f"{self.latents}-{self.dims.replace(',', '-')}{way}" / str(self.seed)


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """The cell's result, computed if it is not there."""
    return {**cell._asdict(), **run_experiment(cell.experiment, cell.folder(work))}


def cell_of(entry: dict[str, Any]) -> Cell:
    """The cell of a result; those of the paper's way may say nothing of it."""
    return Cell(entry["latents"], entry["dims"], entry["seed"], entry.get("way", "paper"))


def table(cells: Sequence[dict[str, Any]], latents: Sequence[str] = LATENTS) -> Iterator[str]:
    """Markdown lines: each pair of dimensions, here with the given latents and in the paper with its own."""
    here, paper = ([name.upper() for name in names] for names in (latents, LATENTS))
    yield f"| dim z1, dim z2 | {' | '.join(here)} | {' | '.join(f'paper: {name}' for name in paper)} |"
    yield "|---" * (1 + len(here) + len(paper)) + "|"
    for dims, published in PAPER.items():
        found = [
            [100 * cell["accuracy"] for cell in cells if (cell["latents"], cell["dims"]) == (name, dims)]
            for name in latents
        ]
        if any(found):
            shown = (f"{spread(values, 1)} (n = {len(values)})" if values else "" for values in found)
            yield f"| {dims} | {' | '.join(shown)} | {' | '.join(published)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latents", nargs="+", choices=[*LATENTS, *PROJECTED, "s+sp"], help="default: all of the way")
    parser.add_argument("--dims", nargs="+", default=list(PAPER), choices=PAPER, metavar="D1,D2")
    parser.add_argument("--seeds", default="0-2", help="such as 0-9 or 0,3,5")
    parser.add_argument("--way", default="paper", choices=WAYS)
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    latents = options.latents or WAYS[options.way]
    cells = [Cell(*values) for values in product(latents, options.dims, parse_seeds(options.seeds), [options.way])]
    # A seed of everything first.
    cells.sort(key=lambda cell: cell.seed)
    if options.report:
        cells = [cell for cell in cells if (cell.folder(options.work) / "metrics.json").exists()]
    kept = kept_cells(options.keep, cell_of, cells)
    results = kept + run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {
        "command": command_line(parser, options, ("latents", "dims", "seeds", "way", "keep")),
        "config": asdict(Cell(LATENTS[0], "10,10", 0, options.way).experiment.training),
        "cells": results,
    }
    title = "Test accuracy in percent, mean ± standard deviation over n seeds, each with its own 100 labels."
    name = "mnist_semi_supervised" + ("" if options.way == "paper" else f"_{options.way}")
    write_results(options.out, name, report, [title, "", *table(results, WAYS[options.way])])


if __name__ == "__main__":
    main()
