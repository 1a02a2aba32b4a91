"""GraphML, GEXF, GML and Pajek, by networkx."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import ParseError

import networkx as nx
import numpy as np
import pandas as pd

from spherical_gae.data.cleaning import plain_ids
from spherical_gae.data.readers.files import read_bytes, read_text
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.suffixes import suffix_of

_FORMATS = {".graphml": "GraphML", ".gexf": "GEXF", ".gml": "GML", ".net": "Pajek"}
# Gephi writes GEXF 1.3; what is read of it did not change since 1.2.
_XML_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_NODE_ID = re.compile(rb"""<(?:\w+:)?node\s(?:[^>]*?\s)?id=["']([^"']*)["']""")
_GEXF_VERSION = re.compile(rb"http://(?:www\.)?gexf\.net/1\.\d(?:draft)?")


def read_networkx(path: Path, weight: str | int = "auto", time: str | int | None = None) -> RawGraph:
    """Reads a file by networkx; the defaults that it gives for attributes are applied.

    Args:
        path: A file .graphml, .gexf, .gml or .net.
        weight: Name of the edge attribute that holds weights; ``"auto"`` for ``weight`` or else ``value``; ``"none"``.
        time: Name of the edge attribute that holds times.

    Returns:
        The graph, not yet cleaned.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not what its suffix says, or an edge has no number as weight or time.
    """
    suffix = suffix_of(path)
    report = ReadReport(path.name, _FORMATS[suffix])
    readers: dict[str, Callable[[Path, ReadReport], nx.Graph]] = {
        ".graphml": _read_graphml,
        ".gexf": _read_gexf,
        ".gml": _read_gml,
        ".net": _read_pajek,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = readers[suffix](path, report)
    except OSError:
        raise
    except RecursionError as error:
        raise ValueError(f"{path}: not a {_FORMATS[suffix]} file: nested too deeply") from error
    except (
        ParseError,
        nx.NetworkXError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        StopIteration,
        UserWarning,
        ArithmeticError,
    ) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: not a {_FORMATS[suffix]} file: {error or type(error).__name__}") from error
    return from_graph(path, graph, report, weight, time)


def from_graph(path: Path, graph: nx.Graph, report: ReadReport, weight: str | int, time: str | int | None) -> RawGraph:
    """The edges, ids and attributes of a graph of networkx."""
    number = {node: k for k, node in enumerate(graph)}
    edges = list(graph.edges(data=True))
    ends = np.array([(number[i], number[j]) for i, j, _ in edges], dtype=np.int64).reshape(-1, 2).T
    attributes = pd.DataFrame.from_records(
        [dict(values) for _, values in graph.nodes(data=True)], index=range(len(number))
    )
    raw = RawGraph(ends, len(number), report, plain_ids(graph), attributes=attributes, is_directed=graph.is_directed())
    edge_attributes = {name: None for *_, values in edges for name in values}
    take_edge_attributes(path, raw, [values for *_, values in edges], list(edge_attributes), weight, time)
    return raw


def take_edge_attributes(
    path: Path, raw: RawGraph, values: list[dict[str, Any]], names: list[str], weight: str | int, time: str | int | None
) -> None:
    """Fills in weights and times from the attributes of the edges, and says which were left out."""
    report = raw.report
    chosen: str | None
    if weight == "auto":
        chosen = next((name for name in ("weight", "value") if name in names), None)
    else:
        chosen = None if weight == "none" else str(weight)
    for role, name in (("weight", chosen), ("time", None if time is None else str(time))):
        if name is None:
            continue
        if name not in names:
            raise ValueError(
                f"{role}: given {name!r}, allowed in {path.name}: {', '.join(names) or 'no edge attribute'}"
            )
        # As in networkx, an edge without a weight has the weight 1.
        given = [row.get(name, 1 if role == "weight" else None) for row in values]
        if role == "weight" and (without := sum(name not in row for row in values)):
            report.notes.append(f"Edges without {name}: {without:,}, read as 1.")
        try:
            numbers = pd.to_numeric(pd.Series(given, dtype=object)).to_numpy()
            if numbers.dtype.kind not in "iuf" or (role == "time" and np.isnan(numbers.astype(float)).any()):
                raise ValueError(f"edges without {role}")
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"{path}: given the edge attribute {name!r} with {error}, allowed as {role}: numbers"
            ) from error
        if role == "weight":
            raw.edge_weight = numbers.astype(np.float64)
        else:
            raw.edge_time = numbers.astype(np.int64 if numbers.dtype.kind in "iu" else np.float64)
        report.columns_used[role] = repr(name)
    used = {chosen, None if time is None else str(time)}
    for name in names:
        if name not in used and name not in ("id", "key"):
            report.columns_left_out[repr(name)] = "an edge attribute that is not named"


def _with_defaults(graph: nx.Graph) -> nx.Graph:
    for name, value in graph.graph.get("node_default", {}).items():
        for _, values in graph.nodes(data=True):
            values.setdefault(name, value)
    for name, value in graph.graph.get("edge_default", {}).items():
        for *_, values in graph.edges(data=True):
            values.setdefault(name, value)
    return graph


def _read_graphml(path: Path, report: ReadReport) -> nx.Graph:
    text = read_bytes(path)
    graphs = len(re.findall(rb"<(?:\w+:)?graph[\s>]", text))
    if graphs > 1:
        report.warnings.append(f"the file holds {graphs} graphs, one in the other or in a row: see that all is read")
    else:
        _refuse_repeated(text)
    # networkx fails at a default without text.
    text = re.sub(rb"<default\s*/>|<default>\s*</default>", b"", text)
    if b"<default" in text and re.search(rb"""for=["']all["']""", text):
        text = _keys_divided(text)
    try:
        graph = nx.read_graphml(BytesIO(text))
    except nx.NetworkXError as error:
        if "edge found in" not in str(error):
            raise
        graph = nx.read_graphml(BytesIO(re.sub(rb"""\sdirected=["'](?:true|false)["']""", b"", text)))
        report.warnings.append("the file mixes directed and undirected edges: all are read as of one kind")
    listed = len(re.findall(rb"<(?:\w+:)?node[\s>/]", text))
    if listed < len(graph):
        report.warnings.append(f"nodes that only edges name, and the file does not list: {len(graph) - listed:,}")
    return _with_defaults(graph)


def _keys_divided(text: bytes) -> bytes:
    """Keys for all as one for nodes and one for edges, as networkx leaves out the defaults of the others."""
    root = ElementTree.fromstring(text)
    for key in [element for element in root if element.tag.endswith("}key") and element.get("for") == "all"]:
        other = copy.deepcopy(key)
        key.set("for", "node")
        other.set("for", "edge")
        other.set("id", f"{key.get('id')} of edges")
        root.insert(0, other)
    return ElementTree.tostring(root)


def _refuse_repeated(text: bytes) -> None:
    """Of two nodes with one id networkx makes one."""
    seen = set()
    for node in _NODE_ID.findall(_XML_COMMENT.sub(b"", text)):
        if node in seen:
            raise ValueError(f"given two nodes with the id {node.decode()!r}, allowed: different ids")
        seen.add(node)


def _read_gexf(path: Path, report: ReadReport) -> nx.Graph:
    text = _GEXF_VERSION.sub(b"http://www.gexf.net/1.2draft", read_bytes(path))
    _refuse_repeated(text)
    graph = _with_defaults(nx.read_gexf(BytesIO(text)))
    for _, values in graph.nodes(data=True):
        values.pop("viz", None)
    return graph


def _read_gml(path: Path, report: ReadReport) -> nx.Graph:
    text = read_text(path).decode()

    def parsed(label: str, text: str) -> nx.Graph:
        try:
            return nx.parse_gml(text.split("\n"), label=label)
        except nx.NetworkXError as error:
            if str(error).startswith("edge #") and "is duplicated" in str(error):
                # The format has no such word; networkx wants it where an edge is repeated.
                return nx.parse_gml(
                    re.sub(r"\bgraph\s*\[", "graph [ multigraph 1 ", text, count=1).split("\n"), label=label
                )
            raise

    try:
        return parsed("label", text)
    except nx.NetworkXError as error:
        if "label" not in str(error):
            raise
        graph = parsed("id", text)
        report.notes.append("Labels are missing or not different: nodes are called by their id.")
        return graph


def _read_pajek(path: Path, report: ReadReport) -> nx.Graph:
    lines = read_text(path).decode().split("\n")
    sizes = next((line.split()[1:] for line in lines if line.strip().lower().startswith("*vertices")), None)
    if not sizes or not all(size.isdigit() for size in sizes):
        raise ValueError("no line *Vertices N")
    num_nodes = int(sizes[0])
    if num_nodes > len(lines) * 100 + 1000:
        raise ValueError(f"{num_nodes} vertices in {len(lines)} lines")
    graph = nx.parse_pajek(_plain_pajek(lines, num_nodes))
    if len(graph) != num_nodes:
        raise ValueError(f"{num_nodes} vertices of {len(graph)} different labels; each vertex needs a label of its own")
    if len(sizes) == 2:
        # By their numbers, in whatever order they are listed.
        for _, values in graph.nodes(data=True):
            values["bipartite"] = int(int(values["id"]) > int(sizes[1]))
    for _, values in graph.nodes(data=True):
        values.pop("id", None)
    return graph


def _plain_pajek(lines: list[str], num_nodes: int) -> Iterator[str]:
    """The lines that networkx reads rightly: all vertices listed, no comments, edges in one section.

    Lists of neighbours become pairs; beside arcs, an edge becomes one in each direction.
    """
    sections = {line.split()[0].lower() for line in lines if line.startswith("*")}
    mixed = bool(sections & {"*arcs", "*arcslist"}) and bool(sections & {"*edges", "*edgeslist"})
    section, listed, links_begun = "", set(), False
    unlisted = (f'{k} "{k}"' for k in range(1, num_nodes + 1) if str(k) not in listed)
    for line in lines:
        cells = line.split()
        if not cells or line.lstrip().startswith(("%", "/*")):
            continue
        if cells[0].startswith("*"):
            if section == "*vertices":
                yield from unlisted
            section = cells[0].lower()
            if section == "*vertices":
                yield f"*Vertices {num_nodes}"
            elif section in ("*arcs", "*arcslist", "*edges", "*edgeslist"):
                if not links_begun:
                    yield "*Arcs" if mixed or section.startswith("*arcs") else "*Edges"
                links_begun = True
            else:
                yield cells[0]
            continue
        if section == "*vertices":
            if cells[0] in listed:
                raise ValueError(f"given two vertices with the number {cells[0]}, allowed: different ones")
            listed.add(cells[0])
        pairs = [" ".join([cells[0], other]) for other in cells[1:]] if section.endswith("list") else [line.strip()]
        yield from pairs
        if mixed and section.startswith("*edges"):
            yield from (" ".join([other, first, *rest]) for first, other, *rest in map(str.split, pairs))
    if section == "*vertices":
        yield from unlisted
