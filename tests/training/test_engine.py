from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from spherical_gae.randomness import seeded
from spherical_gae.training import engine
from spherical_gae.training.checkpoint import load_checkpoint, save_checkpoint
from spherical_gae.training.engine import run_epochs

CPU = torch.device("cpu")


class StopHereError(Exception):
    pass


class Draws:
    """A run whose epochs each draw a number; it ends early at ``last``, and fails in epoch ``fails``."""

    def __init__(self, max_epochs: int, last: int | None = None, fails: int | None = None) -> None:
        self.max_epochs, self.last, self.fails = max_epochs, last or max_epochs, fails
        self.epoch = 0
        self.numbers: list[float] = []
        self.stepped: list[int] = []
        self.restored_from: str | Path | None = None

    @property
    def is_finished(self) -> bool:
        return self.epoch >= self.last

    def step(self) -> None:
        if self.epoch + 1 == self.fails:
            raise StopHereError
        self.epoch += 1
        self.stepped.append(self.epoch)
        self.numbers.append(torch.rand(()).item())

    def figures(self) -> dict[str, float]:
        return {"number": self.numbers[-1]}

    def latest(self) -> dict[str, str]:
        return {"number": f"{self.epoch}e"}

    def state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "numbers": self.numbers, "random": torch.get_rng_state()}

    def restore(self, state: dict[str, Any], path: str | Path) -> None:
        self.epoch, self.numbers, self.restored_from = state["epoch"], state["numbers"], path
        torch.set_rng_state(state["random"])


def run_to_the_end(run: Draws, checkpoint: Path | None = None, every: int = 3, progress: bool = False) -> Draws:
    with seeded(0, CPU):
        run_epochs(
            run, device=CPU, checkpoint=checkpoint, checkpoint_every=every, progress=progress, title="Numbers drawn"
        )
    return run


@pytest.mark.parametrize(
    ("every", "last", "epochs"),
    [(3, 7, [3, 6, 7]), (7, 7, [7]), (100, 7, [7]), (1, 3, [1, 2, 3]), (3, 5, [3, 5]), (3, 6, [3, 6])],
)
def test_checkpoints_at_multiples_and_once_at_the_end(
    tmp_path: Path, every: int, last: int, epochs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []

    def save(path: Path, state: dict[str, Any]) -> None:
        saved.append(state["epoch"])
        save_checkpoint(path, state)

    monkeypatch.setattr(engine, "save_checkpoint", save)
    run = run_to_the_end(Draws(7, last), tmp_path / "run.ckpt", every)
    assert saved == epochs
    assert run.stepped == list(range(1, last + 1))
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]
    assert load_checkpoint(tmp_path / "run.ckpt")["numbers"] == run.numbers


def test_without_a_checkpoint_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("save_checkpoint", "load_checkpoint"):
        monkeypatch.setattr(engine, name, lambda *_: pytest.fail("touched a file"))
    assert run_to_the_end(Draws(4), None, every=1).stepped == [1, 2, 3, 4]


def test_resuming_continues_where_the_last_checkpoint_was(tmp_path: Path) -> None:
    expected = run_to_the_end(Draws(10)).numbers
    assert len(set(expected)) == 10
    path = tmp_path / "run.ckpt"
    # Before the first checkpoint; between two; from there, right after another.
    for fails, stepped in ((2, [1]), (6, [1, 2, 3, 4, 5]), (7, [4, 5, 6])):
        run = Draws(10, fails=fails)
        with pytest.raises(StopHereError):
            run_to_the_end(run, path)
        assert run.stepped == stepped
    run = run_to_the_end(Draws(10), path)
    assert run.restored_from == path
    assert run.stepped == [7, 8, 9, 10]
    assert run.numbers == expected


@pytest.mark.parametrize("last", [4, 6])
def test_finished_run_is_neither_stepped_nor_written_again(tmp_path: Path, last: int) -> None:
    path = tmp_path / "run.ckpt"
    expected = run_to_the_end(Draws(6, last), path).numbers
    before = path.stat()
    run = run_to_the_end(Draws(6, last), path)
    assert (run.stepped, run.numbers) == ([], expected)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_callbacks_get_every_epoch_after_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    seen: list[tuple[int, float, int]] = []

    def note(epoch: int, figures: Mapping[str, float]) -> None:
        seen.append((epoch, figures["number"], load_checkpoint(path)["epoch"]))
        if epoch == 4:
            raise StopHereError

    runs = []
    for _ in range(2):
        runs.append(Draws(5))
        try:
            with seeded(0, CPU):
                run_epochs(
                    runs[-1],
                    device=CPU,
                    checkpoint=path,
                    checkpoint_every=1,
                    progress=False,
                    title="",
                    callbacks=[note],
                )
        except StopHereError:
            # What a callback raises reaches the caller.
            assert runs[-1].stepped == [1, 2, 3, 4]
    # The epoch that was interrupted in its callback is done, and not done again.
    assert runs[1].stepped == [5]
    expected = run_to_the_end(Draws(5)).numbers
    assert seen == [(epoch, number, epoch) for epoch, number in enumerate(expected, start=1)]


def test_checkpoint_that_the_run_refuses_stays_as_it_is(tmp_path: Path) -> None:
    class Refuses(Draws):
        def restore(self, state: dict[str, Any], path: str | Path) -> None:
            raise ValueError(f"{path} is of another run")

    path = tmp_path / "run.ckpt"
    run_to_the_end(Draws(5), path)
    before = path.read_bytes()
    run = Refuses(9)
    with pytest.raises(ValueError, match=r"run\.ckpt is of another run"):
        run_to_the_end(run, path)
    assert run.stepped == []
    assert path.read_bytes() == before


def test_crash_in_an_epoch_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    run = Draws(9, fails=6)
    with pytest.raises(StopHereError):
        run_to_the_end(run, path, every=2)
    state = load_checkpoint(path)
    assert (state["epoch"], state["numbers"]) == (4, run.numbers[:4])
    assert len(run.numbers) == 5


def test_crash_in_writing_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = torch.save

    def save_half(state: dict[str, Any], file: Any) -> None:
        if state["epoch"] == 4:
            file.write(b"half a checkpoint")
            raise StopHereError
        save(state, file)

    monkeypatch.setattr(torch, "save", save_half)
    path = tmp_path / "run.ckpt"
    with pytest.raises(StopHereError):
        run_to_the_end(Draws(9), path, every=2)
    assert load_checkpoint(path)["epoch"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]


@pytest.mark.parametrize("fails", [False, True])
def test_generator_is_given_back(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(5)
    torch.rand(3)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("reseeded the GPUs"))
    before = torch.get_rng_state()
    try:
        with seeded(5, CPU):
            torch.rand(100)
            assert not torch.equal(torch.get_rng_state(), before)
            if fails:
                raise StopHereError
    except StopHereError:
        assert fails
    assert torch.equal(torch.get_rng_state(), before)


def numbers_of(seed: int) -> list[float]:
    with seeded(seed, CPU):
        return torch.rand(4).tolist()


def test_numbers_depend_on_the_seed_only() -> None:
    torch.manual_seed(1)
    first = numbers_of(7)
    torch.manual_seed(2)
    torch.rand(11)
    assert numbers_of(7) == first
    assert numbers_of(8) != first


def test_progress_bar_starts_where_the_run_is_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.ckpt"
    with pytest.raises(StopHereError):
        run_to_the_end(Draws(7, fails=5), path)
    assert capsys.readouterr() == ("", "")
    run_to_the_end(Draws(7), path, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    shown = err.split("\r")
    assert "Numbers drawn" in shown[1]
    assert "3/7" in shown[1]
    assert "7/7" in shown[-1]
    assert "number=7e" in shown[-1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_generator_of_the_gpu_is_given_back() -> None:
    device = torch.device("cuda")
    before = torch.cuda.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(3, device):
            drawn.append(torch.rand(4, device=device).tolist())
        torch.rand(1)
        assert torch.equal(torch.cuda.get_rng_state(), before)
    assert drawn[0] == drawn[1]
