"""Cells of a benchmark in parallel processes, each computed once and kept in a file of its own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from spherical_gae.training.checkpoint import save_json

C = TypeVar("C", bound=Hashable)


def run_cells(cells: Sequence[C], run: Callable[[C], dict[str, Any]], jobs: int) -> dict[C, dict[str, Any]]:
    """Runs all cells, ``jobs`` at once, one thread each; ``run`` must be picklable.

    Returns:
        The results, in the order of the cells.
    """
    results: dict[C, dict[str, Any]] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_on_one_thread) as pool:
        futures = {pool.submit(run, cell): cell for cell in cells}
        for future in tqdm(as_completed(futures), total=len(cells), desc="cells"):
            results[futures[future]] = future.result()
    return {cell: results[cell] for cell in cells}


def kept(path: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result in a file, computed and written if it is not there."""
    if not path.exists():
        save_json(path, compute())
    return json.loads(path.read_text())


def command_line(script: str, given: dict[str, Any], defaults: dict[str, Any]) -> str:
    """The command with the options that are not the defaults."""
    arguments: list[str] = []
    for name, value in given.items():
        if value != defaults[name]:
            arguments += [f"--{name}", *(map(str, value) if isinstance(value, list) else [str(value)])]
    return shlex.join(["python", f"benchmarks/{script}", *arguments])


def _on_one_thread() -> None:
    torch.set_num_threads(1)
    # On some CPUs torch's fastest float32 product is only tried at this setting; on others it lowers the precision
    # of products (not of sums) to that of bfloat16.
    torch.set_float32_matmul_precision("medium")
