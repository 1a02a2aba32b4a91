"""The state of torch's random generators: seeded, saved, and given back to the caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def seed_random(seed: int, device: torch.device) -> None:
    """Seeds torch's generators that computations on ``device`` draw from, and no others."""
    # Not torch.manual_seed, which would reseed all accelerators as well.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seeds the generators for a block, and gives the caller's back at its end.

    An initialisation with the same seed has used the same numbers, for another purpose; torch's CPU generator knows
    2^32 seeds only.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        seed_random(seed, device)
        yield


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of torch's generators that computations on ``device`` draw from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Sets what ``random_state`` returned."""
    torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
