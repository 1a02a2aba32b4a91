"""Files of graphs written out as text, read back, and what was read, for the tests of several files."""

from pathlib import Path
from typing import Any

import torch
from torch_geometric.data import Data

from spherical_gae.data.readers.graph_files import read_graph

PEOPLE = "ann,bob\nbob,cid\n"
OF_PEOPLE = {("ann", "bob"), ("bob", "cid")}
NUMBERS = "1,2\n2,3\n"
OF_NUMBERS = {(1, 2), (2, 3)}


def graph_of(folder: Path, content: str, name: str = "g.csv", features: str | None = None, **options: Any) -> Data:
    (folder / name).write_text(content)
    if features is None:
        return read_graph(folder / name, **options)
    (folder / "x.csv").write_text(features)
    return read_graph(folder / name, folder / "x.csv", **options)


def links(data: Data) -> set[tuple[Any, Any]]:
    """Every link once, its smaller end first."""
    names = data.get("node_ids") or list(range(data.num_nodes))
    return {tuple(sorted((names[a], names[b]))) for a, b in data.edge_index.t().tolist()}


def weights(data: Data) -> list[float] | None:
    """Of the links, sorted by their ends."""
    return None if data.edge_weight is None else data.edge_weight[data.edge_index[0] < data.edge_index[1]].tolist()


def graphml(keys: str, nodes: dict[str, str], edges: str = "", kind: str = "undirected") -> str:
    """A path a - b - c - d, with keys and the nodes' data as XML."""
    listed = "".join(f'<node id="{name}">{nodes.get(name, "")}</node>' for name in "abcd")
    edges = edges or "".join(f'<edge source="{a}" target="{b}"/>' for a, b in ("ab", "bc", "cd"))
    return (
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        f'{keys}<graph edgedefault="{kind}">{listed}{edges}</graph></graphml>'
    )


def of_values(values: str, name: str = "v", kind: str = "double", default: str | None = None) -> str:
    """One attribute of the four nodes; a point for a value that is not there."""
    content = "" if default is None else f"<default>{default}</default>"
    key = f'<key id="k" for="node" attr.name="{name}" attr.type="{kind}">{content}</key>'
    return graphml(
        key, {n: f'<data key="k">{v}</data>' for n, v in zip("abcd", values.split(), strict=True) if v != "."}
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def features_by_id(data: Data) -> dict[Any, list[float]]:
    return dict(zip(data.node_ids, data.x.tolist(), strict=True))


def weighted_links(data: Data) -> dict[tuple[Any, Any], float]:
    """Weight of every link, by the ids of its ends; both directions are checked to be there."""
    ids = data.get("node_ids") or list(range(data.num_nodes))
    weight = torch.ones(data.num_edges) if data.edge_weight is None else data.edge_weight
    pairs = [(ids[i], ids[j]) for i, j in data.edge_index.t().tolist()]
    found = dict(zip(pairs, weight.tolist(), strict=True))
    assert len(found) == len(pairs)
    assert all(found[j, i] == value for (i, j), value in found.items())
    return {pair: value for pair, value in found.items() if ids.index(pair[0]) < ids.index(pair[1])}
