import copy
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from spherical_gae.training.checkpoint import load_checkpoint, save_checkpoint
from spherical_gae.training.early_stopping import EarlyStopping


def scored(stopping: EarlyStopping, scores: list[float]) -> int:
    """Gives epoch e the weight e and its score; returns the epoch after which to stop, 0 if there is none."""
    model = nn.Linear(1, 1, bias=False)
    for epoch, score in enumerate(scores, start=1):
        nn.init.constant_(model.weight, epoch)
        stopping.update(epoch, score, model)
        if stopping.is_due(epoch):
            return epoch
    return 0


def best(stopping: EarlyStopping) -> tuple[int, float, float]:
    return stopping.best_epoch, stopping.best_score, stopping.best_weights["weight"].item()


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1.0], (1, 1.0)),
        ([-5.0, -2.0, -3.0, -1.0], (4, -1.0)),
        ([3.0, 2.0, 1.0], (1, 3.0)),
        ([1.0, 4.0, 2.0, 4.0, 4.0], (2, 4.0)),
        ([0.0, 0.0, 0.0], (1, 0.0)),
        ([-math.inf, -1e300], (2, -1e300)),
    ],
)
def test_keeps_the_highest_score_and_of_equals_the_first(scores: list[float], expected: tuple[int, float]) -> None:
    stopping = EarlyStopping(look_ahead=100)
    assert scored(stopping, scores) == 0
    assert best(stopping) == (*expected, float(expected[0]))


def test_before_the_first_score() -> None:
    stopping = EarlyStopping(look_ahead=1)
    assert (stopping.best_epoch, stopping.best_score, stopping.best_weights) == (0, -math.inf, {})
    assert not stopping.is_due(0)


@pytest.mark.parametrize(
    ("look_ahead", "earliest", "scores", "last"),
    [
        (1, 0, [1, 2, 3, 3, 9], 4),
        (2, 0, [1, 2, 1, 3, 1, 2.5, 9], 6),
        (3, 0, [5, 1, 2, 3, 9], 4),
        (3, 0, [5, 1, 2, 9, 1, 1], 0),
        # The best epoch is within the warm-up, from whose end is counted, at it, or after it.
        (2, 4, [5, 1, 1, 1, 1, 1, 9], 6),
        (2, 4, [1, 2, 3, 4, 1, 1, 9], 6),
        (2, 4, [1, 2, 3, 4, 5, 1, 1, 9], 7),
        # A better score within the look-ahead counts from there.
        (2, 3, [5, 1, 1, 1, 6, 1, 1, 9], 7),
        (1, 5, [9, 1, 1, 1, 1], 0),
    ],
)
def test_look_ahead_counts_from_the_later_of_best_and_earliest(
    look_ahead: int, earliest: int, scores: list[float], last: int
) -> None:
    assert scored(EarlyStopping(look_ahead, earliest), scores) == last


@pytest.mark.parametrize("place", range(4))
def test_nan_is_never_the_best_nor_in_the_way_of_one(place: int) -> None:
    scores = [1.0, 3.0, 2.0]
    scores.insert(place, math.nan)
    stopping = EarlyStopping(look_ahead=100)
    scored(stopping, scores)
    epoch = scores.index(3.0) + 1
    assert best(stopping) == (epoch, 3.0, float(epoch))


def test_nothing_but_nan_has_no_best_and_ends() -> None:
    stopping = EarlyStopping(look_ahead=3)
    assert scored(stopping, [math.nan] * 10) == 3
    assert (stopping.best_epoch, stopping.best_weights) == (0, {})


def test_weights_are_copies_of_parameters_and_buffers() -> None:
    model = nn.BatchNorm1d(2)
    stopping = EarlyStopping(look_ahead=1)
    expected = copy.deepcopy(model.state_dict())
    stopping.update(1, 0.0, model)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(1)
    assert stopping.best_weights.keys() == expected.keys() >= {"weight", "running_mean", "num_batches_tracked"}
    assert all(torch.equal(stopping.best_weights[name], tensor) for name, tensor in expected.items())
    assert not any(tensor.requires_grad for tensor in stopping.best_weights.values())


@pytest.mark.parametrize("done", [0, 1, 2, 5])
def test_state_round_trip_through_a_file_decides_alike(tmp_path: Path, done: int) -> None:
    scores = [1.0, 4.0, 2.0, 4.0, 5.0, 3.0, 3.0, 9.0]
    whole = EarlyStopping(2, earliest=4)
    assert scored(whole, scores) == 7

    part = EarlyStopping(2, earliest=4)
    scored(part, scores[:done])
    save_checkpoint(tmp_path / "state.ckpt", part.state())
    restored = EarlyStopping(2, earliest=4)
    restored.restore(load_checkpoint(tmp_path / "state.ckpt"))
    assert (restored.best_epoch, restored.best_score) == (part.best_epoch, part.best_score)
    assert restored.best_weights == part.best_weights

    model = nn.Linear(1, 1, bias=False)
    due = []
    for epoch in range(done + 1, 8):
        nn.init.constant_(model.weight, epoch)
        restored.update(epoch, scores[epoch - 1], model)
        due.append(restored.is_due(epoch))
    assert due == [False] * (len(due) - 1) + [True]
    assert best(restored) == best(whole) == (5, 5.0, 5.0)
