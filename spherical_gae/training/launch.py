"""What torchrun says of the processes that it starts; apart from them, so that it needs no torch."""

import os

RANK, LOCAL_RANK, COUNT = "RANK", "LOCAL_RANK", "WORLD_SIZE"
"""Environment variables that torchrun sets."""


def launched_processes() -> int:
    """The number of processes that torchrun has started with this one; 1 without torchrun."""
    return int(os.environ.get(COUNT, "1")) if RANK in os.environ else 1


def launched_rank() -> int:
    """This process's number among them; 0 without torchrun."""
    return int(os.environ.get(RANK, "0"))
