"""Small fitted embeddings, for the tests of several files."""

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from spherical_gae import SphericalGraphEmbedding


def words_and_links() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forty nodes of two kinds, linked within their kind above all: edges, and features by id."""
    generator = np.random.default_rng(0)
    graph = nx.planted_partition_graph(2, 20, 0.4, 0.02, seed=3)
    names = [f"n{k:02}" for k in range(40)]
    features = generator.random((40, 6)) + np.repeat(np.eye(2, 6), 20, axis=0)
    edges = pd.DataFrame([(names[a], names[b]) for a, b in graph.edges], columns=["source", "target"])
    return edges, pd.DataFrame(features, index=names)


def fitted(graph: Any, features: Any = None, **arguments: Any) -> SphericalGraphEmbedding:
    """An embedding that takes a fraction of a second."""
    return SphericalGraphEmbedding(**{"dim": 6, "epochs": 8, "default_features": "hash", **arguments}).fit(
        graph, features
    )
