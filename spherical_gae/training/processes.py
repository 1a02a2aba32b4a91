"""The processes that train one model together, on torch.distributed; a single one needs none of it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from spherical_gae.training.launch import LOCAL_RANK, launched_processes, launched_rank

T = TypeVar("T")

# The first process reads, writes and draws while the others wait; one that is lost is noticed at once.
_PATIENCE = timedelta(hours=6)


_works_alone: ContextVar[bool] = ContextVar("works_alone", default=False)


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: Its number, from 0.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def current(cls) -> Processes:
        """Those of torch.distributed's default group if there is one, else, and in ``alone``, this process alone."""
        if not _works_alone.get() and dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def share(self, values: Tensor) -> Tensor:
        """This process's part of the last axis: every ``count``-th entry."""
        return values[..., self.rank :: self.count]

    def gather(self, values: Tensor, total: int) -> Tensor:
        """Puts the processes' parts together again.

        Args:
            values: What was computed for ``share`` of so many entries, one number each, shape [n].
            total: Number of entries of all processes.

        Returns:
            Shape [total], in the order before ``share``, in every process.
        """
        if self.count == 1:
            return values
        longest = -(-total // self.count)
        padded = values.new_zeros(longest)
        padded[: values.numel()] = values
        parts = [torch.empty_like(padded) for _ in range(self.count)]
        dist.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten()[:total]

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over the processes."""
        if self.count > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.count
        return value

    def equalize(self, module: nn.Module) -> None:
        """Gives a module the first process's buffers, such as running statistics, in every process."""
        if self.count > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, src=0)

    def wait(self) -> None:
        """Waits until all processes are here."""
        if self.count > 1:
            dist.barrier()

    def agree(self, value: T) -> T:
        """The first process's value, in every process; all wait for it."""
        if self.count == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]


@contextmanager
def alone() -> Iterator[None]:
    """Makes this process train by itself in a block, as if there were no others; each may do something else there.

    Example:
        >>> with alone():
        ...     Processes.current().count
        1
    """
    token = _works_alone.set(True)
    try:
        yield
    finally:
        _works_alone.reset(token)


def leave_group() -> None:
    """Leaves torch.distributed's default group and ends its threads.

    A reference cycle that holds a DistributedDataParallel keeps them past ``destroy_process_group``, and one
    that runs while the interpreter shuts down can abort the process; so the garbage is collected too.
    """
    dist.destroy_process_group()
    gc.collect()


def own_device(device: torch.device) -> torch.device:
    """The device of this process: of several on GPUs, each has its own.

    Example:
        >>> own_device(torch.device("cpu"))
        device(type='cpu')
    """
    if device.type == "cuda" and launched_processes() > 1:
        return torch.device("cuda", int(os.environ.get(LOCAL_RANK, launched_rank())))
    return device


@contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """Joins the processes that torchrun has started, for a block; without torchrun, nothing.

    They talk by NCCL if ``device`` is a GPU, else by gloo.

    Example:
        >>> with joined_processes(torch.device("cpu")) as processes:
        ...     processes.count  # without torchrun
        1
    """
    if launched_processes() == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes.current()
    finally:
        leave_group()
