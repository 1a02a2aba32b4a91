"""k-means on the sphere, by the cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from spherical_gae.cluster.directions import as_tensor, blocks, checked_directions, in_float64, spread_out, unit_rows
from spherical_gae.cluster.settings import check_columns, check_count, check_tolerance, remember_columns


class SphericalKMeans(ClusterMixin, BaseEstimator):
    """k-means of unit vectors: each belongs to the centre of the largest cosine, centres are mean directions.

    Minimises the sum of 1 - cosine  (Dhillon and Modha 2001).  A cluster that loses all of its points keeps its centre.

    Args:
        n_clusters: Number K of clusters, at least 1.
        n_init: Starts, by k-means++ each, of which the best is kept; at least 1.
        max_iter: Iterations at most, at least 1.
        tol: Relative decrease of the sum up to which a start has ended, at least 0.
        random_state: Seed, or ``numpy.random.RandomState``.

    Attributes:
        cluster_centers_: Unit vectors, shape [K, m].
        labels_: Cluster of each training row, int64 [n].
        inertia_: Sum of 1 - cosine over the rows.
        n_iter_: Iterations of the best start.
        n_features_in_: m.
        feature_names_in_: Names of the columns, shape [m], if X had names and all are strings.

    Example:
        >>> from sklearn.preprocessing import normalize
        >>> x = normalize(np.random.default_rng(0).normal(size=(50, 3)))
        >>> SphericalKMeans(4, random_state=0).fit(x).cluster_centers_.shape
        (4, 3)
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int = 4,
        max_iter: int = 100,
        tol: float = 1e-5,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> SphericalKMeans:  # noqa: N803 (scikit-learn's names)
        """Finds the clusters.

        Args:
            X: Unit vectors, shape [n, m], n at least K.
            y: Not used.

        Returns:
            Itself.

        Raises:
            ValueError: If rows are not unit vectors, there are fewer of them than clusters, or a setting is out of
                range or of another type.
            TypeError: If some names of columns are strings and others are not.
        """
        points = checked_directions(X)
        check_count("n_clusters", self.n_clusters, len(points))
        check_count("n_init", self.n_init)
        check_count("max_iter", self.max_iter)
        check_tolerance(self.tol)
        remember_columns(self, X)
        random = check_random_state(self.random_state)
        starts = [self._run(points, spread_out(points, self.n_clusters, random)) for _ in range(self.n_init)]
        centers, labels, self.inertia_, self.n_iter_ = min(starts, key=lambda start: start[2])
        self.cluster_centers_, self.labels_ = centers.numpy(), labels.numpy()
        self.n_features_in_ = points.shape[1]
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The cluster of each row, int64 [n].

        Raises:
            ValueError: If rows are not unit vectors of ``n_features_in_`` features, or their columns have other names
                than in training.
        """
        check_is_fitted(self)
        check_columns(self, X)
        points = checked_directions(X, self.n_features_in_)
        return _assigned(points, in_float64(as_tensor(self.cluster_centers_)))[0].numpy()

    def _run(self, points: Tensor, centers: Tensor) -> tuple[Tensor, Tensor, float, int]:
        centers, before, iterations = in_float64(centers), float("inf"), 0
        for _ in range(self.max_iter):
            iterations += 1
            _, inertia, sums = _assigned(points, centers)
            if before - inertia <= self.tol * inertia:
                break
            before = inertia
            centers = unit_rows(sums, centers)
        # Labels of the centres as they are kept, so that ``predict`` says the same.
        kept = centers.to(points.dtype)
        labels, inertia, _ = _assigned(points, in_float64(kept))
        return kept, labels, inertia, iterations


def _assigned(points: Tensor, centers: Tensor) -> tuple[Tensor, float, Tensor]:
    """The nearest of the float64 centres of each row, the sum of 1 - cosine, and the clusters' sums of rows [K, m]."""
    labels, total, sums = torch.empty(len(points), dtype=torch.int64), 0.0, torch.zeros_like(centers)
    for rows in blocks(points, len(centers)):
        part = in_float64(points[rows])
        cosine, labels[rows] = (part @ centers.T).max(1)
        total += float((1 - cosine).clamp(min=0).sum())
        sums.index_add_(0, labels[rows], part)
    return labels, total, sums
