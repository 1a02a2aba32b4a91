import pytest
import torch

from benchmarks.laws.gpu import large_split, law_times, run_of
from spherical_gae.training.links.full_batch import FullBatchRun


def test_times_are_over_those_of_normal() -> None:
    found = law_times(torch.device("cpu"), ((20, 3),), repeats=1)["(20, 3)"]
    for name in ("VonMisesFisher", "PowerSpherical"):
        assert found[f"{name} over Normal"] == pytest.approx(found[name] / found["Normal"])
        assert found[name] > 0


def test_large_graph_has_links_enough_and_a_run() -> None:
    split = large_split(2000)
    assert split.train.num_nodes == 200
    assert 1300 < split.train.pos_edge_label_index.size(1) < 2000
    run = run_of("scalable", "large", split, torch.device("cpu"))
    assert isinstance(run, FullBatchRun)
    assert run.train_step() > 0
