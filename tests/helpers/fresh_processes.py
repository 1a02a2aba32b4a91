"""Processes that know nothing of the test's own, and need not import PyTorch again."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from typing import TypeVar

R = TypeVar("R")

# More than ten seconds of imports; what is not here is imported by the process.
IMPORTED_ONCE = [
    "spherical_gae.cli.train",
    "spherical_gae.embedding.estimator",
    "spherical_gae.training.links.row_batch",
]


def fresh_processes() -> BaseContext:
    """How they start: each from one server without threads that has imported what costs most."""
    context = get_context("forkserver" if hasattr(os, "fork") else "spawn")
    context.set_forkserver_preload(IMPORTED_ONCE)
    return context


def in_fresh_process(function: Callable[..., R], *arguments: object) -> R:
    """What ``function(*arguments)``, which must be picklable, returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=fresh_processes()) as pool:
        return pool.submit(function, *arguments).result()
