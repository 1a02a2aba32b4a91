"""How far table 1's log-likelihoods are below the models' own: better proposals, and more samples.

    python benchmarks/images/mnist_unsupervised.py && python benchmarks/images/mnist_likelihood.py
    python benchmarks/images/mnist_likelihood.py --way averaged

Table 1 gives importance-weighted estimates with 500 samples of the posterior, whose expectation is a lower bound of
log p(x).  Here, for every model of table 1 that is there (seed 0), on the first 1,000 test images: the same and the
same with 5,000 samples, both from a proposal of twice the posterior's variance (``spherical_gae.models.widened``), and
both from posteriors that are fitted to each image and then have 1.5 times their variance (``refined_posterior``).  The
last columns are of all 10,000 test images, 500 samples each.  All are lower bounds in expectation, so the largest is
nearest to the truth.  An interrupted benchmark goes on with the next model.
Writes results/mnist_likelihood.json and .md, or mnist_likelihood_averaged.*.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks.cells import add_common_options, command_line, run_cells, write_results
from benchmarks.images.mnist_unsupervised import DIMS, HERE, WAYS, WORK, Cell, suffix
from spherical_gae.data import binarize, load_images
from spherical_gae.experiments.names import VAE_MODELS
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.models import refined_posterior, widened
from spherical_gae.training.checkpoint import save_json

NUM_IMAGES = 1000
NUM_SAMPLES = (500, 5000)


def refined(model: Any, x: torch.Tensor) -> Any:
    """Posteriors fitted to each image, made somewhat wider."""
    return widened(refined_posterior(model, x), 1.5)


PROPOSALS = {
    "posterior": lambda model, x: model.posterior(x),
    "widened": lambda model, x: widened(model.posterior(x)),
    "refined": refined,
}
# Proposal, samples, and whether of all test images.
COLUMNS = [
    *((name, number, False) for name, number in product(PROPOSALS, NUM_SAMPLES)),
    ("posterior", NUM_SAMPLES[0], True),
    ("refined", NUM_SAMPLES[0], True),
]


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """One model's estimates in nats, means over the images; computed if they are not in the model's folder."""
    saved = cell.folder(work) / "likelihood.json"
    if saved.exists():
        return {**cell._asdict(), **json.loads(saved.read_text())}
    images = load_images("mnist")
    model = cell.experiment.load_model(images, cell.folder(work))
    # The images of table 1.
    x = binarize(images.test.images, torch.Generator().manual_seed(0))
    estimates: dict[str, float] = {}
    for name, number, of_all in COLUMNS:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(cell.seed)
            data = x if of_all else x[:NUM_IMAGES]
            values = model.log_likelihood(data, number, proposal=partial(PROPOSALS[name], model))
        estimates[key(name, number, of_all)] = float(values.double().mean())
    save_json(saved, estimates)
    return {**cell._asdict(), **estimates}


def key(proposal: str, num_samples: int, of_all: bool) -> str:
    """The name of an estimate."""
    return f"{proposal}, {num_samples}" + (", all" if of_all else "")


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: each model's estimates, as far as they were made."""
    names = [name for name in (key(*column) for column in COLUMNS) if any(name in cell for cell in cells)]
    yield f"| d | model | seed | {' | '.join(names)} |"
    yield "|---" * (3 + len(names)) + "|"
    for cell in cells:
        shown = " | ".join(f"{cell[name]:.2f}" if name in cell else "" for name in names)
        yield f"| {cell['dim']} | {cell['model'].upper()} | {cell['seed']} | {shown} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dims", nargs="+", type=int, default=list(DIMS), choices=DIMS)
    parser.add_argument("--seeds", default="0", help="seeds of the models, such as 0-9 or 0,3,5")
    parser.add_argument("--way", default="paper", choices=WAYS)
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    chosen = product(options.dims, VAE_MODELS, parse_seeds(options.seeds))
    cells = [Cell(model, dim, seed, options.way) for dim, model, seed in chosen]
    cells = [cell for cell in cells if (cell.folder(options.work) / "model.safetensors").exists()]
    if not cells:
        parser.error(f"--work: {options.work} holds no trained model; run mnist_unsupervised.py first")
    results = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {"command": command_line(parser, options, ("dims", "seeds", "way")), "cells": results}
    title = (
        f"log p(x) in nats, mean over the first {NUM_IMAGES:,} test images (all: 10,000); columns: proposal, samples."
    )
    write_results(options.out, "mnist_likelihood" + suffix(options.way), report, [title, "", *table(results)])


if __name__ == "__main__":
    main()
