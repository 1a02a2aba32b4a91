"""The digits graph: an embedded data set that needs no download and no licence question."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, from_scipy_sparse_matrix

NUM_NEIGHBORS = 5
"""Nearest neighbours that each image is linked to."""


def load_digits_graph() -> Data:
    """Build the 5-nearest-neighbour graph of scikit-learn's 1,797 images of handwritten digits.

    Two images are linked when either is among the five nearest of the other by cosine distance, the
    image itself not counted. The result is deterministic and needs nothing but the installed
    scikit-learn.

    Returns:
        ``Data`` with ``x`` (float32 ``[1797, 64]``, pixels in [0, 1]), ``y`` (int64 ``[1797]``, the
        digits 0 to 9), ``edge_index`` (int64 ``[2, 12808]``: 6,404 links in both directions,
        sorted, no self-loops) and ``name`` (``"digits"``).
    """
    images, digits = load_digits(return_X_y=True)
    images = images / 16.0
    # In float64: the closest call between a fifth and a sixth neighbour is 7e-7 apart.
    neighbors = kneighbors_graph(images, NUM_NEIGHBORS, metric="cosine", include_self=False)
    edge_index, _ = from_scipy_sparse_matrix(neighbors.maximum(neighbors.T))
    return Data(
        x=torch.from_numpy(images).float(),
        y=torch.from_numpy(digits).long(),
        edge_index=coalesce(edge_index),
        name="digits",
    )
