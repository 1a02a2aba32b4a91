import math
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from spherical_gae.training.jobs import in_jobs
from tests.helpers.fresh_processes import fresh_processes


def process_and_threads(number: int) -> tuple[int, int, int]:
    return number, os.getpid(), torch.get_num_threads()


def kill_itself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stay(lock: Path) -> None:
    """Holds the lock for as long as this process lives."""
    FileLock(lock).acquire()
    lock.with_suffix(".held").touch()
    signal.pause()


def in_two_jobs(folder: Path) -> None:
    list(in_jobs(stay, [folder / "first.lock", folder / "second.lock"], jobs=2))


@pytest.mark.slow
def test_items_are_shared_by_other_processes_of_as_many_threads() -> None:
    found = sorted(in_jobs(process_and_threads, (3, 1, 2), jobs=2))
    assert [number for number, _, _ in found] == [1, 2, 3]
    assert os.getpid() not in {process for _, process, _ in found}
    assert {threads for _, _, threads in found} == {torch.get_num_threads()}


@pytest.mark.slow
def test_an_error_arrives_as_it_is_and_ends_the_processes() -> None:
    before = set(active_children())
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        list(in_jobs(math.sqrt, (-1.0,), jobs=2))
    assert set(active_children()) == before
    with pytest.raises(BrokenProcessPool):
        list(in_jobs(kill_itself, (0,), jobs=1))
    assert set(active_children()) == before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pause"), reason="needs signals of Unix")
def test_no_process_outlives_the_first_one_that_is_killed(tmp_path: Path) -> None:
    first = fresh_processes().Process(target=in_two_jobs, args=(tmp_path,))
    first.start()
    names = ("first", "second")
    while not all((tmp_path / f"{name}.held").exists() for name in names):
        assert first.is_alive()
        time.sleep(0.05)
    first.kill()
    for name in names:
        # It is free when its process has ended.
        with FileLock(tmp_path / f"{name}.lock"):
            pass


def test_jobs_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="jobs: given 0, allowed: 1 or more"):
        list(in_jobs(math.sqrt, (1.0,), jobs=0))
