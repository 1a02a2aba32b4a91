"""MNIST with few labels, M1: the paper's table 2, nearest neighbours on the latents of table 1's models.

    python benchmarks/images/mnist_unsupervised.py && python benchmarks/images/mnist_knn.py
    python benchmarks/images/mnist_knn.py --way no-warm-up

Five neighbours vote, by Euclidean distance for N-VAEs and by angle for S-VAEs; 20 draws of 100, 600 and 1,000 labelled
training images, equally many of each class; accuracy on the 10,000 test images.  Every model of table 1 that is there
is tested, with the same draws, in two ways: "plain", votes that count the same, on images binarised once; and "chosen",
votes that count the inverse of the distance, on the images' intensities.  The latter is the best of the four
combinations on the 10,000 validation images, for which the results hold the mean accuracy of 5 draws in each.
Writes results/mnist_knn.json and .md, or with the way's name behind an underscore.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import torch

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from benchmarks.images.mnist_unsupervised import DIMS, HERE, WORK, Cell, suffix
from benchmarks.images.mnist_unsupervised import WAYS as TRAINING_WAYS
from spherical_gae.data import ImageSet, binarize, draw_labelled, load_images
from spherical_gae.experiments.names import VAE_MODELS
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.models import M1Classifier
from spherical_gae.models.m1 import Votes

NUM_LABELS = (100, 600, 1000)
NUM_DRAWS = 20
NUM_VALIDATION_DRAWS = 5


class Way(NamedTuple):
    """What is encoded, and how neighbours vote."""

    images: str
    weights: Votes


WAYS = [Way(images, weights) for images in ("binarised", "intensities") for weights in get_args(Votes)]
PLAIN, CHOSEN = Way("binarised", "uniform"), Way("intensities", "distance")
TESTED = {"plain": PLAIN, "chosen": CHOSEN}
# Table 2 of the paper: accuracy in %, mean ± standard deviation of 20 runs, N = 100, 600, 1000.
PAPER = {
    ("n-vae", 2): "72.6 ± 2.1 | 80.8 ± 0.5 | 81.7 ± 0.5",
    ("s-vae", 2): "77.9 ± 1.6 | 84.9 ± 0.6 | 85.6 ± 0.5",
    ("n-vae", 5): "81.8 ± 2.0 | 90.9 ± 0.4 | 92.0 ± 0.2",
    ("s-vae", 5): "87.5 ± 1.0 | 92.8 ± 0.3 | 93.4 ± 0.2",
    ("n-vae", 10): "75.7 ± 1.8 | 88.4 ± 0.5 | 90.2 ± 0.4",
    ("s-vae", 10): "80.6 ± 1.3 | 91.2 ± 0.4 | 92.8 ± 0.3",
    ("n-vae", 20): "71.3 ± 1.9 | 88.3 ± 0.5 | 90.1 ± 0.4",
    ("s-vae", 20): "72.8 ± 1.6 | 89.1 ± 0.6 | 91.1 ± 0.3",
    ("n-vae", 40): "72.3 ± 1.6 | 88.0 ± 0.5 | 90.3 ± 0.5",
    ("s-vae", 40): "67.7 ± 2.3 | 87.4 ± 0.7 | 90.4 ± 0.4",
}


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Accuracies of one model in percent: in test a list of draws for each number of labels, in validation means."""
    images = load_images("mnist")
    model = cell.experiment.load_model(images, cell.folder(work))
    noise = torch.Generator().manual_seed(0)
    binarised = {name: binarize(part.images, noise) for name, part in images._asdict().items()}

    def accuracies(way: Way, name: str, num_draws: int) -> dict[str, list[float]]:
        train, tested = (
            part if way.images == "intensities" else ImageSet(binarised[of], part.labels)
            for of, part in (("train", images.train), (name, getattr(images, name)))
        )
        classifier = M1Classifier(model, weights=way.weights)
        return {
            str(number): [
                100 * classifier.fit(*draw_labelled(train, number, draw)).score(*tested) for draw in range(num_draws)
            ]
            for number in NUM_LABELS
        }

    validation = {" / ".join(way): accuracies(way, "val", NUM_VALIDATION_DRAWS) for way in WAYS}
    return {
        **cell._asdict(),
        "validation": {way: {n: float(np.mean(a)) for n, a in found.items()} for way, found in validation.items()},
        "test": {name: accuracies(way, "test", NUM_DRAWS) for name, way in TESTED.items()},
    }


def table(cells: Sequence[dict[str, Any]], way: str) -> Iterator[str]:
    """Markdown lines: each dimension and model, tested in one way, here and in the paper."""
    columns = [f"N = {number}" for number in NUM_LABELS]
    yield f"| d | model | seeds | {' | '.join(columns)} | {' | '.join(f'paper: {name}' for name in columns)} |"
    yield "|---" * (3 + 2 * len(columns)) + "|"
    for (model, dim), published in PAPER.items():
        found = [cell["test"][way] for cell in cells if (cell["model"], cell["dim"]) == (model, dim)]
        if found:
            values = (spread([a for cell in found for a in cell[str(number)]], 1) for number in NUM_LABELS)
            yield f"| {dim} | {model.upper()} | {len(found)} | {' | '.join(values)} | {published} |"


def validation_table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: the mean validation accuracy over all models, each way."""
    yield f"| images / votes | {' | '.join(f'N = {number}' for number in NUM_LABELS)} |"
    yield "|---" * (1 + len(NUM_LABELS)) + "|"
    for way in (" / ".join(way) for way in WAYS):
        means = (np.mean([cell["validation"][way][str(number)] for cell in cells]) for number in NUM_LABELS)
        yield f"| {way} | {' | '.join(f'{mean:.1f}' for mean in means)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-9", help="seeds of the models, such as 0-9 or 0,3,5")
    parser.add_argument("--way", default="paper", choices=TRAINING_WAYS, help="how the models were trained")
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    cells = [Cell(*values) for values in product(VAE_MODELS, DIMS, parse_seeds(options.seeds), [options.way])]
    cells = [cell for cell in cells if (cell.folder(options.work) / "model.safetensors").exists()]
    if not cells:
        parser.error(f"--work: {options.work} holds no trained model; run mnist_unsupervised.py first")
    results = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {"command": command_line(parser, options, ("seeds", "way")), "cells": results}
    title = f"Accuracy in percent, mean ± standard deviation over all draws of labels, {NUM_DRAWS} for each model."
    lines = [title]
    for name, way in TESTED.items():
        lines += ["", f"{name.capitalize()}: {way.images}, {way.weights} votes.", "", *table(results, name)]
    lines += ["", "Validation images, mean over all models.", "", *validation_table(results)]
    write_results(options.out, "mnist_knn" + suffix(options.way), report, lines)


if __name__ == "__main__":
    main()
