"""Runs ``spherical-gae`` with its arguments, killed by SIGKILL and resumed, again and again until it gets through.

Usage: python kill_and_resume.py SEED FOLDER OPTION...

Each attempt is a forked process that kills itself: in a training step, while a file is half written, or right after
it is; at the latest after three files, so that kills fall into all parts of the run.  Prints the moment of each.
"""

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from spherical_gae import cli
from spherical_gae.training.fit import _Run

MAX_ATTEMPTS = 200
# Of three files, at least one is new: config.json is written in every attempt, as are the weights of a cell that has
# been trained but not scored, and the embeddings.
LATEST = ("written", 3)


def kill_at(*moments: tuple[str, int]) -> None:
    """Makes this process kill itself at the first of these: the n-th ``step``, ``writing`` or ``written``."""
    counts = {"step": 0, "writing": 0, "written": 0}
    step, sync, replace = _Run.step, os.fsync, os.replace

    def happens(event: str) -> bool:
        counts[event] += 1
        return (event, counts[event]) in moments

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def killed_step(run: Any) -> None:
        step(run)
        if happens("step"):
            die()

    def killed_sync(file: int) -> None:
        if happens("writing"):
            os.ftruncate(file, os.fstat(file).st_size // 2)
            die()
        sync(file)

    def killed_replace(*paths: Any) -> None:
        replace(*paths)
        if happens("written"):
            die()

    _Run.step, os.fsync, os.replace = killed_step, killed_sync, killed_replace  # type: ignore[method-assign]


def survives(moments: list[tuple[str, int]], arguments: list[str]) -> bool:
    """Whether the command gets to its end in a process of its own; anything but success or the kill is an error."""
    process = os.fork()
    if process == 0:
        kill_at(*moments)
        cli.app(arguments)  # exits
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status != 0:
        raise SystemExit(f"the command failed with status {status}")
    return True


def main(seed: str, folder: str, *options: str) -> None:
    """Kills and resumes until the run is finished."""
    generator = random.Random(int(seed))
    graph = cli.load_graph("digits")
    cli.load_graph = lambda name: graph
    arguments = ["train", "--out", folder, *options]
    for _ in range(MAX_ATTEMPTS):
        step, file = generator.randrange(1, 25), generator.randrange(2, 4)
        moment = generator.choice([("step", step), ("writing", file), ("written", 2), LATEST])
        # metrics.json, the last file, is written anew in every attempt: being killed after it leads nowhere.
        moments = [] if Path(folder, "metrics.json").exists() else [moment, LATEST]
        if survives(moments, arguments):
            return
        print(*moment, flush=True)
        arguments = ["train", "--resume", "--out", folder]
    raise SystemExit("the run makes no progress")


if __name__ == "__main__":
    main(*sys.argv[1:])
