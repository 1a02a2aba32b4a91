"""Cells of a benchmark in parallel processes, and files of their results."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from tqdm import tqdm

from spherical_gae.data import load_images
from spherical_gae.experiments.images import ImageExperiment
from spherical_gae.training.checkpoint import save_json, write_atomically
from spherical_gae.training.jobs import in_jobs

C = TypeVar("C", bound=Hashable)


def run_cells(cells: Sequence[C], run: Callable[[C], dict[str, Any]], jobs: int) -> list[dict[str, Any]]:
    """Runs all cells, ``jobs`` at once, one thread each; ``run`` must be picklable.

    Returns:
        The results, in the order of the cells.
    """
    found = in_jobs(partial(_with_one_thread, run), cells, jobs) if cells else ()
    results = dict(tqdm(found, total=len(cells), desc="cells"))
    return [results[cell] for cell in cells]


def _with_one_thread(run: Callable[[C], dict[str, Any]], cell: C) -> tuple[C, dict[str, Any]]:
    use_one_thread()
    return cell, run(cell)


def run_experiment(experiment: ImageExperiment, folder: Path) -> dict[str, Any]:
    """The metrics of a run folder without the history, computed if they are not there."""
    metrics = folder / "metrics.json"
    if metrics.exists():
        found = json.loads(metrics.read_text())
    else:
        found = experiment.run(load_images(experiment.dataset), folder, torch.device("cpu"), progress=False)
    return {name: value for name, value in found.items() if name != "history"}


def add_common_options(parser: argparse.ArgumentParser, work: Path, results: Path) -> None:
    """Adds what every benchmark of cells offers."""
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--work", type=Path, default=work, help="where run folders are kept")
    parser.add_argument("--out", type=Path, default=results, help="where the results go")
    parser.add_argument("--keep", type=Path, help="results of earlier runs, whose cells are kept in the report")
    parser.add_argument("--report", action="store_true", help="compute nothing, report the cells that are there")


def command_line(parser: argparse.ArgumentParser, options: argparse.Namespace, names: Iterable[str]) -> str:
    """The command with those of the named options that are not the defaults."""
    arguments: list[str] = []
    for name in names:
        value = getattr(options, name)
        if value != parser.get_default(name):
            arguments += [f"--{name}", *(map(str, value) if isinstance(value, list) else [str(value)])]
    script = Path(sys.argv[0]).resolve()
    return shlex.join(["python", f"benchmarks/{script.parent.name}/{script.name}", *arguments])


def kept_cells(results: Path | None, cell: Callable[[dict[str, Any]], C], chosen: Iterable[C]) -> list[dict[str, Any]]:
    """The cells of a results file that are not among the chosen ones.

    Args:
        results: The file, or None for no cells.
        cell: Makes the cell of an entry.
        chosen: The cells that are run.
    """
    if results is None:
        return []
    mine = set(chosen)
    return [entry for entry in json.loads(results.read_text())["cells"] if cell(entry) not in mine]


def restore_cells(results: Path | None, cell: Callable[[dict[str, Any]], Any], work: Path) -> None:
    """Puts the cells of a results file into the folder ``work``, where they count as done; those there stay.

    Args:
        results: The file, or None for no cells.
        cell: Makes the cell of an entry, a named tuple with a method ``path(work)``.
        work: Where run folders are kept.
    """
    for entry in [] if results is None else json.loads(results.read_text())["cells"]:
        found = cell(entry)
        if not found.path(work).exists():
            save_json(found.path(work), {name: value for name, value in entry.items() if name not in found._fields})


def write_results(out: Path, name: str, report: dict[str, Any], lines: Iterable[str]) -> None:
    """Writes ``name``.json and, with the command above the lines of the tables, ``name``.md; prints the latter."""
    machine = {"torch": torch.__version__, "cpu_capability": torch.backends.cpu.get_cpu_capability()}
    save_json(out / f"{name}.json", {**report, **machine})
    text = "\n".join((f"Made by `{report['command']}`.", "", *lines)) + "\n"
    write_atomically(out / f"{name}.md", lambda file: file.write(text.encode()))
    sys.stdout.write(text)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± standard deviation, or the value if there is only one."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


def use_one_thread() -> None:
    """Settings of all processes."""
    torch.set_num_threads(1)
    # On some CPUs torch's fastest float32 product is only tried at this setting; on others it lowers the precision
    # of products (not of sums) to that of bfloat16.
    torch.set_float32_matmul_precision("medium")
