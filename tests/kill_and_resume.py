"""Runs ``spherical-gae`` with its arguments, killed by SIGKILL and resumed, again and again until it gets through.

Usage: python kill_and_resume.py SEED FOLDER OPTION...

Each attempt is a forked process that kills itself, as the seed has it, in a training step, or right before or
right after a file of the run folder is replaced: a crash can do no worse.  Prints the moment of each kill.
"""

import os
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

from spherical_gae import cli
from spherical_gae.training.fit import _Run

MAX_ATTEMPTS = 200


def kill_at(counted: str, number: int) -> None:
    """Makes this process kill itself at an event: ``step``, ``before`` or ``after`` a file is replaced."""
    left = number

    def event(name: str) -> None:
        nonlocal left
        left -= name == counted
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    step, replace = _Run.step, os.replace

    def killed_step(run: Any) -> None:
        step(run)
        event("step")

    def killed_replace(*paths: Any) -> None:
        event("before")
        replace(*paths)
        event("after")

    _Run.step = killed_step
    os.replace = killed_replace


def attempt(prepare: Callable[[], None], arguments: list[str]) -> bool:
    """Whether the command got to its end in a process of its own; anything but success or the kill is an error."""
    process = os.fork()
    if process == 0:
        prepare()
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
        # The first file is config.json, the second something new: a kill after it makes sure to get on.
        moment, number = generator.choice([("step", generator.randrange(1, 40)), ("before", 2), ("after", 2)])
        if attempt(lambda: kill_at(moment, number), arguments):  # noqa: B023 (called at once)
            return
        print(moment, number, flush=True)
        arguments = ["train", "--resume", "--out", folder]
    raise SystemExit("the run makes no progress")


if __name__ == "__main__":
    main(*sys.argv[1:])
