"""The command under torchrun: two processes, one of which is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spherical_gae.training.links.run import LinkRun
from tests.helpers.cli_calls import call

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
TRAIN = ["-m", "spherical_gae", "train", "--preset", "scalable", "--batch-size", "256"]


def workers_of(launcher: int) -> list[int]:
    """Process ids of what torchrun has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):  # it has ended meanwhile
                continue
            if parent == launcher:
                found.append(int(entry.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the processes in /proc")
def test_killed_process_ends_the_run_which_one_process_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*TORCHRUN, *TRAIN, "--epochs", "100000", "--out", str(folder)]
    launcher = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    checkpoint = folder / "cells" / "s-vgae-0.ckpt"
    # However long that takes, as long as it trains.
    while not checkpoint.exists():
        assert launcher.poll() is None, launcher.communicate()[1]
        time.sleep(0.05)
    os.kill(workers_of(launcher.pid)[-1], signal.SIGKILL)
    _, errors = launcher.communicate()
    assert launcher.returncode != 0
    assert f"go on with --resume --out {folder}, with any number of processes" in errors

    # One process goes on from the checkpoint of two.
    step, epochs = LinkRun.step, []

    def stopped_after_two(run: LinkRun) -> None:
        epochs.append(run.epoch)
        if len(epochs) == 3:
            raise KeyboardInterrupt
        step(run)

    monkeypatch.setattr(LinkRun, "step", stopped_after_two)
    resumed = call("train", "--resume", "--out", folder)
    assert resumed.exit_code == 130, resumed.output
    assert epochs == [epochs[0], epochs[0] + 1, epochs[0] + 2]
    assert epochs[0] > 0


@pytest.mark.slow
@pytest.mark.real_data
def test_processes_share_out_the_seeds_of_a_small_graph(tmp_path: Path, real_data_root: Path) -> None:
    """Cora with the preset paper, which trains on the full batch: the same files as by one process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SPHERICAL_GAE_DATA": str(real_data_root)}
    options = ["--dataset", "cora", "--preset", "paper", "--seeds", "0-3", "--epochs", "2", "--latent-dim", "3"]
    train = [*TORCHRUN, "-m", "spherical_gae", "train", *options, "--out", str(tmp_path / "two")]
    shared = subprocess.run(train, capture_output=True, text=True, check=True, env=environment)
    assert "2 processes: each trains other ones of the 4 seeds." in shared.stdout
    assert call("train", *options, "--out", tmp_path / "one").exit_code == 0
    names = [f"cells/{kind}-{seed}.json" for kind in ("s-vgae", "n-vgae", "cosine") for seed in range(4)]
    for name in ("metrics.json", "history.csv", "embeddings.npy", *names):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name
    picture = (tmp_path / "two" / "latent.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
