"""MNIST without labels: the paper's table 1, S-VAE and N-VAE in five dimensions.

    python benchmarks/mnist_unsupervised.py

Protocol (Davidson et al. 2018, section 5.2 and appendix F.1): 784-256-128 and back, ReLU; Adam at 1e-3, batches of
64, binarised anew; the weight of the KL term grows linearly over 100 epochs; training ends when the bound on the 10,000
validation images has not risen for 50 epochs, and the weights of the best epoch are tested.  LL is the log-likelihood
by importance sampling with 500 samples, L[q] the bound, RE the reconstruction term, all on the 10,000 test images,
binarised once.

Every cell (model, dimension, seed) runs on one thread in a process of its own; an interrupted benchmark goes on where
it stopped, within a cell too.  The weights stay in ``--work``, where mnist_knn.py and figures.py find them.
Writes results/mnist_unsupervised.json (every cell) and .md (the table).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from cells import command_line, kept, run_cells

from spherical_gae.cli import parse_seeds
from spherical_gae.data import binarize, load_images
from spherical_gae.models import NormalVAE, SphericalVAE, VariationalAutoencoder
from spherical_gae.training.batches import BatchConfig
from spherical_gae.training.checkpoint import save_json, write_atomically
from spherical_gae.training.vae import fit_vae

HERE = Path(__file__).parent
WORK = HERE / "work" / "mnist"
MODELS = {"n-vae": NormalVAE, "s-vae": SphericalVAE}
DIMS = (2, 5, 10, 20, 40)
NUM_SAMPLES = 500
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
COLUMNS = {"log_likelihood": "LL", "bound": "L[q]", "reconstruction": "RE", "kl": "KL"}


class Cell(NamedTuple):
    """One trained model."""

    model: str
    dim: int
    seed: int

    def path(self, work: Path, kind: str) -> Path:
        """A file of the cell below the folder ``work``."""
        return work / f"{self.model}-{self.dim}" / f"{self.seed}.{kind}"


def make_model(cell: Cell) -> VariationalAutoencoder:
    """The cell's model before training; draws its weights from torch's global generator."""
    torch.manual_seed(cell.seed)
    return MODELS[cell.model](cell.dim)


def load_model(cell: Cell, work: Path) -> VariationalAutoencoder:
    """The cell's trained model, in evaluation mode."""
    model = make_model(cell)
    model.load_state_dict(safetensors.torch.load_file(cell.path(work, "safetensors")))
    return model.eval()


def train_and_test(cell: Cell, work: Path, config: BatchConfig) -> dict[str, Any]:
    """Trains a model, keeps its weights, and tests it."""
    images = load_images("mnist")
    model, start = make_model(cell), time.perf_counter()
    result = fit_vae(
        model,
        images.train.images,
        images.val.images,
        config,
        seed=cell.seed,
        checkpoint=cell.path(work, "ckpt"),
        progress=False,
    )
    seconds = time.perf_counter() - start
    weights = safetensors.torch.save({name: value.contiguous() for name, value in model.state_dict().items()})
    write_atomically(cell.path(work, "safetensors"), lambda file: file.write(weights))
    return {
        **test_scores(model, images.test.images, NUM_SAMPLES),
        "val_bound": result.best_score,
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
        "seconds_since_last_start": round(seconds),
    }


@torch.no_grad()
def test_scores(model: VariationalAutoencoder, images: torch.Tensor, num_samples: int) -> dict[str, float]:
    """The four columns of table 1 on images that are binarised by a fixed seed."""
    torch.manual_seed(0)
    x = binarize(images)
    negative_bound, reconstruction, kl = model.loss(x)
    log_likelihood = model.log_likelihood(x, num_samples).mean()
    values = (log_likelihood, -negative_bound, reconstruction, kl)
    return dict(zip(COLUMNS, (value.item() for value in values), strict=True))


def run_cell(cell: Cell, work: Path, config: BatchConfig) -> dict[str, Any]:
    """The cell's result, computed if it is not there."""
    result = kept(cell.path(work, "json"), partial(train_and_test, cell, work, config))
    cell.path(work, "ckpt").unlink(missing_ok=True)
    return {**cell._asdict(), **result}


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: each dimension and model, here and in the paper."""
    names = list(COLUMNS.values())
    yield f"| d | model | seeds | {' | '.join(names)} | {' | '.join(f'paper: {name}' for name in names)} |"
    yield "|---" * (3 + 2 * len(names)) + "|"
    for (model, dim), published in PAPER.items():
        found = [cell for cell in cells if (cell["model"], cell["dim"]) == (model, dim)]
        if found:
            values = (spread([cell[name] for cell in found]) for name in COLUMNS)
            yield f"| {dim} | {model.upper()} | {len(found)} | {' | '.join(values)} | {published} |"


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation."""
    mean = f"{np.mean(values):.2f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--dims", nargs="+", type=int, default=list(DIMS), choices=DIMS)
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--work", type=Path, default=WORK, help="where cells and weights are kept")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the results go")
    parser.add_argument("--report", action="store_true", help="compute nothing, report the cells that are there")
    options = parser.parse_args()

    config = BatchConfig()
    cells = [Cell(*values) for values in product(options.models, options.dims, parse_seeds(options.seeds))]
    # A seed of everything first.
    cells.sort(key=lambda cell: (cell.seed, DIMS.index(cell.dim)))
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work, "json").exists()]
    results = run_cells(cells, partial(run_cell, work=options.work, config=config), options.jobs)
    given = {name: getattr(options, name) for name in ("models", "dims", "seeds")}
    command = command_line("mnist_unsupervised.py", given, {name: parser.get_default(name) for name in given})
    found = sorted(results.values(), key=lambda cell: (cell["dim"], cell["model"], cell["seed"]))
    report = {"command": command, "config": asdict(config), "torch": torch.__version__, "cells": found}
    save_json(options.out / "mnist_unsupervised.json", report)
    text = f"Nats, mean ± standard deviation over the seeds. Made by `{command}`.\n\n" + "\n".join(table(found)) + "\n"
    write_atomically(options.out / "mnist_unsupervised.md", lambda file: file.write(text.encode()))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
