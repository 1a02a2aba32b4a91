"""JSON: node-link data as networkx and D3 write it, and Cytoscape's elements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spherical_gae.data.cleaning import plain_ids, some
from spherical_gae.data.readers.files import read_text
from spherical_gae.data.readers.networkx_files import take_edge_attributes
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.report import ReadReport

_ID_KEYS = ("id", "name", "label", "key")
_END_KEYS = (("source", "target"), ("from", "to"))


def read_json(path: Path, weight: str | int = "auto", time: str | int | None = None) -> RawGraph:
    """Reads nodes and links from JSON.

    Known are an object with lists ``nodes`` and ``links`` (or ``edges``), as ``networkx.node_link_data``, D3 and vis.js
    write them, and Cytoscape's ``{"elements": {"nodes": [{"data": ...}], "edges": ...}}``.  Ends of a link are ids of
    nodes or, where nodes have no ``id``, their places in the list.

    Args:
        path: The file.
        weight: See :func:`~spherical_gae.data.readers.networkx_files.read_networkx`.
        time: Likewise.

    Returns:
        The graph, not yet cleaned.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such JSON, an id comes twice, or a link names a node that is not there.
    """
    try:
        content = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    nodes, links = _lists(path, content)
    report = ReadReport(path.name, "JSON, nodes and links")
    key = next((key for key in _ID_KEYS if nodes and all(key in node for node in nodes)), None)
    without = [k for k, node in enumerate(nodes) if "id" not in node]
    if key is None and 0 < len(without) < len(nodes):
        raise ValueError(f"{path}: given no id for node {without[0]} of the list, allowed: one for each node or none")
    ids: Sequence[Any] = [node[key] for node in nodes] if key else range(len(nodes))
    if key != "id" and len(set(map(str, ids))) < len(nodes):
        key, ids = None, range(len(nodes))
    number = {_hashable(node): k for k, node in enumerate(ids)}
    if len(number) < len(nodes):
        raise ValueError(f"{path}: given {len(nodes)} nodes with {len(number)} different ids, allowed: different ids")
    ends = next((pair for pair in _END_KEYS if all(name in link for link in links for name in pair)), None)
    if ends is None:
        raise ValueError(f"{path}: given links without ends, allowed: source and target in each")
    pairs = [tuple(_end(link[name]) for name in ends) for link in links]
    unknown = [end for pair in pairs for end in pair if end not in number]
    if unknown and key != "id" and all(type(end) is int and 0 <= end < len(nodes) for pair in pairs for end in pair):
        number = {k: k for k in range(len(nodes))}
    elif unknown:
        raise ValueError(f"{path}: given links to {some(unknown)}, allowed: the ids of nodes")
    raw = RawGraph(
        np.array([[number[end] for end in pair] for pair in pairs], dtype=np.int64).reshape(-1, 2).T,
        len(nodes),
        report,
        plain_ids(ids),
        attributes=pd.DataFrame.from_records(
            [{k: v for k, v in node.items() if k != key} for node in nodes], index=range(len(nodes))
        ),
        is_directed=content.get("directed") if isinstance(content.get("directed"), bool) else None,
    )
    values = [{name: value for name, value in link.items() if name not in ends} for link in links]
    names = {name: None for row in values for name in row}
    take_edge_attributes(path, raw, values, list(names), weight, time)
    return raw


def _lists(path: Path, content: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The nodes and the links."""
    if isinstance(content, dict) and isinstance(content.get("elements"), dict):
        parts = [content["elements"].get(name) for name in ("nodes", "edges")]
        lists = [
            [item.get("data") if isinstance(item, dict) else None for item in part] if isinstance(part, list) else None
            for part in parts
        ]
    elif isinstance(content, dict):
        lists = [content.get("nodes"), content.get("links", content.get("edges"))]
    else:
        lists = [None, None]
    for part in lists:
        if not isinstance(part, list) or not all(isinstance(item, dict) for item in part):
            given = f"an object with {some(list(content))}" if isinstance(content, dict) else type(content).__name__
            raise ValueError(
                f"{path}: given {given}, allowed: an object with lists 'nodes' and 'links' (or 'edges') of objects, as "
                "networkx.node_link_data makes it"
            )
    return lists[0], lists[1]  # type: ignore[return-value]


def _end(end: Any) -> Any:
    """The id of a link's end; D3 replaces it by the node itself."""
    return _hashable(end.get("id") if isinstance(end, dict) else end)


def _hashable(node: Any) -> Any:
    return json.dumps(node) if isinstance(node, list | dict) else node
