import hashlib
import re
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch_geometric.utils import to_dense_adj

from spherical_gae.data.digits import load_digits_graph

CARD = Path(__file__).parents[2] / "datasets" / "digits.md"


def test_features_and_labels_are_those_of_scikit_learn() -> None:
    data = load_digits_graph()
    pixels, digits = load_digits(return_X_y=True)
    upper = pixels.reshape(-1, 8, 8)[:, :4].reshape(-1, 32)
    assert data.x.dtype == torch.float32
    assert torch.equal(16 * data.x, torch.from_numpy(upper).float())
    assert torch.equal(data.y, torch.from_numpy(digits))
    assert data.name == "digits"


def test_links_are_the_union_of_the_five_nearest_lower_halves_by_cosine() -> None:
    data = load_digits_graph()
    pixels, _ = load_digits(return_X_y=True)
    lower = pixels.reshape(-1, 8, 8)[:, 4:].reshape(-1, 32)
    unit = lower / np.linalg.norm(lower, axis=1, keepdims=True)
    # One fifth neighbour is as near as a sixth; all other gaps are above 1e-6.
    cosine = (unit @ unit.T).round(9)
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :5]
    expected = np.zeros_like(cosine, dtype=bool)
    np.put_along_axis(expected, nearest, True, axis=1)
    expected |= expected.T
    assert np.array_equal(to_dense_adj(data.edge_index)[0].numpy() == 1, expected)


def test_graph_is_clean_and_the_same_again() -> None:
    data = load_digits_graph()
    assert data.edge_index.shape == (2, 12_512)
    assert data.is_undirected()
    assert data.is_coalesced()
    assert not data.has_self_loops()
    assert not data.has_isolated_nodes()
    assert torch.equal(data.edge_index, load_digits_graph().edge_index)


def test_card_agrees_with_the_arrays() -> None:
    def digest(tensor: Tensor) -> str:
        return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()

    data = load_digits_graph()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(\w{64})` \|$", CARD.read_text(), re.M))
    assert rows == {key: digest(data[key]) for key in ("x", "y", "edge_index")}
