"""Graphs without features: what their nodes get, which of it is tried, and what later nodes get."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.default_features import default_features
from spherical_gae.data.spectral_features import (
    LEAST_SPECTRAL_NODES,
    SpectralFeatures,
    extended_features,
    spectral_features,
)

AUTO, HASH, SPECTRAL = "auto", "hash", "spectral"
KINDS = (AUTO, HASH, SPECTRAL)
"""What ``default_features`` of the estimator may be."""
LARGE = 50_000
"""Links above which a graph is large: one training of many seconds an epoch is enough."""
_COLUMNS, _COLUMNS_IF_LARGE = 256, 64
# Length of a row.  Large graphs get an encoder that does not normalise, in which the bias would drown short rows after
# many steps of propagation: all nodes would point in nearly the same direction.
_LENGTH, _LENGTH_IF_LARGE = 1.0, 8.0
# Nodes below which too few links are held out to compare kinds of features.
_LEAST_TO_COMPARE = 8


def kinds_to_try(data: Data, wanted: str) -> list[str | None]:
    """The kinds of features that are tried for a graph, the first one where nothing can be compared.

    Args:
        data: From ``as_graph``.
        wanted: One of ``KINDS``.

    Returns:
        None alone for a graph with features of its own.

    Raises:
        ValueError: If there are too few nodes for eigenvectors.
    """
    if not data.get("has_default_features"):
        return [None]
    if wanted == SPECTRAL and data.num_nodes < LEAST_SPECTRAL_NODES:
        raise ValueError(
            f"default_features: given {SPECTRAL!r} for {data.num_nodes} nodes, allowed: {HASH!r} below "
            f"{LEAST_SPECTRAL_NODES}"
        )
    if wanted != AUTO:
        return [wanted]
    small = data.edge_index.size(1) // 2 <= LARGE and data.num_nodes >= _LEAST_TO_COMPARE
    return [HASH, SPECTRAL] if small else [HASH]


def with_default_features(graph: Data, kind: str | None, node_ids: Sequence[Any], num_links: int) -> Data:
    """A graph with features made of its links and ids; of a training part, these are the links of training.

    Args:
        graph: The graph, or a part of it.
        kind: ``"hash"`` or ``"spectral"``; None for the features that it has.
        node_ids: Ids of its nodes.
        num_links: Number of links of the whole graph, by which the number of columns is chosen.

    Returns:
        A shallow copy.
    """
    made = copy.copy(graph)
    if kind == HASH:
        columns, length = (_COLUMNS, _LENGTH) if num_links <= LARGE else (_COLUMNS_IF_LARGE, _LENGTH_IF_LARGE)
        made.x = length * default_features(node_ids, columns)
    elif kind == SPECTRAL:
        made.x, made.eigenvalues = spectral_features(graph.edge_index, graph.num_nodes, edge_weight=graph.edge_weight)
    return made


def features_of_later_nodes(old: Data, whole: Data, new_ids: Iterable[Any]) -> Tensor:
    """Features of the nodes behind the others in a graph whose features were made.

    Args:
        old: The graph without them, with ``x`` and, if these are spectral, ``eigenvalues``.
        whole: The graph with them.
        new_ids: Their ids.
    """
    eigenvalues = old.get("eigenvalues")
    if eigenvalues is None:
        return row_length(old) * default_features(new_ids, old.x.size(1))
    known = SpectralFeatures(old.x, eigenvalues)
    return extended_features(known, whole.edge_index, int(whole.num_nodes), whole.edge_weight)


def kind_of(data: Data) -> str | None:
    """The kind of features that a graph got; None for its own."""
    if not data.get("has_default_features"):
        return None
    return HASH if data.get("eigenvalues") is None else SPECTRAL


def row_length(data: Data) -> float:
    """The length of the rows of a hash."""
    return float(data.x[0].norm())
