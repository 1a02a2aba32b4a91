import weakref
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from spherical_gae.training.processes import (
    Processes,
    alone,
    joined_processes,
    launched_processes,
    leave_group,
    own_device,
)
from tests.helpers import distributed_fits
from tests.helpers.link_runs import Outcome, assert_identical, small_split
from tests.helpers.two_processes import in_two_processes

CPU = torch.device("cpu")


def test_alone_nothing_is_exchanged() -> None:
    processes = Processes.current()
    assert processes == Processes(0, 1)
    values = torch.arange(5.0)
    assert torch.equal(processes.share(values), values)
    assert torch.equal(processes.gather(values, 5), values)
    assert processes.mean(values[3]) == 3
    assert processes.agree("this") == "this"
    with joined_processes(CPU) as joined:
        assert joined == processes


def test_torchrun_is_recognised_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launched_processes() == 1
    for name, value in {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert launched_processes() == 4
    assert own_device(torch.device("cuda")) == torch.device("cuda", 1)
    assert own_device(CPU) == CPU


def test_leaving_the_group_frees_a_model_in_a_reference_cycle(tmp_path: Path) -> None:
    """It holds the group, whose threads would run into the interpreter's end."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    model = DistributedDataParallel(nn.Linear(2, 1))
    model.itself = [model]  # type: ignore[assignment]
    seen = weakref.ref(model)
    del model
    assert seen() is not None
    leave_group()
    assert seen() is None
    assert not dist.is_initialized()


@pytest.mark.slow
def test_two_processes_share_and_gather(tmp_path: Path) -> None:
    first, second = in_two_processes(distributed_fits.exchange, tmp_path / "group")
    assert (first["processes"], second["processes"]) == (Processes(0, 2), Processes(1, 2))
    for total in (1, 2, 7, 8):
        expected = torch.arange(2.0 * total, 3.0 * total)
        assert torch.equal(first[f"own {total}"], expected[::2])
        assert torch.equal(second[f"own {total}"], expected[1::2])
        assert torch.equal(first[f"all {total}"], expected)
        assert torch.equal(second[f"all {total}"], expected)
    assert first["mean"] == second["mean"] == 10.5
    assert first["agreed"] == second["agreed"] == {"rank": 0}
    batches = list(zip(first["batches"], second["batches"], strict=True))
    assert all(abs(own.size(1) - other.size(1)) <= 1 for (own, _), (other, _) in batches)
    assert not any(torch.equal(own[:, :40], other[:, :40]) for (_, own), (_, other) in batches)
    links = [tuple(pair) for (own, _), (other, _) in batches for part in (own, other) for pair in part.t().tolist()]
    expected_links = small_split().train.pos_edge_label_index
    assert sorted(links) == sorted(map(tuple, expected_links.t().tolist()))
    refusal = "batch_size must be at least 1 to train in 2 processes, got the full batch"
    assert first["full batch"] == second["full batch"] == refusal


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """What a run in two processes returns in each."""
    return in_two_processes(distributed_fits.fit_together, tmp_path_factory.mktemp("together") / "group")


@pytest.mark.slow
def test_two_processes_train_one_model(together: list[Outcome]) -> None:
    """The same weights in both, and AUC within .01 of one process's."""
    first, second = together
    assert_identical(first, second)
    alone = distributed_fits.fit_together()
    assert first[1].test.auc == pytest.approx(alone[1].test.auc, abs=0.01)
    assert first[1].history["loss"] != alone[1].history["loss"]


@pytest.mark.slow
def test_resumed_by_as_many_processes_it_is_the_same_bit_for_bit(together: list[Outcome], tmp_path: Path) -> None:
    """After three of four epochs, amid the second mask; and by one process, with about the same result."""
    checkpoint, whole = tmp_path / "run.ckpt", together[0]
    in_two_processes(distributed_fits.fit_together, tmp_path / "part", checkpoint, 3)
    state = torch.load(checkpoint, weights_only=True)
    assert state["epoch"] == 3
    state["identity"]["config"]["epochs"] = 4
    torch.save(state, checkpoint)
    torch.save(state, tmp_path / "other.ckpt")
    resumed, _ = in_two_processes(distributed_fits.fit_together, tmp_path / "resumed", checkpoint)
    assert_identical(resumed, whole)
    alone = distributed_fits.fit_together(tmp_path / "other.ckpt")
    assert alone[1].history["loss"][:3] == whole[1].history["loss"][:3]
    assert alone[1].test.auc == pytest.approx(whole[1].test.auc, abs=0.01)


def who_is_there() -> tuple[Processes, Processes]:
    with alone():
        inside = Processes.current()
        inside.wait()
    Processes.current().wait()
    return inside, Processes.current()


@pytest.mark.slow
def test_a_block_alone_sees_no_others(tmp_path: Path) -> None:
    first, second = in_two_processes(who_is_there, tmp_path / "two")
    assert first == (Processes(0, 1), Processes(0, 2))
    assert second == (Processes(0, 1), Processes(1, 2))
