from pathlib import Path

import pytest
import torch

from spherical_gae.randomness import random_state, restore_random_state, seed_random
from spherical_gae.training.checkpoint import load_checkpoint, save_checkpoint

CPU = torch.device("cpu")


def test_random_state_round_trip(tmp_path: Path) -> None:
    torch.manual_seed(7)
    torch.rand(3)
    save_checkpoint(tmp_path / "state.ckpt", random_state(CPU))
    expected = torch.rand(5), torch.randn(5), torch.randint(2**62, (5,))
    restore_random_state(load_checkpoint(tmp_path / "state.ckpt"), CPU)
    actual = torch.rand(5), torch.randn(5), torch.randint(2**62, (5,))
    assert all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


def test_seeding_is_torchs_without_its_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2**40)
    expected = torch.rand(3)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("reseeded the GPUs"))
    seed_random(2**40, CPU)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_random_state_on_cuda() -> None:
    device = torch.device("cuda")
    seed_random(1, device)
    state = random_state(device)
    expected = torch.rand(3), torch.rand(3, device=device)
    restore_random_state(state, device)
    actual = torch.rand(3), torch.rand(3, device=device)
    assert all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))
