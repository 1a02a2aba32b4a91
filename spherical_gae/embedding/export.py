"""A fitted embedding for other programs: networkx, Gephi (GEXF, GraphML), and whatever reads word vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from spherical_gae.data.cleaning import some
from spherical_gae.embedding.estimator import SphericalGraphEmbedding
from spherical_gae.plotting.node_colors import as_values

# A return it can hold, but readers make a new line of it.
_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_networkx(embedding: SphericalGraphEmbedding, clusters: Sequence[Any] | None = None) -> nx.Graph:
    """The graph with a place for each node, from its embedding.

    The place is that of the direction of the embedding's three principal coordinates (those of the largest mean square)
    on S^2: ``x``, ``y``, ``z``, a unit vector.

    Args:
        embedding: A fitted estimator.
        clusters: One label for each node, in the order of ``node_ids_`` (of a pandas Series too, whatever its index),
            None for a node without; None for none.

    Returns:
        Graph of ``node_ids_`` with the node attributes ``x``, ``y``, ``z``, ``cluster`` if there are clusters,
        ``concentration`` if there is one (on a product of spheres their mean), and the edge attribute ``weight`` if
        the graph has weights.

    Raises:
        ValueError: If there is not one cluster for each node.

    Example:
        >>> import networkx as nx
        >>> from spherical_gae import SphericalGraphEmbedding
        >>> karate = nx.karate_club_graph()
        >>> embedding = SphericalGraphEmbedding(dim=4, epochs=1, val_share=0, default_features="hash").fit(karate)
        >>> sorted(to_networkx(embedding).nodes[0])
        ['concentration', 'x', 'y', 'z']
    """
    ids, data = embedding.node_ids_, embedding._graph.data
    labels = None if clusters is None else as_values("clusters", clusters, len(ids))
    graph = nx.Graph()
    for row, (name, place) in enumerate(zip(ids, _places(embedding.embedding_).tolist(), strict=True)):
        attributes: dict[str, Any] = dict(zip("xyz", place, strict=True))
        if labels is not None and labels[row] is not None:
            attributes["cluster"] = labels[row]
        if embedding.concentration_ is not None:
            attributes["concentration"] = float(np.mean(embedding.concentration_[row]))
        graph.add_node(name, **attributes)
    weights = None if data.edge_weight is None else data.edge_weight.tolist()
    for number, (source, target) in enumerate(data.edge_index.t().tolist()):
        if source < target:
            attributes = {} if weights is None else {"weight": weights[number]}
            graph.add_edge(ids[source], ids[target], **attributes)
    return graph


def write_gexf(
    embedding: SphericalGraphEmbedding, path: str | Path, clusters: Sequence[Any] | None = None, scale: float = 1000.0
) -> None:
    """Writes ``to_networkx`` as GEXF, with the places where Gephi puts the nodes.

    Args:
        embedding: A fitted estimator.
        path: The file.
        clusters: As for ``to_networkx``.
        scale: Radius of the sphere in Gephi's units.

    Raises:
        ValueError: If an id or a cluster has a character that XML cannot hold.

    Example:
        >>> import tempfile
        >>> from spherical_gae import SphericalGraphEmbedding
        >>> edges = [("ann", "bob"), ("bob", "cid"), ("cid", "dan")]
        >>> embedding = SphericalGraphEmbedding(dim=4, epochs=1, val_share=0, default_features="hash").fit(edges)
        >>> path = Path(tempfile.mkdtemp()) / "friends.gexf"
        >>> write_gexf(embedding, path)
        >>> "ann" in path.read_text()
        True
    """
    graph = _for_xml(to_networkx(embedding, clusters))
    for _, attributes in graph.nodes(data=True):
        place = {axis: scale * attributes.pop(axis) for axis in "xyz"}
        attributes["viz"] = {"position": place}
    nx.write_gexf(graph, path)


def write_graphml(embedding: SphericalGraphEmbedding, path: str | Path, clusters: Sequence[Any] | None = None) -> None:
    """Writes ``to_networkx`` as GraphML.

    Args:
        embedding: A fitted estimator.
        path: The file.
        clusters: As for ``to_networkx``.

    Raises:
        ValueError: If an id or a cluster has a character that XML cannot hold.

    Example:
        >>> import tempfile
        >>> from spherical_gae import SphericalGraphEmbedding
        >>> edges = [("ann", "bob"), ("bob", "cid"), ("cid", "dan")]
        >>> embedding = SphericalGraphEmbedding(dim=4, epochs=1, val_share=0, default_features="hash").fit(edges)
        >>> path = Path(tempfile.mkdtemp()) / "friends.graphml"
        >>> write_graphml(embedding, path)
        >>> "ann" in path.read_text()
        True
    """
    nx.write_graphml_xml(_for_xml(to_networkx(embedding, clusters)), path)


def write_word2vec(embedding: SphericalGraphEmbedding, path: str | Path) -> None:
    """Writes the embeddings in the text format of word2vec: ``N m``, then a line ``id z0 z1 ...`` for each node.

    gensim's ``KeyedVectors.load_word2vec_format`` reads it.

    Args:
        embedding: A fitted estimator.
        path: The file, UTF-8.

    Raises:
        ValueError: If an id is empty or holds white space, which ends a word in this format.

    Example:
        >>> import tempfile
        >>> from spherical_gae import SphericalGraphEmbedding
        >>> edges = [("ann", "bob"), ("bob", "cid"), ("cid", "dan")]
        >>> embedding = SphericalGraphEmbedding(dim=4, epochs=1, val_share=0, default_features="hash").fit(edges)
        >>> path = Path(tempfile.mkdtemp()) / "friends.txt"
        >>> write_word2vec(embedding, path)
        >>> path.read_text().splitlines()[0]
        '4 4'
    """
    names = [str(name) for name in embedding.node_ids_]
    odd = next((name for name in names if not name or any(letter.isspace() for letter in name)), None)
    if odd is not None:
        raise ValueError(f"node_ids_: given {odd!r}, allowed: ids without white space, as it ends a word")
    rows = embedding.embedding_
    with Path(path).open("w", encoding="utf-8") as file:
        file.write(f"{rows.shape[0]} {rows.shape[1]}\n")
        for name, row in zip(names, rows, strict=True):
            # As few digits as give the same float32 back.
            file.write(" ".join([name, *(np.format_float_positional(value, trim="-") for value in row)]) + "\n")


def _places(rows: Any) -> Any:
    """Directions [N, 3] of the three principal coordinates, about the origin."""
    rows = np.asarray(rows, dtype=np.float64)
    _, axes = np.linalg.eigh(rows.T @ rows)
    # The sign of an axis is a choice of the routine's: the entry of the largest size is made positive.
    axes = axes[:, ::-1][:, :3]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    places = rows @ axes
    places = np.pad(places, ((0, 0), (0, 3 - places.shape[1])))
    length = np.linalg.norm(places, axis=1, keepdims=True)
    return np.divide(places, length, out=np.tile([1.0, 0.0, 0.0], (len(rows), 1)), where=length > 0)


def _for_xml(graph: nx.Graph) -> nx.Graph:
    """The graph, if its ids and clusters can be written: XML 1.0 has no control characters.

    Clusters of several types, which these formats cannot tell apart, become text.
    """
    labels = [label for _, label in graph.nodes(data="cluster") if label is not None]
    if len({type(label) for label in labels}) > 1:
        texts = {node: str(label) for node, label in graph.nodes(data="cluster") if label is not None}
        nx.set_node_attributes(graph, texts, "cluster")
    odd = [text for text in (*graph, *labels) if isinstance(text, str) and _NOT_IN_XML.search(text)]
    if odd:
        raise ValueError(f"given {some(odd)} among the ids or clusters, allowed: characters that XML can hold")
    return graph
