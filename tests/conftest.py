import os
from pathlib import Path

import pytest
import torch

# The tests' tensors are small: threads only cost, above all where another process uses the cores.
torch.set_num_threads(1)


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
