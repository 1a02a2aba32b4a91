"""MNIST without labels: the paper's table 1, S-VAE and N-VAE in five dimensions, and other spherical latents.

    python benchmarks/images/mnist_unsupervised.py
    python benchmarks/images/mnist_unsupervised.py --models p-vae --seeds 0-2 --keep results/mnist_unsupervised.json
    python benchmarks/images/mnist_unsupervised.py --way 60-epochs --models p-vae n-vae s-vae --seeds 0-2
    python benchmarks/images/mnist_unsupervised.py --way mixture --models p-vae --dims 40 --seeds 0
    python benchmarks/images/mnist_unsupervised.py --way averaged --models s-vae --dims 20 40 --seeds 0
    python benchmarks/images/mnist_unsupervised.py --way no-warm-up --models n-vae --dims 40 --seeds 0

Protocol (Davidson et al. 2018, section 5.2 and appendix F.1): 784-256-128 and back, ReLU; Adam at 1e-3, batches of
64, binarised anew; the weight of the KL term grows linearly over 100 epochs; training ends when the bound on the 10,000
validation images has not risen for 50 epochs, and the weights of the best epoch are tested.  LL is the log-likelihood
by importance sampling with 500 samples, L[q] the bound, RE the reconstruction term, all on the 10,000 test images,
binarised once.  That is the way "paper".  "averaged" is ours: a moving average of the weights (decay .9999) is
validated and tested, and the S-VAE's decoder sees sqrt(m) z.  "no-warm-up" gives the KL term its full weight at once.
"60-epochs" compares latents in a tenth of the paper's time: 60 epochs for every model, a warm-up of 10, a moving
average of the weights (decay .999), and decoders of spherical latents see sqrt(m) z, as long as normal latents are.
"mixture" is "averaged" with a warm-up of 20 epochs, 240 epochs in all, a learned mixture prior of 100 components and 5
importance samples for each image in training; its bound is with one sample, as all others.

Models: the S-VAE has von Mises-Fisher latents, the N-VAE normal ones; p-vae is the S-VAE with projected normal, ps-vae
with Power Spherical and sc-vae with spherical Cauchy latents.

Every cell (model, dimension, seed, way) runs on one thread in a process of its own; an interrupted benchmark goes on
where it stopped, within a cell too.  The weights stay in ``--work``, where mnist_knn.py and figures.py find them.
``--keep`` adds new cells to a table (in the folder of the results).
Writes results/mnist_unsupervised.json (every cell) and .md (the table), or with the way's name behind an underscore.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
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
from spherical_gae.experiments.images import VAEExperiment
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.images.batches import VAEConfig

HERE = Path(__file__).parents[1]
WORK = HERE / "work" / "mnist"
DIMS = (2, 5, 10, 20, 40)
# Table 1 of the paper: LL, L[q], RE, KL; mean ± standard deviation of 10 runs.
PAPER = {
    ("n-vae", 2): "-135.73 ± .83 | -137.08 ± .83 | -129.84 ± .91 | 7.24 ± .11",
    ("s-vae", 2): "-132.50 ± .73 | -133.72 ± .85 | -126.43 ± .91 | 7.28 ± .14",
    ("n-vae", 5): "-110.21 ± .21 | -112.98 ± .21 | -100.16 ± .22 | 12.82 ± .11",
    ("s-vae", 5): "-108.43 ± .09 | -111.19 ± .08 | -97.84 ± .13 | 13.35 ± .06",
    ("n-vae", 10): "-93.84 ± .30 | -98.36 ± .30 | -78.93 ± .30 | 19.44 ± .14",
    ("s-vae", 10): "-93.16 ± .31 | -97.70 ± .32 | -77.03 ± .39 | 20.67 ± .08",
    ("n-vae", 20): "-88.90 ± .26 | -94.79 ± .19 | -71.29 ± .45 | 23.50 ± .31",
    ("s-vae", 20): "-89.02 ± .31 | -96.15 ± .32 | -67.65 ± .43 | 28.50 ± .22",
    ("n-vae", 40): "-88.93 ± .30 | -94.91 ± .18 | -71.14 ± .56 | 23.77 ± .49",
    ("s-vae", 40): "-90.87 ± .34 | -101.26 ± .33 | -67.75 ± .70 | 33.50 ± .45",
}
WAYS = {
    "paper": VAEConfig(),
    "averaged": VAEConfig(weight_average=0.9999),
    "no-warm-up": VAEConfig(warm_up=0),
    "60-epochs": VAEConfig(warm_up=10, weight_average=0.999, look_ahead=60, max_epochs=60),
    "mixture": VAEConfig(warm_up=20, weight_average=0.9999, look_ahead=240, max_epochs=240, num_samples=5),
}
SCALED = ("averaged", "60-epochs", "mixture")
MODELS = {
    "s-vae": ("s-vae", "s"),
    "n-vae": ("n-vae", "s"),
    "p-vae": ("s-vae", "p"),
    "ps-vae": ("s-vae", "ps"),
    "sc-vae": ("s-vae", "sc"),
}
PRIOR_COMPONENTS = 100
COLUMNS = {"log_likelihood": "LL", "bound": "L[q]", "reconstruction": "RE", "kl": "KL"}


class Cell(NamedTuple):
    """One trained model."""

    model: str
    dim: int
    seed: int
    way: str = "paper"

    @property
    def experiment(self) -> VAEExperiment:
        """What is run."""
        model, latent = MODELS[self.model]
        return VAEExperiment(
            "mnist",
            self.seed,
            model,
            self.dim,
            scaled_latent=self.way in SCALED and model == "s-vae",
            training=WAYS[self.way],
            latent=latent,
            prior_components=PRIOR_COMPONENTS if self.way == "mixture" else 0,
        )

    def folder(self, work: Path) -> Path:
        """The cell's run folder below the folder ``work``."""
        return work / f"{self.model}-{self.dim}{suffix(self.way, '-')}" / str(self.seed)


def suffix(way: str, separator: str = "_") -> str:
    """What names of files and folders end in: nothing for the paper's way."""
    return "" if way == "paper" else separator + way


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """The cell's result, computed if it is not there."""
    return {**cell._asdict(), **run_experiment(cell.experiment, cell.folder(work))}


def cell_of(entry: dict[str, Any]) -> Cell:
    """The cell of a result; those of the paper's way may say nothing of it."""
    return Cell(entry["model"], entry["dim"], entry["seed"], entry.get("way", "paper"))


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: each dimension and model, here and in the paper."""
    names = list(COLUMNS.values())
    yield f"| d | model | seeds | {' | '.join(names)} | {' | '.join(f'paper: {name}' for name in names)} |"
    yield "|---" * (3 + 2 * len(names)) + "|"
    for dim, model in product(DIMS, MODELS):
        published = PAPER.get((model, dim), " | ".join(["-"] * len(names)))
        found = [cell for cell in cells if (cell["model"], cell["dim"]) == (model, dim)]
        if found:
            values = (spread([cell[name] for cell in found]) for name in COLUMNS)
            yield f"| {dim} | {model.upper()} | {len(found)} | {' | '.join(values)} | {published} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["s-vae", "n-vae"], choices=MODELS)
    parser.add_argument("--dims", nargs="+", type=int, default=list(DIMS), choices=DIMS)
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    parser.add_argument("--way", default="paper", choices=WAYS)
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    chosen = product(options.models, options.dims, parse_seeds(options.seeds), [options.way])
    cells = [Cell(*values) for values in chosen]
    # A seed of everything first.
    cells.sort(key=lambda cell: (cell.seed, cell.dim))
    if options.report:
        cells = [cell for cell in cells if (cell.folder(options.work) / "metrics.json").exists()]
    kept = kept_cells(options.keep, cell_of, cells)
    results = kept + run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {
        "command": command_line(parser, options, ("models", "dims", "seeds", "way", "keep")),
        "config": asdict(WAYS[options.way]),
        "cells": results,
    }
    title = "Nats per image, mean ± standard deviation over the seeds."
    write_results(options.out, "mnist_unsupervised" + suffix(options.way), report, [title, "", *table(results)])


if __name__ == "__main__":
    main()
