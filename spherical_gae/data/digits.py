"""The digits graph: an embedded data set that needs no download and no licence question."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, to_undirected

NUM_NEIGHBORS = 5
"""Nearest neighbours that each image is linked to."""

_HALF = 32  # Pixels in four of the eight rows.


def load_digits_graph() -> Data:
    """Builds a graph of handwritten digits: features from the upper half of an image, links from the lower half.

    The nodes are scikit-learn's 1,797 images, the features the pixels of the upper four rows.  Two images are linked if
    either is among the five nearest of the other by the cosine of their lower four rows; of two at equal distance, the
    one that comes first is nearer.  So a link must be predicted from what the features do not show.  The result is
    deterministic and needs nothing but the installed scikit-learn.

    Returns:
        ``Data`` with ``x`` (float32 ``[1797, 32]``, pixels in [0, 1]), ``y`` (int64 ``[1797]``, the digits 0 to 9),
        ``edge_index`` (int64 ``[2, 12512]``: 6,256 links in both directions, sorted, no self-loops) and ``name``
        (``"digits"``).
    """
    pixels, digits = load_digits(return_X_y=True)
    nearest = _nearest_by_cosine(pixels[:, _HALF:])
    sources = np.arange(len(pixels)).repeat(NUM_NEIGHBORS)
    directed = torch.from_numpy(np.stack([sources, nearest.ravel()]))
    return Data(
        x=torch.from_numpy(pixels[:, :_HALF] / 16.0).float(),
        y=torch.from_numpy(digits).long(),
        edge_index=coalesce(to_undirected(directed)),
        name="digits",
    )


def _nearest_by_cosine(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of each row's nearest other rows, shape [N, NUM_NEIGHBORS]."""
    # Squares of the cosines times the row's own squared norm.  The pixels are whole numbers from 0 to 16, so that every
    # sum is exact in any order: equal distances are equal on every machine.
    squares = (pixels @ pixels.T) ** 2 / (pixels**2).sum(1)
    np.fill_diagonal(squares, -1.0)
    return np.argsort(-squares, axis=1, kind="stable")[:, :NUM_NEIGHBORS]
