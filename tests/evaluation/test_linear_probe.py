"""The linear probe against its own objective, minimised by another method, and every choice of C by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from spherical_gae.evaluation import linear_probe

STRENGTHS = (0.01, 1.0, 100.0)


def problem(seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Rows about three centres that overlap, their classes, and three parts of 40."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=120)
    return np.eye(4)[labels] + 0.7 * random.normal(size=(120, 4)), labels, random.permutation(120).reshape(3, 40)


def brute_force(x: NDArray[Any], labels: NDArray[Any], train: NDArray[Any], strength: float) -> NDArray[Any]:
    """The classes that the minimum of the docstring's objective predicts, found without gradients' formulas."""

    def objective(flat: NDArray[Any]) -> float:
        weights, bias = flat[:12].reshape(4, 3), flat[12:]
        log_p = log_softmax(x[train] @ weights + bias, axis=1)
        return 0.5 * np.square(weights).sum() - strength * log_p[np.arange(len(train)), labels[train]].sum()

    flat = minimize(objective, np.zeros(15), method="BFGS", options={"gtol": 1e-4}).x
    return (x @ flat[:12].reshape(4, 3) + flat[12:]).argmax(1)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_best_of_its_objective_and_of_the_validation_part(seed: int) -> None:
    x, labels, (train, val, test) = problem(seed)
    right = [brute_force(x, labels, train, strength) == labels for strength in STRENGTHS]
    best = int(np.argmax([hits[val].mean() for hits in right]))
    found = linear_probe(torch.from_numpy(x), torch.from_numpy(labels), train, torch.from_numpy(val), test, STRENGTHS)
    assert found == (right[best][test].mean(), right[best][val].mean(), STRENGTHS[best])


def test_masks_are_numbers_and_texts_are_classes() -> None:
    x, labels, parts = problem(0)
    masks = [np.isin(np.arange(120), part) for part in parts]
    names = np.array(["a", "b", "c"])[labels]
    assert linear_probe(x, names, *masks) == linear_probe(x, labels, *parts)


def test_the_test_part_changes_nothing_but_its_score() -> None:
    x, labels, (train, val, test) = problem(1)
    other = labels.copy()
    other[test] = (labels[test] + 1) % 3
    found, changed = linear_probe(x, labels, train, val, test), linear_probe(x, other, train, val, test)
    assert found[1:] == changed[1:]
    assert changed.accuracy <= 1 - found.accuracy


X, LABELS = np.eye(6), np.array([0, 1, 0, 1, 0, 2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding": X[:5]}, r"embedding: given shape \[5, 6\], allowed: \[6, m\]"),
        ({"embedding": X * math.nan}, "embedding: given NaN or infinite numbers"),
        ({"labels": [0.5] * 6}, "labels: given values of type float64"),
        ({"train": [0, 2], "val": [1]}, "train: given nodes of the class 0 alone"),
        ({"train": [0, 0, 1]}, "train: given a node twice"),
        ({"val": [1]}, "val: given a node twice or one of another part"),
        ({"val": [5]}, r"val: given nodes of \[2\], allowed: of classes that a node of train has"),
        ({"test": [6]}, "test: given 6 to 6, allowed: nodes 0 to 5"),
        ({"test": np.zeros(6, dtype=bool)}, r"test: given int64 of shape \[0\]"),
        ({"test": [0.5]}, r"test: given float64 of shape \[1\]"),
        ({"strengths": np.array([1.0, 0.0])}, r"strengths: given \[1.0, 0.0\], allowed"),
        ({"strengths": []}, r"strengths: given \[\], allowed"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    given = {"embedding": X, "labels": LABELS, "train": [0, 1], "val": [2], "test": [3, 4], **changes}
    with pytest.raises(ValueError, match=message):
        linear_probe(**given)
