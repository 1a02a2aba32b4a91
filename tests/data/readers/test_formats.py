"""Two published graphs written in every format and read back."""

import gzip
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.io
from scipy import sparse
from torch_geometric.data import Data

from spherical_gae.data.readers.graph_files import read_graph
from spherical_gae.data.readers.suffixes import GRAPH_SUFFIXES

# networkx 3.1 calls them links always.
EDGES = {"edges": "links"} if "edges" in inspect.signature(nx.node_link_data).parameters else {}


def table_of(graph: nx.Graph) -> pd.DataFrame:
    """Edges as Gephi exports them; the first end is on the first side, if there are sides."""
    sides = nx.get_node_attributes(graph, "bipartite")
    rows = [(a, b, w) if sides.get(a, 0) == 0 else (b, a, w) for a, b, w in graph.edges(data="weight")]
    table = pd.DataFrame(rows, columns=["Source", "Target", "Weight"])
    return table.drop(columns="Weight") if table.Weight.isna().all() else table


def write_blanks(graph: nx.Graph, path: Path, separator: str = " ") -> None:
    table_of(graph).map(lambda cell: str(cell).replace(" ", "_")).to_csv(path, sep=separator, index=False, header=False)


def write_snap(graph: nx.Graph, path: Path) -> None:
    head = f"# Undirected graph: {path.name}\n# Nodes: {len(graph)} Edges: {graph.number_of_edges()}\n"
    rows = "".join(f"{a}\t{b}\n" for a, b in table_of(graph)[["Source", "Target"]].itertuples(index=False))
    path.write_text(head + "# FromNodeId\tToNodeId\n" + rows)


def write_konect(graph: nx.Graph, path: Path) -> None:
    """Numbered from 1, on each side of a bipartite graph anew, weights in the third column."""
    table, sides = table_of(graph), nx.get_node_attributes(graph, "bipartite")
    number: dict[Any, int] = {}
    for node in graph:
        number[node] = 1 + sum(sides.get(other, 0) == sides.get(node, 0) for other in number)
    rows = [[number[row[0]], number[row[1]], *row[2:]] for row in table.itertuples(index=False)]
    kind = "bip unweighted" if sides else "sym positive"
    path.write_text(f"% {kind}\n" + "".join(" ".join(map(str, row)) + " \n" for row in rows))


def write_gml(graph: nx.Graph, path: Path) -> None:
    nx.write_gml(graph, path)


def write_pajek(graph: nx.Graph, path: Path) -> None:
    """As Pajek does: the first side first, its size beside that of the whole."""
    sides = nx.get_node_attributes(graph, "bipartite")
    nodes = sorted(graph, key=lambda node: sides.get(node, 0))
    number = {node: k for k, node in enumerate(nodes, 1)}
    first = f" {sum(side == 0 for side in sides.values())}" if sides else ""
    lines = [f"*Vertices {len(nodes)}{first}", *(f'{k} "{node}"' for node, k in number.items()), "*Edges"]
    lines += [f"{number[a]} {number[b]} {w or 1}" for a, b, w in graph.edges(data="weight")]
    path.write_text("\n".join(lines) + "\n")


def write_matrix_market(graph: nx.Graph, path: Path) -> None:
    sides = nx.get_node_attributes(graph, "bipartite")
    rows = [node for node in graph if sides.get(node) == 0]
    matrix = nx.bipartite.biadjacency_matrix(graph, rows) if sides else nx.to_scipy_sparse_array(graph)
    scipy.io.mmwrite(str(path), sparse.coo_matrix(matrix))


def write_scipy(graph: nx.Graph, path: Path) -> None:
    sides = nx.get_node_attributes(graph, "bipartite")
    rows = [node for node in graph if sides.get(node) == 0]
    matrix = nx.bipartite.biadjacency_matrix(graph, rows) if sides else nx.to_scipy_sparse_array(graph)
    sparse.save_npz(path, sparse.csr_matrix(matrix))


def write_arrays(graph: nx.Graph, path: Path) -> None:
    number = {node: k for k, node in enumerate(graph)}
    arrays: dict[str, Any] = {"edge_index": np.array([[number[a], number[b]] for a, b in graph.edges]).T}
    weights = [w for *_, w in graph.edges(data="weight")]
    if None not in weights:
        arrays["edge_weight"] = np.array(weights)
    if sides := nx.get_node_attributes(graph, "bipartite"):
        arrays["side"] = np.array([sides[node] for node in graph])
    np.savez(path, node_ids=np.array(list(graph)), **arrays)


def write_adjacency(graph: nx.Graph, path: Path) -> None:
    np.save(path, nx.to_numpy_array(graph))


def write_json(graph: nx.Graph, path: Path) -> None:
    path.write_text(json.dumps(nx.node_link_data(graph, **EDGES), default=list))


def write_vis_js(graph: nx.Graph, path: Path) -> None:
    links = [{"from": a, "to": b, **values} for a, b, values in graph.edges(data=True)]
    path.write_text(
        json.dumps({"nodes": [{"id": a, **values} for a, values in graph.nodes(data=True)], "edges": links})
    )


def write_cytoscape(graph: nx.Graph, path: Path) -> None:
    path.write_text(json.dumps(nx.cytoscape_data(graph)))


Writer = Callable[[nx.Graph, Path], None]
# What writes it, its name, and what must be said so that the sides of a bipartite graph are read: the rest find them.
WRITERS: list[tuple[str, str, Writer, dict[str, Any]]] = [
    ("Gephi's edges", "g.csv", lambda g, p: table_of(g).to_csv(p, index=False), {"bipartite": True}),
    ("pandas with its index", "g.csv", lambda g, p: table_of(g).to_csv(p), {"bipartite": True}),
    ("semicolons", "g.csv", lambda g, p: table_of(g).to_csv(p, index=False, sep=";"), {"bipartite": True}),
    ("tabs", "g.tsv", lambda g, p: table_of(g).to_csv(p, index=False, sep="\t"), {"bipartite": True}),
    ("blanks", "g.txt", write_blanks, {"bipartite": True}),
    ("blanks, .edges", "g.edges", write_blanks, {"bipartite": True}),
    ("commas, .edgelist", "g.edgelist", lambda g, p: write_blanks(g, p, ","), {"bipartite": True}),
    ("KONECT", "out.graph", write_konect, {}),
    ("Parquet", "g.parquet", lambda g, p: table_of(g).to_parquet(p, index=False), {"bipartite": True}),
    ("Parquet with an index", "g.parquet", lambda g, p: table_of(g).to_parquet(p), {"bipartite": True}),
    ("Matrix Market", "g.mtx", write_matrix_market, {}),
    ("SciPy", "g.npz", write_scipy, {}),
    ("NumPy arrays", "g.npz", write_arrays, {}),
    ("a dense matrix", "g.npy", write_adjacency, {}),
    ("GraphML", "g.graphml", nx.write_graphml, {}),
    ("GEXF", "g.gexf", nx.write_gexf, {}),
    ("GML", "g.gml", write_gml, {}),
    ("Pajek", "g.net", write_pajek, {}),
    ("node-link JSON", "g.json", write_json, {}),
    ("vis.js", "g.json", write_vis_js, {}),
    ("Cytoscape", "g.json", write_cytoscape, {}),
]
WITHOUT_NAMES = {"KONECT", "Matrix Market", "SciPy", "a dense matrix"}
NAMES = [name for name, *_ in WRITERS]


@pytest.fixture(scope="module")
def les_miserables() -> nx.Graph:
    return nx.les_miserables_graph()


@pytest.fixture(scope="module")
def davis() -> nx.Graph:
    graph = nx.davis_southern_women_graph()
    graph.graph.clear()
    return graph


def links_of(data: Data) -> dict[frozenset[Any], float]:
    """Ends -> weight."""
    names = data.get("node_ids") or range(data.num_nodes)
    weights = [1.0] * data.num_edges if data.edge_weight is None else data.edge_weight.tolist()
    return {frozenset((names[a], names[b])): w for (a, b), w in zip(data.edge_index.t().tolist(), weights, strict=True)}


def degrees(data: Data) -> list[float]:
    """Sums of weights: what a graph keeps when its nodes are called otherwise."""
    weights = np.ones(data.num_edges) if data.edge_weight is None else data.edge_weight.numpy()
    return sorted(np.bincount(data.edge_index[0].numpy(), weights).tolist())


def written(writer: Writer, graph: nx.Graph, path: Path, is_packed: bool) -> Path:
    writer(graph, path)
    if not is_packed:
        return path
    content, path = path.read_bytes(), path.with_name(f"{path.name}.gz")
    path.write_bytes(gzip.compress(content))
    return path


def test_every_suffix_is_there() -> None:
    found = {Path(name).suffix for _, name, *_ in WRITERS}
    assert found >= set(GRAPH_SUFFIXES) - {".tsv"} - {".graph"}


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(("what", "name", "writer", "options"), WRITERS, ids=NAMES)
def test_les_miserables(
    tmp_path: Path, les_miserables: nx.Graph, what: str, name: str, writer: Writer, options: Any, is_packed: bool
) -> None:
    """77 nodes, 254 links, each with its weight."""
    data = read_graph(written(writer, les_miserables, tmp_path / name, is_packed))
    report = data.report
    assert (data.num_nodes, data.num_edges) == (77, 2 * 254) == (report.num_nodes, 2 * report.num_links)
    assert (report.num_repeats, report.num_self_loops, report.num_isolated) == (0, 0, 0)
    assert float(data.edge_weight.sum()) == 2 * 820
    assert degrees(data) == sorted(float(d) for _, d in les_miserables.degree(weight="weight"))
    assert data.get("side") is None
    assert data.has_default_features
    if what not in WITHOUT_NAMES:
        assert links_of(data) == {frozenset((a, b)): w for a, b, w in les_miserables.edges(data="weight")}


@pytest.mark.parametrize(("what", "name", "writer", "options"), [row for row in WRITERS if row[0] != "a dense matrix"])
def test_davis(tmp_path: Path, davis: nx.Graph, what: str, name: str, writer: Writer, options: dict[str, Any]) -> None:
    """32 nodes, 89 links, 18 women on one side and 14 meetings on the other."""
    data = read_graph(written(writer, davis, tmp_path / name, False), **options)
    assert (data.num_nodes, data.num_edges) == (32, 2 * 89)
    assert data.edge_weight is None
    assert degrees(data) == sorted(float(d) for _, d in davis.degree())
    side = data.side.numpy()
    assert np.bincount(side).tolist() == [18, 14]
    assert (side[data.edge_index[0]] != side[data.edge_index[1]]).all()
    assert "Sides of a bipartite graph: 18 and 14 nodes." in str(data.report)
    if what not in WITHOUT_NAMES:
        blank = "_" if "blanks" in what or "edgelist" in what else " "
        women = {node.replace(" ", blank) for node, s in davis.nodes(data="bipartite") if s == 0}
        assert {name for name, s in zip(data.node_ids, side, strict=True) if s == 0} == women


def test_snap(tmp_path: Path, les_miserables: nx.Graph) -> None:
    """SNAP has no weights; names of columns stand in the last comment."""
    numbered = nx.convert_node_labels_to_integers(les_miserables)
    path = tmp_path / "g.txt"
    write_snap(numbered, path)
    data = read_graph(path)
    assert (data.num_nodes, data.num_edges, data.edge_weight) == (77, 2 * 254, None)
    assert links_of(data).keys() == {frozenset(pair) for pair in numbered.edges}
    assert "Lines of comment skipped: 3." in str(data.report)
    assert "directions" not in str(data.report)


@pytest.mark.parametrize("transposed", [False, True])
def test_array_of_edges(tmp_path: Path, les_miserables: nx.Graph, transposed: bool) -> None:
    edges = np.array(list(nx.convert_node_labels_to_integers(les_miserables).edges), dtype=np.uint16)
    np.save(tmp_path / "g.npy", edges.T if transposed else edges)
    data = read_graph(tmp_path / "g.npy")
    assert (data.num_nodes, data.num_edges) == (77, 2 * 254)
    assert links_of(data).keys() == {frozenset(pair) for pair in edges.tolist()}
