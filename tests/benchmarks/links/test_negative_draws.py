import random

import torch
from torch_geometric.data import Data

from benchmarks.links import negative_draws
from spherical_gae import load_graph, split_links


def pairs(edge_index: torch.Tensor) -> set[tuple[int, ...]]:
    return {tuple(sorted(pair)) for pair in edge_index.t().tolist()}


def test_split_has_pygs_negatives_and_our_positives() -> None:
    """Whatever the state of Python's generator, by which PyG draws."""
    whole = load_graph("digits")
    data = Data(x=whole.x, edge_index=whole.edge_index)
    ours = split_links(data, seed=3)
    random.seed(1)
    first = negative_draws.pyg_split(data, ours, 3)
    random.seed(2)
    second = negative_draws.pyg_split(data, ours, 3)
    assert torch.equal(first.train.edge_index, ours.train.edge_index)
    for mine, again, other in zip(first[1:], second[1:], ours[1:], strict=True):
        assert torch.equal(mine.pos_edge_label_index, other.pos_edge_label_index)
        assert torch.equal(mine.edge_index, other.edge_index)
        assert torch.equal(mine.neg_edge_label_index, again.neg_edge_label_index)
        assert not torch.equal(mine.neg_edge_label_index, other.neg_edge_label_index)
        assert not pairs(mine.neg_edge_label_index) & pairs(data.edge_index)


def test_table_is_in_percent() -> None:
    given = [
        {"pyg": [0.97, 0.96], "ours": [0.95, 0.94], "mean": [0.96, 0.95], "deviation": [0.003, 0.004]},
        {"pyg": [0.99, 0.98], "ours": [0.95, 0.94], "mean": [0.98, 0.95], "deviation": [0.003, 0.006]},
    ]
    assert list(negative_draws.table(given))[2:] == [
        "| AUC | 98.00 ± 1.41 | 95.00 ± 0.00 | 97.00 ± 1.41 | 0.30 ± 0.00 |",
        "| AP | 97.00 ± 1.41 | 94.00 ± 0.00 | 95.00 ± 0.00 | 0.50 ± 0.14 |",
    ]
