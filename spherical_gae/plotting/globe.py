"""A page to look at embeddings: nodes on a globe, in one HTML file."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from spherical_gae.plotting.node_colors import as_values, category_color, concentration_color, number_color
from spherical_gae.plotting.projection import GlobeProjection, globe_projection, unit_directions
from spherical_gae.retrieval import TopK, nearest_neighbors
from spherical_gae.training.checkpoint import write_atomically

_NEAREST = 10
# Above so many links the page starts without them, above so many it has none; above so many nodes it offers no names.
_MOST_LINKS_AT_START, _MOST_LINKS, _MOST_NAMES = 2_000, 200_000, 200


def write_globe(
    path: str | Path,
    embedding: ArrayLike | Tensor,
    *,
    node_ids: Sequence[Any] | None = None,
    edge_index: ArrayLike | Tensor | None = None,
    labels: Any = None,
    clusters: Any = None,
    degree: Any = None,
    concentration: Any = None,
    suggestions: TopK | None = None,
    title: str = "Embeddings",
    max_nodes: int = 20_000,
) -> GlobeProjection:
    """Writes a page that shows nodes on a globe: one HTML file that needs no network.

    The globe turns with the mouse.  Nodes are coloured by class, cluster, degree or concentration, found by their id,
    and clicked for their nearest nodes and suggested links.  Links are drawn as great circles.  Everything that comes
    from the arguments is shown as text, never read as HTML.  The page says which projection it shows, see
    ``globe_projection``, and what it leaves out.

    Needs plotly: ``pip install "spherical-gae[view]"``.

    Args:
        path: The file; 5 MB and about 200 bytes for each node.
        embedding: Vectors of non-zero length, shape [N, m], m >= 2; only their directions count.
        node_ids: Name of each node, N of them; row numbers if None.
        edge_index: Integers [2, E], links, in one direction or both; above 200,000 of them the page draws none.
        labels: Class of each node, shape [N]: integers or texts, None or NaN where unknown.
        clusters: Cluster of each node, shape [N], for instance ``labels_`` of ``VonMisesFisherMixture``.
        degree: Number of links of each node, shape [N]; counted from ``edge_index`` if None.
        concentration: Concentration of each node, shape [N], at least 0, that of the uniform distribution.
        suggestions: Likely new links of each node, ``scores`` [N, k] and ``indices`` [N, k], from
            ``VariationalGAE.top_links``; -1 for none.
        title: Above the page.
        max_nodes: Nodes on the page at most, at least 1; of more, so many are drawn at random, always the same, and
            the page says so.

    Returns:
        The projection of the drawn nodes.

    Raises:
        ImportError: If plotly is not installed.
        ValueError: If shapes do not fit, values of nodes are a dict or a set, a link names no node, a number is not
            finite, or a concentration is missing or negative.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     shown = write_globe(f"{folder}/view.html", torch.eye(4), node_ids=["Ann", "Ben", "Cy", "Di"])
        >>> round(shown.share, 2)
        0.75
    """
    if max_nodes < 1:
        raise ValueError(f"max_nodes must be at least 1, got {max_nodes}")
    rows = unit_directions(embedding.detach().cpu().numpy() if isinstance(embedding, Tensor) else embedding)
    num_nodes = len(rows)
    names = [str(name) for name in as_values("node_ids", range(num_nodes) if node_ids is None else node_ids, num_nodes)]
    links = None if edge_index is None else _unique_links(edge_index, num_nodes)
    if degree is None and links is not None:
        degree = np.bincount(links.ravel(), minlength=num_nodes)
    colors = [
        make(shown, as_values(argument, values, num_nodes))
        for argument, shown, values, make in (
            ("labels", "class", labels, category_color),
            ("clusters", "cluster", clusters, category_color),
            ("degree", "degree", degree, number_color),
            ("concentration", "concentration", concentration, concentration_color),
        )
        if values is not None
    ]
    likely = None if suggestions is None else _checked_suggestions(suggestions, num_nodes)
    summary = _count(num_nodes, "node") + ("" if links is None else f", {_count(links.shape[1], 'link')}")

    notes = []
    drawn = np.arange(num_nodes)
    if num_nodes > max_nodes:
        drawn = np.sort(np.random.default_rng(0).choice(num_nodes, max_nodes, replace=False))
        notes.append(f"Of {num_nodes:,} nodes the page has {max_nodes:,}, drawn at random; links and lists are theirs.")
    if links is not None and links.shape[1] > _MOST_LINKS:
        notes.append(f"The {links.shape[1]:,} links are too many to draw; degrees count all of them.")
        links = None
    # Where a node is on the page, -1 for those that are not.
    place = np.full(num_nodes + 1, -1)
    place[drawn] = np.arange(len(drawn))
    if links is not None:
        links = place[links]
        links = links[:, (links >= 0).all(0)]

    projection = globe_projection(rows[drawn])
    data = {
        "summary": summary,
        "names": [names[row] for row in drawn],
        "points": projection.points.round(5).T.tolist(),
        "shown": None if projection.share == 1 else projection.shown.round(3).tolist(),
        "colors": [{**color, "values": [color["values"][row] for row in drawn]} for color in colors],
        "links": None if links is None else links.tolist(),
        "nearest": _nearest(rows[drawn]),
        "suggested": None if likely is None else _lists(likely.scores[drawn], place[likely.indices[drawn]]),
        "projection": projection.description,
        "note": " ".join(notes),
        "most_links": _MOST_LINKS_AT_START,
        "most_names": _MOST_NAMES,
    }
    page = _page(title, data).encode("utf-8", "replace")
    write_atomically(path, lambda file: file.write(page))
    return projection


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _unique_links(edge_index: ArrayLike | Tensor, num_nodes: int) -> NDArray[np.int64]:
    """The links between different nodes, each once as i < j, [2, L]."""
    pairs = np.asarray(edge_index.detach().cpu() if isinstance(edge_index, Tensor) else edge_index)
    if pairs.ndim != 2 or pairs.shape[0] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise ValueError(f"edge_index must be integers of shape [2, E], got {pairs.dtype} of shape {list(pairs.shape)}")
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < num_nodes:
        raise ValueError(f"edge_index must name nodes 0 to {num_nodes - 1}, got {pairs.min()} to {pairs.max()}")
    low, high = np.sort(pairs.astype(np.int64), axis=0)
    keys = np.unique(low[low < high] * num_nodes + high[low < high])
    return np.stack([keys // num_nodes, keys % num_nodes])


def _checked_suggestions(suggestions: TopK, num_nodes: int) -> TopK:
    scores, indices = (part.detach().cpu() for part in suggestions)
    if scores.shape != indices.shape or scores.dim() != 2 or len(scores) != num_nodes:
        raise ValueError(
            f"suggestions must have scores and indices of shape [{num_nodes}, k], got {list(scores.shape)} and "
            f"{list(indices.shape)}"
        )
    if indices.numel() and not -1 <= int(indices.min()) <= int(indices.max()) < num_nodes:
        raise ValueError(f"suggestions must name nodes 0 to {num_nodes - 1}, or -1 for none")
    return TopK(scores, indices)


def _nearest(rows: NDArray[np.float64]) -> dict[str, Any]:
    """The nearest nodes by the cosine in all coordinates."""
    count = min(_NEAREST, len(rows) - 1)
    if not count:
        return {"indices": [[]], "scores": [[]]}
    itself = torch.arange(len(rows)).expand(2, -1)
    found = nearest_neighbors(rows.astype(np.float32), rows.astype(np.float32), count, exclude=itself)
    return _lists(found.scores.numpy(), found.indices.numpy())


def _lists(scores: ArrayLike, indices: ArrayLike) -> dict[str, Any]:
    """Plain values; the score of nothing is 0, as JSON has no infinite numbers."""
    rows = np.asarray(indices)
    known = np.where(rows >= 0, np.asarray(scores, dtype=np.float64), 0)
    return {"indices": rows.tolist(), "scores": known.round(4).tolist()}


def _page(title: str, data: dict[str, Any]) -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError("write_globe needs plotly: pip install 'spherical-gae[view]'") from error
    folder = resources.files(__package__) / "page"
    template, css, script = ((folder / f"globe.{suffix}").read_text("utf-8") for suffix in ("html", "css", "js"))
    parts = {
        "title": html.escape(title),
        "css": css,
        # Neither a closing tag nor a comment can begin in the data.
        "data": json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "plotly": get_plotlyjs(),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
