import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

# The tests' tensors are small: threads only cost, above all where another process uses the cores.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def settings_of_torch() -> Iterator[None]:
    """Undoes what a command or a benchmark sets for its own process: the next test may compare bit for bit."""
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)


@pytest.fixture(scope="session")
def real_data_root() -> Path:
    """The folder of the real data sets, named by ``SPHERICAL_GAE_DATA``; read-only."""
    root = os.environ.get("SPHERICAL_GAE_DATA")
    if not root or not Path(root).exists():
        pytest.skip(
            f"REAL DATA NOT TESTED: SPHERICAL_GAE_DATA={root!r} names no folder; "
            "run `python datasets/fetch.py --root DIR` and set it to DIR"
        )
    return Path(root)
