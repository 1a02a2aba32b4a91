"""Kinds of files: each that is named can be read, all others are refused with the names."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse

from spherical_gae import read_graph
from spherical_gae.data.readers.suffixes import DELIMITERS, GRAPH_SUFFIXES


@pytest.mark.parametrize("suffix", GRAPH_SUFFIXES)
def test_every_kind_is_read(tmp_path: Path, suffix: str) -> None:
    """A path of four nodes."""
    path, graph = tmp_path / f"graph{suffix}", nx.path_graph(4)
    if suffix in DELIMITERS:
        path.write_text("".join(f"{a}{DELIMITERS[suffix]}{b}\n" for a, b in graph.edges))
    elif suffix == ".npz":
        scipy.sparse.save_npz(path, scipy.sparse.csr_array(nx.to_numpy_array(graph)))
    else:
        nx.write_graphml(graph, path)
    data = read_graph(path)
    assert data.num_nodes == 4
    links = {tuple(sorted(pair)) for pair in data.edge_index.t().tolist()}
    ids = np.array(data.node_ids if "node_ids" in data else range(4)).astype(int)
    assert {tuple(sorted((int(ids[a]), int(ids[b])))) for a, b in links} == {(0, 1), (1, 2), (2, 3)}


def test_other_kinds_are_refused_with_those_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "graph.xlsx"
    path.write_text("")
    with pytest.raises(ValueError, match="xlsx") as caught:
        read_graph(path)
    assert all(suffix in str(caught.value) for suffix in GRAPH_SUFFIXES)
