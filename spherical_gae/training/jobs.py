"""The same work on many items, in processes that know nothing of each other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import TypeVar

import torch

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


def in_jobs(work: Callable[[I], R], items: Sequence[I], jobs: int) -> Iterator[R]:
    """Results of ``work`` on every item, as they come, from processes with as many CPU threads each as this one.

    When an item fails, or the caller is interrupted or killed, the processes are ended and what they had not finished
    is lost.

    Args:
        work: A function that can be pickled.
        items: What it is called with, each by some process.
        jobs: Number of processes, at least 1; no more are started than there are items.

    Yields:
        The results, in no particular order.

    Raises:
        ValueError: If ``jobs`` is below 1.
        BrokenProcessPool: If a process is killed, for instance for lack of memory.

    Example:
        >>> list(in_jobs(len, ["ann", "bobby"], jobs=1)) in ([3, 5], [5, 3])
        True
    """
    if jobs < 1:
        raise ValueError(f"jobs: given {jobs}, allowed: 1 or more")
    others = set(active_children())
    pool = ProcessPoolExecutor(
        max(1, min(jobs, len(items))),
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(torch.get_num_threads(),),
    )
    try:
        for future in as_completed([pool.submit(work, item) for item in items]):
            yield future.result()
    except BaseException:
        for child in set(active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _start(num_threads: int) -> None:
    torch.set_num_threads(num_threads)
    # Ctrl-C reaches all processes of a terminal; the first one ends the others and says so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_first, daemon=True).start()


def _end_with_the_first() -> None:
    # One that is killed cannot end the others, which would train on what nobody waits for, beside the next attempt.
    first = parent_process()
    if first is not None:
        wait([first.sentinel])
        os._exit(1)
