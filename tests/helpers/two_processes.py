"""Runs a function in two processes of a torch.distributed group, for the tests of several files."""

from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from spherical_gae.training.processes import leave_group
from tests.helpers.fresh_processes import fresh_processes


def _run(function: Callable[..., Any], rank: int, folder: Path, arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    torch.save(function(*arguments), folder / f"result-{rank}")
    leave_group()


def in_two_processes(function: Callable[..., Any], folder: Path, *arguments: Any) -> list[Any]:
    """What ``function(*arguments)``, which must be picklable, returns in each process."""
    folder.mkdir()
    context = fresh_processes()
    processes = [
        context.Process(target=_run, args=(function, rank, folder, arguments), daemon=True) for rank in range(2)
    ]
    for process in processes:
        process.start()
    running = {process.sentinel: process for process in processes}
    try:
        # However long they take; but one that fails would leave the other waiting.
        while running:
            for sentinel in wait(list(running)):
                process = running.pop(sentinel)
                process.join()
                assert process.exitcode == 0
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f"result-{rank}", weights_only=False) for rank in range(2)]
