import math
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children

import pytest
import torch

from spherical_gae.training.jobs import in_jobs


def process_and_threads(number: int) -> tuple[int, int, int]:
    return number, os.getpid(), torch.get_num_threads()


def kill_itself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


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


def test_jobs_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="jobs: given 0, allowed: 1 or more"):
        list(in_jobs(math.sqrt, (1.0,), jobs=0))
