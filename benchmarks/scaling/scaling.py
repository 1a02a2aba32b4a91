"""Seconds per epoch and peak memory on graphs of growing size: batches against the full batch, one process against two.

    python benchmarks/scaling/scaling.py

The graphs have planted communities, 64 features and ten links per node.  Methods: S-VGAE and N-VGAE with encoder and
decoder of the preset ``scalable``, unmasked, in batches of 16,384 links with a negative for each, in one process and,
S-VGAE, in two, each with one thread; the same S-VGAE on the full batch; PyG's VGAE with the settings of its example, on
the full batch.  Every measurement is a process of its own: it makes the graph, splits it, and trains and validates for
three epochs; the median epoch counts, and the memory of two processes is added up.  A method is not run on larger
graphs after one on which it failed or took more than ``--max-memory``; only the S-VGAE in batches is run on graphs
above ``--others-up-to``.  A process that wants more than 20 GB fails.

The exponents are of fits of seconds and memory, from 100,000 links on, to a power of the links; the memory of a process
without a graph is taken off.  An interrupted benchmark goes on where it stopped.  Run it on a machine that does nothing
else.  Writes results/scaling.json, .md and docs/pictures/scaling.png.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.cells import command_line, write_results
from benchmarks.scaling.scaling_worker import METHODS
from spherical_gae.training.checkpoint import write_atomically

HERE = Path(__file__).parents[1]
LINKS = (100_000, 1_000_000, 5_000_000, 20_000_000)
LINKS_PER_NODE = 10
TWO = "s-vgae, batches, 2 processes"
NAMES = (*METHODS, TWO)


def measure(name: str, links: int, work: Path) -> dict[str, Any]:
    """A measurement, made if it is not there; ``{"failed": ...}`` if the process did not end well."""
    path = work / f"{name.replace(', ', '_').replace(' ', '-')}-{links}.json"
    if not path.exists():
        launcher = [sys.executable]
        if name == TWO:
            launcher += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        worker = [
            *(str(Path(__file__).with_name("scaling_worker.py")), "--method", name.removesuffix(", 2 processes")),
            *("--nodes", str(links // LINKS_PER_NODE), "--links", str(links), "--out", str(path)),
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.run([*launcher, *worker], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True)
        if process.returncode < 0:
            raise RuntimeError(f"{name} on {links} links was ended from outside ({process.returncode}); start again")
        if process.returncode:
            path.write_text(json.dumps({"failed": process.returncode, "said": process.stderr.decode()[-500:]}))
    return json.loads(path.read_text())


def summary(found: dict[str, Any]) -> dict[str, float]:
    """What is shown of a measurement."""
    epochs = [sum(pair) for pair in zip(found["train_seconds"], found["validate_seconds"], strict=True)]
    return {
        "train": statistics.median(found["train_seconds"]),
        "epoch": statistics.median(epochs),
        "prepare": found["prepare_seconds"],
        "memory": found["peak_gb"],
    }


def exponent(links: list[int], values: list[float]) -> float:
    """The power of the number of links that values grow with, by least squares of the logarithms."""
    return float(np.polyfit(np.log(links), np.log(values), 1)[0])


def table(cells: dict[str, dict[int, dict[str, float]]], base: float) -> Iterator[str]:
    """Markdown lines: every method and size, and the exponents."""
    yield "| method | links | seconds: training | with validation | making and splitting the graph | peak memory, GB |"
    yield "|---" * 6 + "|"
    for name, sizes in cells.items():
        for links, cell in sizes.items():
            values = " | ".join(f"{cell[key]:.2f}" for key in ("train", "epoch", "prepare", "memory"))
            yield f"| {name} | {links:,} | {values} |"
    yield ""
    yield "| method | exponent of the epoch's seconds | exponent of the memory |"
    yield "|---" * 3 + "|"
    for name, sizes in cells.items():
        if len(sizes) > 1:
            seconds = exponent(list(sizes), [cell["epoch"] for cell in sizes.values()])
            empty = 2 * base if name == TWO else base
            memory = exponent(list(sizes), [max(cell["memory"] - empty, 1e-3) for cell in sizes.values()])
            yield f"| {name} | {seconds:.2f} | {memory:.2f} |"


def ratios(cells: dict[str, dict[int, dict[str, float]]]) -> Iterator[str]:
    """Markdown lines: two processes against one, and the spherical against the normal latent, training only."""
    yield "| links | two processes / one | S-VGAE / N-VGAE |"
    yield "|---" * 3 + "|"
    one, normal, two = (cells[name] for name in (*METHODS[:2], TWO))
    for links, own in one.items():
        together = f"{two[links]['train'] / own['train']:.2f}" if links in two else ""
        other = f"{own['train'] / normal[links]['train']:.2f}" if links in normal else ""
        yield f"| {links:,} | {together} | {other} |"


def draw(cells: dict[str, dict[int, dict[str, float]]]) -> Figure:
    """Seconds and memory against the number of links, on logarithmic axes."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, (key, label) in zip(
        figure.subplots(1, 2), (("epoch", "seconds per epoch"), ("memory", "peak memory, GB")), strict=True
    ):
        for name, sizes in cells.items():
            axes.loglog(list(sizes), [cell[key] for cell in sizes.values()], "o-", label=name)
        axes.set_xlabel("links")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", nargs="+", type=int, default=list(LINKS))
    parser.add_argument("--others-up-to", type=int, default=5_000_000, help="links")
    parser.add_argument("--max-memory", type=float, default=16.0, help="GB")
    parser.add_argument("--work", type=Path, default=HERE / "work" / "scaling")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--figure", type=Path, default=HERE.parent / "docs" / "pictures" / "scaling.png")
    options = parser.parse_args()

    raw: dict[str, dict[int, Any]] = {}
    for name in NAMES:
        raw[name] = {}
        for links in sorted(options.links):
            if name not in (METHODS[0], TWO) and links > options.others_up_to:
                break
            found = raw[name][links] = measure(name, links, options.work)
            if "failed" in found or found["peak_gb"] > options.max_memory:
                break
    cells = {
        name: {links: summary(found) for links, found in sizes.items() if "failed" not in found}
        for name, sizes in raw.items()
    }
    # A process that has imported everything and trained on a graph of next to nothing.
    base = summary(measure(METHODS[0], 1000, options.work))["memory"]
    command = command_line(parser, options, ("links", "others_up_to", "max_memory"))
    report = {"command": command, "threads": 1, "memory_of_an_empty_process_gb": base, "cells": raw}
    title = f"One thread for each process, torch {torch.__version__}; a process without a graph takes {base:.2f} GB."
    write_results(options.out, "scaling", report, [title, "", *table(cells, base), "", *ratios(cells)])
    figure = draw(cells)
    write_atomically(options.figure, lambda file: figure.savefig(file, format="png", dpi=150))


if __name__ == "__main__":
    main()
