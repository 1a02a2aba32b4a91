"""Scores of clusters against counting: all matchings, all pairs, entropies by hand."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
import torch

from spherical_gae.evaluation import clustering_scores


def best_matching(labels: list[int], clusters: list[int]) -> float:
    """Every way to give each cluster a class of its own, or none."""
    names = sorted(set(clusters))
    targets = [*sorted(set(labels)), *[None] * len(names)]
    best = 0
    for chosen in set(permutations(targets, len(names))):
        of = dict(zip(names, chosen, strict=True))
        best = max(best, sum(of[c] == label for label, c in zip(labels, clusters, strict=True)))
    return best / len(labels)


def entropy(values: list[Any]) -> float:
    return -sum(count / len(values) * math.log(count / len(values)) for count in Counter(values).values())


def nmi(labels: list[int], clusters: list[int]) -> float:
    joint = entropy(list(zip(labels, clusters, strict=True)))
    return (entropy(labels) + entropy(clusters) - joint) / ((entropy(labels) + entropy(clusters)) / 2)


def ari(labels: list[int], clusters: list[int]) -> float:
    """Of all pairs of nodes: together in both, beyond what is expected, over the most there can be beyond it."""
    pairs = list(combinations(range(len(labels)), 2))
    same = [labels[i] == labels[j] for i, j in pairs]
    together = [clusters[i] == clusters[j] for i, j in pairs]
    both = sum(a and b for a, b in zip(same, together, strict=True))
    expected = sum(same) * sum(together) / len(pairs)
    return (both - expected) / ((sum(same) + sum(together)) / 2 - expected)


@pytest.mark.parametrize(("num_classes", "num_clusters"), [(2, 2), (3, 3), (4, 2), (2, 4), (3, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_counting(num_classes: int, num_clusters: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(num_classes, size=20)
    # Half of the nodes follow their class.
    clusters = np.where(random.random(20) < 0.5, labels % num_clusters, random.integers(num_clusters, size=20))
    found = clustering_scores(torch.from_numpy(labels), clusters)
    expected = [of(labels.tolist(), clusters.tolist()) for of in (best_matching, nmi, ari)]
    assert found == pytest.approx(expected, abs=1e-12)


def test_names_do_not_matter_and_one_partition_is_perfect() -> None:
    labels = ["red", "red", "blue", "green", "blue"]
    assert clustering_scores(labels, [7, 7, -1, 3, -1]) == (1, 1, 1)
    assert clustering_scores(np.array(labels, dtype=object), [True, True, False, True, False]).accuracy == 0.8


@pytest.mark.parametrize(
    ("labels", "clusters", "message"),
    [
        ([0, 1], [0], "clusters: given 1 values, allowed: 2, as many as labels"),
        ([], [], r"labels: given shape \[0\], allowed: \[N\] with N >= 1"),
        ([0, 1], [[0, 1]], r"clusters: given shape \[1, 2\], allowed"),
        ([0.0, math.nan], [0, 1], "labels: given values of type float64, allowed: integers or texts"),
        (["a", None], [0, 1], "labels: given values of type object, allowed"),
    ],
)
def test_what_is_refused(labels: Any, clusters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clustering_scores(labels, clusters)
