"""Graphs and features in files of NumPy's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spherical_gae.data.readers.array_files import load_arrays
from spherical_gae.data.readers.graph_files import read_graph
from tests.helpers.graph_text import features_by_id, weighted_links


def test_arrays(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "edge_index": np.array([[0, 1], [1, 2]], dtype=np.uint16),
        "edge_weight": np.array([2.0, 3.0]),
        "x": np.eye(4),
        "y": np.array([0, 1, 0, 1], dtype=np.int16),
        "node_ids": np.array(["a", "b", "c", "d"]),
    }
    np.savez(tmp_path / "g.npz", **arrays)
    data = read_graph(tmp_path / "g.npz")
    assert weighted_links(data) == {("a", "b"): 2, ("b", "c"): 3}
    assert torch.equal(data.x, torch.eye(4))
    assert data.y.tolist() == [0, 1, 0, 1]
    np.save(tmp_path / "x.npy", np.arange(4)[:, None])
    replaced = read_graph(tmp_path / "g.npz", tmp_path / "x.npy")
    assert features_by_id(replaced) == {"a": [0], "b": [1], "c": [2], "d": [3]}
    np.savez(tmp_path / "g.npz", edge_index=arrays["edge_index"], num_nodes=9)
    assert read_graph(tmp_path / "g.npz").num_nodes == 9


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": np.eye(3)},
            r"g\.npz: given arrays x, allowed: edge_index and, optionally, edge_weight, edge_time, x, y",
        ),
        ({"edge_index": np.eye(2), "edge_weights": np.ones(2)}, "given arrays edge_index, edge_weights, allowed"),
        ({"edge_index": np.array([["a"], ["b"]])}, "given edge_index of <U1 and shape .*, allowed: integers"),
        ({"edge_index": np.ones((2, 1))}, "given edge_index of float64"),
        ({"edge_index": np.ones((2, 0), dtype=int)}, "data: given an empty graph"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "g.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_graph(tmp_path / "g.npz")


@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04 no archive"])
def test_what_is_no_numpy_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npy: not a file of NumPy arrays"):
        load_arrays(tmp_path / "x.npy")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="not a file of NumPy arrays"):
        load_arrays(tmp_path / "x.npy")


@pytest.mark.parametrize("number", [5.7, np.inf, np.nan])
def test_number_of_nodes_is_an_integer(tmp_path: Path, number: float) -> None:
    np.savez(tmp_path / "g.npz", edge_index=np.array([[0, 1], [1, 2]]), num_nodes=number)
    with pytest.raises(ValueError, match=rf"given num_nodes {number}, allowed: an integer"):
        read_graph(tmp_path / "g.npz")


def test_matrix_market_counts_from_one_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "m.mtx").write_text("%%MatrixMarket matrix coordinate pattern general\n3 3 2\n1 2\n2 3\n")
    data = read_graph(tmp_path / "m.mtx")
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert "The format counts from 1: row 1 is the node 0." in data.report.notes
