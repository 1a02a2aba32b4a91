"""How well clusters agree with classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from torch import Tensor


class ClusteringScores(NamedTuple):
    """Agreement of clusters with classes; 1 for the same partition, whatever its numbers.

    Attributes:
        accuracy: Share of nodes whose cluster is matched with their class, in [0, 1].
        nmi: Normalised mutual information, in [0, 1].
        ari: Adjusted Rand index, in [-0.5, 1]; 0 is what chance gives.

    Example:
        >>> from spherical_gae.evaluation import clustering_scores
        >>> clustering_scores([0, 0, 1, 1], [1, 1, 0, 0]).accuracy
        1.0
    """

    accuracy: float
    nmi: float
    ari: float


def clustering_scores(labels: ArrayLike | Tensor, clusters: ArrayLike | Tensor) -> ClusteringScores:
    """Compares clusters with classes, each of any number.

    - accuracy: classes and clusters are matched one to one so that most nodes agree, by the Hungarian method; nodes of
      clusters, or classes, that are left over count as wrong.
    - nmi: I(labels; clusters) over the mean of the two entropies, and
    - ari: the Rand index, adjusted for chance  (Hubert and Arabie 1985), both by scikit-learn.

    Args:
        labels: Class of each node, shape [N], N >= 1: integers, booleans or texts.  Any number is a class, -1 too:
            leave out nodes without one before.
        clusters: Cluster of each node, shape [N], likewise.

    Raises:
        ValueError: If the shapes are others, or a value is missing or a fraction.

    Example:
        >>> scores = clustering_scores(["a", "a", "b", "b"], [1, 1, 0, 2])
        >>> scores.accuracy, round(scores.nmi, 3), round(scores.ari, 3)
        (0.75, 0.8, 0.571)
    """
    known, found = names_of("labels", labels), names_of("clusters", clusters)
    if known.shape != found.shape:
        raise ValueError(f"clusters: given {len(found)} values, allowed: {len(known)}, as many as labels")
    table = contingency_matrix(known, found)
    matched = table[linear_sum_assignment(table, maximize=True)].sum()
    return ClusteringScores(
        float(matched / len(known)),
        float(normalized_mutual_info_score(known, found)),
        float(adjusted_rand_score(known, found)),
    )


def names_of(name: str, values: Any) -> NDArray[Any]:
    """Names of classes or clusters as an array of integers or texts, shape [N], N >= 1.

    Raises:
        ValueError: If they are none; the message begins with ``name``.
    """
    array = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name}: given shape {list(array.shape)}, allowed: [N] with N >= 1")
    if array.dtype.kind == "O" and all(isinstance(value, str) for value in array):
        array = array.astype(str)
    if array.dtype.kind not in "iubU":
        raise ValueError(f"{name}: given values of type {array.dtype}, allowed: integers or texts, none missing")
    return array
