"""Runs ``spherical-gae`` with its arguments, killed by SIGKILL and resumed, again and again until it gets through.

Usage: python -m tests.helpers.kill_and_resume SEED FOLDER OPTION...

Each attempt is a forked process that kills itself: in a training step, while a file is half written, or right after
it is; at the latest after three files, so that kills fall into all parts of the run.  Prints each kill.
"""

import os
import random
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from spherical_gae import VonMisesFisher, data
from spherical_gae.cli.app import app
from spherical_gae.training.links.full_batch import FullBatchRun

MAX_ATTEMPTS = 200
# Of three files, at least one is new: the history and the weights of a cell that has been trained but not scored are
# written again.
LATEST = ("written", 3)


def kill_at(*moments: tuple[str, int]) -> None:
    """Makes this process kill itself at the first of these: the n-th ``step``, ``writing`` or ``written``."""
    counts = {"step": 0, "writing": 0, "written": 0}
    step, sync, replace = FullBatchRun.step, os.fsync, os.replace

    def is_due(event: str) -> bool:
        counts[event] += 1
        return (event, counts[event]) in moments

    def die(event: str) -> None:
        os.write(sys.stdout.fileno(), f"killed: {event}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def killed_step(run: Any) -> None:
        step(run)
        if is_due("step"):
            die("step")

    def killed_sync(file: int) -> None:
        if is_due("writing"):
            os.ftruncate(file, os.fstat(file).st_size // 2)
            die("writing")
        sync(file)

    def killed_replace(*paths: Any) -> None:
        replace(*paths)
        if is_due("written"):
            die("written")

    FullBatchRun.step, os.fsync, os.replace = killed_step, killed_sync, killed_replace  # type: ignore[method-assign]


def survives(moments: list[tuple[str, int]], arguments: list[str]) -> bool:
    """Whether the command gets to its end in a process of its own; anything but success or the kill is an error."""
    process = os.fork()
    if process == 0:
        kill_at(*moments)
        app(arguments)  # exits
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status != 0:
        raise SystemExit(f"the command failed with status {status}")
    return True


def prepare() -> None:
    """Does once what else every attempt would do: the imports of the command, and the tables of its latents."""
    for module in ("experiments.links", "plotting.pictures", "training.links.row_batch"):
        import_module(f"spherical_gae.{module}")
    for dim in (3, 8):
        VonMisesFisher(torch.ones(dim) / dim**0.5, torch.tensor(1.0)).sample()


def main(seed: str, folder: str, *options: str) -> None:
    """Kills and resumes until the run is finished."""
    prepare()
    generator = random.Random(int(seed))
    graph = data.load_graph("digits")
    data.load_graph = lambda name: graph
    arguments = ["train", "--out", folder, *options]
    # Before the first checkpoint (epoch 25), after it, and having resumed from it; from then on anywhere.
    moments = [("step", generator.randrange(*epochs)) for epochs in ((1, 25), (26, 30), (1, 5))]
    for file in generator.choices((2, 3), k=MAX_ATTEMPTS):
        moments.append(generator.choice([("step", generator.randrange(1, 30)), ("writing", file), ("written", file)]))
    for moment in moments:
        # metrics.json, the last file, is written anew in every attempt: being killed after it leads nowhere.
        finished = Path(folder, "metrics.json").exists()
        if survives([] if finished else [moment, LATEST], arguments):
            return
        arguments = ["train", "--resume", "--out", folder]
    raise SystemExit("the run makes no progress")


if __name__ == "__main__":
    main(*sys.argv[1:])
