"""Time of a training step by torch.compile, over that without it, and what the first compiled steps cost.

    python benchmarks/links/compiled_epoch_time.py

For every preset, full batch, one thread: steps with and without ``fit_gae(..., compile=True)`` in turn, without
validation.  Times are those of the processor, not of the clock, so that other programs on the machine disturb less; the
first steps' include torch's compiler.  Writes results/compiled_epoch_time.json and .md.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.cells import command_line, use_one_thread, write_results
from spherical_gae import load_graph, split_links
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import available_presets, build_model, load_preset
from spherical_gae.training.links.full_batch import FullBatchRun

HERE = Path(__file__).parents[1]
# The first masks differ in their number of links, for which torch compiles anew.
FIRST_STEPS = 3


def used_seconds() -> float:
    """Processor time of this process and of the compilers that it has started."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def step_seconds(run: FullBatchRun) -> float:
    """Of one training step."""
    start = used_seconds()
    run.train_step()
    return used_seconds() - start


def measure(dataset: str, preset_name: str, method: str, steps: int, backend: str) -> dict[str, Any]:
    """Seconds of one preset.

    Args:
        dataset: Name of the graph.
        preset_name: Name of the preset.
        method: ``"s-vgae"`` or ``"n-vgae"``.
        steps: Number of steps whose median is taken.
        backend: Of torch.compile.

    Returns:
        ``plain`` and ``compiled``, medians of a step; ``first``, what the first compiled steps cost beyond as many
        later ones; and ``pays_after``, the number of steps after which that is made up for, None if never.
    """
    torch._dynamo.reset()
    split, preset = split_links(load_graph(dataset), seed=0), load_preset(preset_name, dataset)
    runs = []
    for is_compiled in (False, True):
        model = build_model(preset, method, split.train.num_features)
        run = FullBatchRun(model, split, gae_config(preset), model_inputs(split.train), 0, torch.device("cpu"))
        if is_compiled:
            run.compile_steps(backend)
        runs.append(run)
    first = [sum(step_seconds(run) for _ in range(FIRST_STEPS)) for run in runs][1]
    plain, compiled = map(median, zip(*((step_seconds(run) for run in runs) for _ in range(steps)), strict=True))
    cost = first - FIRST_STEPS * compiled
    return {
        "preset": preset_name,
        "method": method,
        "plain": plain,
        "compiled": compiled,
        "ratio": compiled / plain,
        "first": cost,
        "pays_after": round(cost / (plain - compiled)) if compiled < plain else None,
        "epochs": preset.epochs,
    }


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines."""
    yield "| preset | model | step, ms | compiled, ms | ratio | first steps, s | pays after steps | preset's epochs |"
    yield "|---" * 8 + "|"
    for cell in cells:
        after = "never" if cell["pays_after"] is None else cell["pays_after"]
        times = (
            f"{1000 * cell['plain']:.1f} | {1000 * cell['compiled']:.1f} | {cell['ratio']:.2f} | {cell['first']:.0f}"
        )
        yield f"| {cell['preset']} | {cell['method']} | {times} | {after} | {cell['epochs']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cora", choices=("cora", "citeseer", "pubmed", "digits"))
    parser.add_argument("--presets", nargs="+", default=available_presets(), choices=available_presets())
    parser.add_argument("--methods", nargs="+", default=["s-vgae", "n-vgae"], choices=["s-vgae", "n-vgae"])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--backend", default="inductor")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()

    use_one_thread()
    # In this process, so that its time is counted.
    torch._inductor.config.compile_threads = 1
    cells = [
        measure(options.dataset, preset, method, options.steps, options.backend)
        for preset, method in product(options.presets, options.methods)
    ]
    names = ("dataset", "presets", "methods", "steps", "backend")
    report = {"command": command_line(parser, options, names), "cells": cells}
    title = f"Seconds of the processor, {options.dataset}, one thread: medians of {options.steps} steps."
    write_results(options.out, "compiled_epoch_time", report, [title, "", *table(cells)])


if __name__ == "__main__":
    main()
