"""Seconds per epoch of every trained method, one thread, all methods interleaved: the training step, and validation.

    python benchmarks/links/epoch_time.py

Each round trains every method for some epochs, one after the other.  Figures are medians over all epochs of all rounds
but the first; ratios are of medians, to PyG's VGAE with the settings of its example.  Validation, that is embeddings,
AUC and AP, is what the best epoch is chosen by, and the example tests in every epoch as well.  Run it on a machine that
does nothing else.  Writes results/epoch_time.json and .md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.links.methods import PYG, TRAINED, Trained
from benchmarks.links.pyg_autoencoders import (
    LEARNING_RATE,
    embed,
    inner_product_scores,
    make_model,
    prepare,
    training_step,
)
from spherical_gae.data import LinkSplit, load_graph, split_links
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.training.checkpoint import save_json, write_atomically
from spherical_gae.training.links.full_batch import FullBatchRun

HERE = Path(__file__).parents[1]
REFERENCE = "pyg-vgae"
SETTINGS = {**TRAINED, "ranking s-vgae": Trained("ranking", "s-vgae", {})}


class Epoch(NamedTuple):
    """The two parts of an epoch."""

    train: Callable[[], object]
    validate: Callable[[], object]


def prepare_epoch(method: str, dataset: str, split: LinkSplit) -> Epoch:
    """A method, ready to train."""
    if method in PYG:
        model, train = make_model(method, split.train.num_features, 0), prepare(split)
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        return Epoch(
            lambda: training_step(model, optimizer, train),
            lambda: inner_product_scores(embed(model, train), split.val),
        )
    settings = SETTINGS[method]
    preset = load_preset(settings.preset, dataset).with_changes(**settings.changes)
    model = build_model(preset, settings.model, split.train.num_features)
    run = FullBatchRun(model, split, gae_config(preset), model_inputs(split.train), 0, torch.device("cpu"))
    return Epoch(run.train_step, lambda: run.validate(0.0))


def seconds(action: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["cora", "citeseer", "pubmed"])
    parser.add_argument("--rounds", type=int, default=7, help="at least 2")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of each method in a round")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    methods = [*PYG, *(name for name in SETTINGS if "no isolated" not in name)]
    medians: dict[str, dict[str, tuple[float, float]]] = {}
    for dataset in options.datasets:
        split = split_links(load_graph(dataset), seed=0)
        ready = {method: prepare_epoch(method, dataset, split) for method in methods}
        times: dict[str, list[tuple[float, float]]] = {method: [] for method in methods}
        for number in range(options.rounds):
            for method, epoch in ready.items():
                parts = [(seconds(epoch.train), seconds(epoch.validate)) for _ in range(options.epochs)]
                times[method] += parts if number else []
        medians[dataset] = {
            method: (statistics.median(t for t, _ in parts), statistics.median(t + v for t, v in parts))
            for method, parts in times.items()
        }
    command = f"python benchmarks/links/epoch_time.py --rounds {options.rounds} --epochs {options.epochs}"
    named = {
        dataset: {method: {"train": pair[0], "train_and_validate": pair[1]} for method, pair in found.items()}
        for dataset, found in medians.items()
    }
    save_json(options.out / "epoch_time.json", {"command": command, "torch": torch.__version__, "seconds": named})
    lines = [
        "| method | " + " | ".join(f"{d}: training | ratio | with validation | ratio" for d in medians) + " |",
        "|---" * (1 + 4 * len(medians)) + "|",
    ]
    for method in methods:
        columns = [
            f"{own:.4f} | {own / reference:.2f}"
            for found in medians.values()
            for own, reference in zip(found[method], found[REFERENCE], strict=True)
        ]
        lines.append(f"| {method} | {' | '.join(columns)} |")
    text = f"Median seconds per epoch, and ratio to {REFERENCE}. Made by `{command}`.\n\n" + "\n".join(lines) + "\n"
    write_atomically(options.out / "epoch_time.md", lambda file: file.write(text.encode()))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
