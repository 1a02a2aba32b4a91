"""Seconds per epoch of every trained method: training step and validation, one thread, all methods interleaved.

    python benchmarks/epoch_time.py

Each round trains every method for a short and for a longer run; the difference, divided by the number of epochs, leaves
out what is done once.  The figure is the median over the rounds; ratios are of medians, to PyG's VGAE with the settings
of its example.  Run it on a machine that does nothing else.  Writes results/epoch_time.json and .md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
from link_methods import PYG, TRAINED
from pyg_autoencoders import epochs, inner_product_scores, make_model, prepare

from spherical_gae.data import LinkSplit, load_graph, split_links
from spherical_gae.presets import load_preset
from spherical_gae.training.checkpoint import save_json, write_atomically
from spherical_gae.training.experiment import train_once

HERE = Path(__file__).parent
SHORT = 3
REFERENCE = "pyg-vgae"


def runner(method: str, dataset: str, split: LinkSplit) -> Callable[[int], None]:
    """A function that trains the method for a number of epochs."""
    if method in PYG:

        def run_pyg(number: int) -> None:
            for z in islice(epochs(make_model(method, split.train.num_features, 0), prepare(split)), number):
                inner_product_scores(z, split.val)

        return run_pyg
    settings = TRAINED[method]
    preset = load_preset(settings.preset, dataset)

    def run(number: int) -> None:
        train_once(split, preset.with_changes(epochs=number), settings.model, 0, progress=False)

    return run


def seconds(run: Callable[[int], None], number: int) -> float:
    """Seconds that a run of so many epochs takes."""
    start = time.perf_counter()
    run(number)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["cora", "citeseer", "pubmed"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=20, help="epochs of the longer run, beyond the short one's")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    methods = [*PYG, *(name for name in TRAINED if "no isolated" not in name)]
    times: dict[str, dict[str, list[float]]] = {}
    for dataset in options.datasets:
        split = split_links(load_graph(dataset), seed=0)
        runners = {method: runner(method, dataset, split) for method in methods}
        times[dataset] = {method: [] for method in methods}
        for _ in range(options.rounds):
            for method, run in runners.items():
                difference = seconds(run, SHORT + options.epochs) - seconds(run, SHORT)
                times[dataset][method].append(difference / options.epochs)
    command = f"python benchmarks/epoch_time.py --rounds {options.rounds} --epochs {options.epochs}"
    save_json(options.out / "epoch_time.json", {"command": command, "torch": torch.__version__, "seconds": times})
    medians = {dataset: {m: statistics.median(t) for m, t in found.items()} for dataset, found in times.items()}
    lines = [
        "| method | " + " | ".join(f"{dataset}: s | ratio" for dataset in medians) + " |",
        "|---" * (1 + 2 * len(medians)) + "|",
    ]
    for method in methods:
        cells = [f"{found[method]:.4f} | {found[method] / found[REFERENCE]:.2f}" for found in medians.values()]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    text = f"Median seconds per epoch, and ratio to {REFERENCE}. Made by `{command}`.\n\n" + "\n".join(lines) + "\n"
    write_atomically(options.out / "epoch_time.md", lambda file: file.write(text.encode()))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
