"""How far table 1's log-likelihoods are below the models' own: more samples, and a wider proposal.

    python benchmarks/mnist_unsupervised.py && python benchmarks/mnist_likelihood.py

Table 1 gives importance-weighted estimates with 500 samples of the posterior, whose expectation is a lower bound of
log p(x).  Here, for the first 1,000 test images and every model of table 1 that is there (seed 0): the same, the same
with 5,000 samples, and both from a proposal of twice the posterior's variance (``spherical_gae.models.widened``).  All
four are lower bounds in expectation, so the largest is nearest to the truth.
Writes results/mnist_likelihood.json and .md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from cells import add_common_options, command_line, run_cells, write_results
from mnist_unsupervised import DIMS, HERE, WORK, Cell

from spherical_gae.cli import parse_seeds
from spherical_gae.data import binarize, load_images
from spherical_gae.models import widened
from spherical_gae.training.image_experiment import VAES

NUM_IMAGES = 1000
NUM_SAMPLES = (500, 5000)
PROPOSALS = {"posterior": None, "widened": widened}


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """One model's estimates in nats, means over the images."""
    images = load_images("mnist")
    model = cell.experiment.load_model(images, cell.folder(work))
    # The images of table 1.
    x = binarize(images.test.images, torch.Generator().manual_seed(0))[:NUM_IMAGES]
    estimates: dict[str, float] = {}
    for (name, proposal), number in product(PROPOSALS.items(), NUM_SAMPLES):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(cell.seed)
            values = model.log_likelihood(x, number, proposal=proposal)
        estimates[key(name, number)] = float(values.double().mean())
    return {**cell._asdict(), **estimates}


def key(proposal: str, num_samples: int) -> str:
    """The name of an estimate."""
    return f"{proposal}, {num_samples}"


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: each model's four estimates, and what the last is above the first."""
    names = [key(*values) for values in product(PROPOSALS, NUM_SAMPLES)]
    yield f"| d | model | seed | {' | '.join(names)} | last - first |"
    yield "|---" * (4 + len(names)) + "|"
    for cell in cells:
        values = [cell[name] for name in names]
        shown = " | ".join(f"{value:.2f}" for value in (*values, values[-1] - values[0]))
        yield f"| {cell['dim']} | {cell['model'].upper()} | {cell['seed']} | {shown} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dims", nargs="+", type=int, default=list(DIMS), choices=DIMS)
    parser.add_argument("--seeds", default="0", help="seeds of the models, such as 0-9 or 0,3,5")
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    cells = [Cell(model, dim, seed) for dim, model, seed in product(options.dims, VAES, parse_seeds(options.seeds))]
    cells = [cell for cell in cells if (cell.folder(options.work) / "model.safetensors").exists()]
    if not cells:
        parser.error(f"--work: {options.work} holds no trained model; run mnist_unsupervised.py first")
    results = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {"command": command_line(parser, options, ("dims", "seeds")), "cells": results}
    title = f"log p(x) in nats, mean over the first {NUM_IMAGES:,} test images; columns: proposal, number of samples."
    write_results(options.out, "mnist_likelihood", report, [title, "", *table(results)])


if __name__ == "__main__":
    main()
