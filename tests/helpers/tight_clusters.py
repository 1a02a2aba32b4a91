"""Two clusters so near to each other that 1 - cosine is below what float32 resolves near 1."""

from __future__ import annotations

import numpy as np


def two_tight_clusters(separation: float, dtype: type, size: int = 400, dim: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Rows [size, dim] and their clusters [size]; each cluster's deviation by axis is a thirtieth of the separation."""
    random = np.random.default_rng(0)
    labels = np.arange(size) % 2
    middle, across = np.linalg.qr(random.normal(size=(dim, 2)))[0].T
    x = middle + separation * ((labels[:, None] - 0.5) * across + random.normal(size=(size, dim)) / 30)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(dtype), labels
