import numpy as np
import pytest
import torch
from torch_geometric.utils import contains_self_loops, is_undirected

from benchmarks.scaling import scaling
from benchmarks.scaling.scaling_worker import FEATURES, INSIDE, NODES_IN_A_COMMUNITY, planted_graph


def test_planted_graph_has_communities_in_links_and_features() -> None:
    graph = planted_graph(5000, 50_000)
    source, target = graph.edge_index
    assert source.numel() == 2 * 50_000
    assert is_undirected(graph.edge_index)
    assert not contains_self_loops(graph.edge_index)
    assert graph.edge_index.unique(dim=1).size(1) == source.numel()
    inside = float((graph.y[source] == graph.y[target]).double().mean())
    # Links drawn anywhere fall inside by chance, and links inside are more often repeats.
    assert INSIDE - 0.03 < inside < INSIDE + 0.03
    # Of the variance 1 + 9 of a feature, a tenth is between communities.
    centers = torch.stack([graph.x[graph.y == c].mean(0) for c in range(5000 // NODES_IN_A_COMMUNITY)])
    between = float(centers.var(0).mean()) - 9 / NODES_IN_A_COMMUNITY
    assert graph.x.shape == (5000, FEATURES)
    assert between == pytest.approx(1.0, rel=0.1)
    assert float(graph.x.var()) == pytest.approx(10.0, rel=0.05)


def test_exponent_of_a_power() -> None:
    links = [10, 100, 1000]
    assert scaling.exponent(links, list(3.0 * np.array(links) ** 1.25)) == pytest.approx(1.25)


def test_table_shows_every_measurement_and_the_ratios() -> None:
    raw = {
        "train_seconds": [9.0, 2.0, 3.0],
        "validate_seconds": [1.0, 1.0, 1.0],
        "prepare_seconds": 5.0,
        "peak_gb": 2.0,
    }
    cell = scaling.summary(raw)
    assert cell == {"train": 3.0, "epoch": 4.0, "prepare": 5.0, "memory": 2.0}
    cells = {name: {1000: cell, 10_000: {**cell, "train": 6.0, "epoch": 40.0}} for name in scaling.NAMES}
    cells[scaling.TWO] = {1000: {**cell, "train": 1.8}}
    lines = list(scaling.table(cells, base=1.0))
    assert "| s-vgae, batches | 10,000 | 6.00 | 40.00 | 5.00 | 2.00 |" in lines
    assert "| s-vgae, batches | 1.00 | 0.00 |" in lines
    assert list(scaling.ratios(cells))[2:] == ["| 1,000 | 0.60 | 1.00 |", "| 10,000 |  | 1.00 |"]
