"""A page to look at a fitted embedding: its nodes on a globe, with their likeliest new links."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spherical_gae.embedding.likeliest import likeliest_partners
from spherical_gae.embedding.queries import EmbeddingQueries
from spherical_gae.plotting import GlobeProjection, write_globe
from spherical_gae.retrieval import TopK

_SUGGESTIONS = 10
# Above it suggestions for every node would take long, and the page shows a part of the nodes only.
_MOST_NODES = 20_000


def write_view(
    embedding: EmbeddingQueries,
    path: str | Path,
    *,
    labels: Sequence[Any] | None = None,
    clusters: Sequence[Any] | None = None,
    title: str = "Embeddings",
) -> GlobeProjection:
    """Writes ``write_globe`` of a fitted estimator: names, links, degrees, concentrations, suggested links.

    Needs plotly: ``pip install "spherical-gae[view]"``.

    Args:
        embedding: A fitted ``SphericalGraphEmbedding``.  Above 20,000 nodes the page has no suggested links.
        path: The file.
        labels: Class of each node, in the order of ``node_ids_``, None where unknown; by default those of the graph, if
            it has any.
        clusters: Cluster of each node, in that order.
        title: Above the page.

    Returns:
        The projection of the drawn nodes.

    Raises:
        ImportError: If plotly is not installed.
        ValueError: If there is not one label or cluster for each node.

    Example:
        >>> import tempfile
        >>> import networkx as nx
        >>> from spherical_gae import SphericalGraphEmbedding
        >>> embedding = SphericalGraphEmbedding(dim=3, epochs=5).fit(nx.karate_club_graph())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     shown = write_view(embedding, f"{folder}/view.html")
        >>> shown.points.shape
        (34, 3)
    """
    graph = embedding._graph
    data, num_nodes = graph.data, graph.num_nodes
    if labels is None and data.get("y") is not None:
        names = data.get("label_names")
        labels = [_name(number, names) for number in data.y.tolist()]
    suggestions = None
    if num_nodes <= _MOST_NODES:
        found = likeliest_partners(embedding.model_, graph, min(_SUGGESTIONS, num_nodes), torch.arange(num_nodes))
        suggestions = TopK(found.scores.sigmoid(), found.indices)
    sure = embedding.concentration_
    return write_globe(
        path,
        embedding.embedding_,
        node_ids=embedding.node_ids_,
        edge_index=data.edge_index,
        labels=labels,
        clusters=clusters,
        concentration=None if sure is None else np.reshape(sure, (num_nodes, -1)).mean(1),
        suggestions=suggestions,
        title=title,
    )


def _name(number: int, names: Sequence[str] | None) -> Any:
    """What a class is called; None for no class, which files number -1."""
    if number < 0:
        return None
    return number if names is None else names[number]
