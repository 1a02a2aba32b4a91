"""Small graphs in every format that is read, and what becomes of them when bytes are changed at random."""

from __future__ import annotations

import gzip
import inspect
import io
import json
import random
from collections.abc import Mapping
from functools import cache

import networkx as nx
import numpy as np
import pandas as pd
import scipy.io
from scipy import sparse

# What breaks readers: numbers out of range, what opens and is not closed, words of the formats.
# networkx 3.1 calls them links always.
EDGES = {"edges": "links"} if "edges" in inspect.signature(nx.node_link_data).parameters else {}
_TOKENS = [
    *(b"0", b"-1", b"9" * 18, b"9" * 40, b"1e308", b"1e309", b"nan", b"inf", b"-0", b"1.0", b"007", b"1_000", b"0x1F"),
    *(b'"', b"'", b"<", b">", b"&", b"[", b"]", b"{", b"}", b",", b";", b"\t", b" ", b"|", b"#", b"%", b"*", b"\\"),
    *(b"\n", b"\r", b"\r\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", "é".encode(), "\u202e".encode()),
    *(b"true", b"null", b"None", b"NA", b"id", b"source", b"target", b"weight", b"label", b"node", b"edge", b"graph"),
    *(b"<![CDATA[", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<default>", b"<data key='k'>", b"*Vertices 999999999"),
    *(b"%%MatrixMarket", b"999999999 999999999 1", b"complex", b"symmetric", b"array", b"PAR1", b"\x93NUMPY", b"PK"),
]


@cache
def seeds() -> Mapping[str, bytes]:
    """Name of a file, whose suffix says its kind -> content: two of most formats, one of them packed."""
    names = sorted(nx.les_miserables_graph())[:14]
    graph = nx.Graph()
    graph.add_nodes_from((node, {"age": 10.5 + k, "town": "ab"[k % 2], "x": 1.0}) for k, node in enumerate(names))
    graph.add_edges_from(
        (a, b, {"weight": w})
        for a, b, w in sorted(nx.les_miserables_graph().edges(data="weight"))
        if {a, b} <= set(names)
    )
    numbered = nx.convert_node_labels_to_integers(graph)
    table = nx.to_pandas_edgelist(graph)
    text = "\n".join(f"{a} {b} {w}" for a, b, w in numbered.edges(data="weight"))
    found = {
        "edges.csv": table.to_csv(index=False).encode(),
        "quoted.csv": table.to_csv(index=False, quoting=2, sep=";").encode(),
        "ratings.tsv": table.assign(time=1_500_000_000).to_csv(sep="\t").encode(),
        "plain.txt": text.encode(),
        "konect.txt": b"% sym positive\n% 9 9 9\n" + text.encode(),
        "snap.edges": b"# Nodes: 9\n# FromNodeId\tToNodeId\n1\t2\n2\t3\n3\t1\n",
        "dicts.edgelist": "\n".join(nx.generate_edgelist(numbered)).encode(),
        "g.graphml": "\n".join(nx.generate_graphml(graph)).encode(),
        "g.gexf": "\n".join(nx.generate_gexf(graph)).encode(),
        "g.gml": "\n".join(nx.generate_gml(graph)).encode(),
        "g.net": b'*Vertices 4 2\n1 "a" 0.1 0.2\n2 "b"\n3 "c"\n4 "d"\n*Arcs\n1 2 3\n2 3 1\n*Edges\n1 4 2\n',
        "lists.net": b"*Vertices 4\n*Arcslist\n1 2 3\n*Edgeslist\n2 3 4\n",
        "g.json": json.dumps(nx.node_link_data(graph, **EDGES)).encode(),
        "elements.json": json.dumps(nx.cytoscape_data(graph)).encode(),
    }
    matrix = nx.to_scipy_sparse_array(numbered, dtype=float)
    for name, write in {
        "edges.parquet": lambda file: table.to_parquet(file),
        "matrix.mtx": lambda file: scipy.io.mmwrite(file, sparse.coo_matrix(matrix)),
        "dense.mtx": lambda file: scipy.io.mmwrite(file, matrix.toarray()[:9]),
        "matrix.npz": lambda file: sparse.save_npz(file, sparse.csr_matrix(matrix)),
        "arrays.npz": lambda file: np.savez(file, edge_index=np.array(numbered.edges).T, x=np.eye(14)),
        "edges.npy": lambda file: np.save(file, np.array(numbered.edges)),
        "dense.npy": lambda file: np.save(file, matrix.toarray()),
    }.items():
        write(buffer := io.BytesIO())
        found[name] = buffer.getvalue()
    for name in ("edges.csv", "g.graphml", "g.json", "matrix.mtx"):
        found[f"{name}.gz"] = gzip.compress(found[name], mtime=0)
    return found


@cache
def feature_seeds() -> Mapping[str, bytes]:
    """Files of features for the graph ``plain.txt`` of :func:`seeds`: its nodes are 0 to 13."""
    table = pd.DataFrame({"age": np.arange(14.0), "town": list("abcabcabcabcab")})
    table.loc[3, "age"] = None
    found = {"x.csv": table.to_csv(index_label="id").encode()}
    for name, write in {
        "x.parquet": lambda file: table.reset_index().to_parquet(file),
        "x.npy": lambda file: np.save(file, np.eye(14)),
        "x.npz": lambda file: sparse.save_npz(file, sparse.csr_matrix(np.eye(14))),
    }.items():
        write(buffer := io.BytesIO())
        found[name] = buffer.getvalue()
    return found


def mutated(content: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """One to eight changes: bytes flipped, taken out, repeated, put in, or a piece of another file."""
    made = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        start = draw.randrange(len(made) + 1)
        length = min(len(made) - start, draw.choice((1, 1, 2, 4, 16, 64, 256)))
        piece = bytes(made[start : start + length])
        kind = draw.randrange(7)
        if kind == 0 and piece:
            made[start] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del made[start : start + length]
        elif kind == 2:
            made[start:start] = piece * draw.choice((1, 2, 50))
        elif kind == 3:
            made[start : start + length] = draw.choice(_TOKENS)
        elif kind == 4:
            made[start:start] = draw.choice(_TOKENS)
        elif kind == 5:
            other = draw.choice(others)
            begin = draw.randrange(len(other))
            made[start:start] = other[begin : begin + 200]
        else:
            del made[start:]
    return bytes(made)


def repacked(name: str, content: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """:func:`mutated`, of packed files in two of three cases the content before it is packed."""
    if name.endswith(".gz") and draw.randrange(3):
        return gzip.compress(mutated(gzip.decompress(content), draw, others), compresslevel=1, mtime=0)
    return mutated(content, draw, others)
