"""What the benchmark of nodes scores and how it chooses."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from benchmarks.links import node_tasks
from benchmarks.links.link_prediction import Cell
from benchmarks.links.node_methods import SEVERAL
from benchmarks.links.node_tasks import WAYS, chosen_cells, lines, run_cell, with_choice


def entry(method: str, seed: int, tied: float, free: float) -> dict[str, Any]:
    """A cell in which the way of number k has the scores k / 10, and the mixtures these BICs."""
    clusters: dict[str, Any] = {way: dict.fromkeys(("accuracy", "nmi", "ari"), k / 10) for k, way in enumerate(WAYS)}
    clusters["mixture, tied"]["bic"], clusters["mixture, free"]["bic"] = tied, free
    probe = {"accuracy": 0.5, "val_accuracy": 0.4 + seed / 10, "strength": 1.0}
    return {
        "dataset": "cora",
        "method": method,
        "seed": seed,
        "probe": probe,
        "clusters": clusters,
        "embedding_seconds": 2.0,
    }


def test_bic_chooses_between_the_mixtures() -> None:
    assert with_choice(entry("paper", 0, tied=-5.0, free=-4.0))["mixture, by BIC"]["nmi"] == 0.2
    assert with_choice(entry("paper", 0, tied=-4.0, free=-5.0))["mixture, by BIC"]["nmi"] == 0.3


def test_tables_have_a_row_for_each_method_and_way() -> None:
    cells = [entry("paper", 0, -5, -4), entry("paper", 1, -4, -5), entry("features", 0, 0, 1)]
    rows = list(lines(cells))
    assert "| paper | 2 | mixture, tied | 20.00 ± 0.00 | 20.00 ± 0.00 | 20.00 ± 0.00 |" in rows
    assert "| paper | 2 | mixture, by BIC | 25.00 ± 7.07 | 25.00 ± 7.07 | 25.00 ± 7.07 |" in rows
    assert "| features | 1 | mixture, by BIC | 20.00 | 20.00 | 20.00 |" in rows
    assert "| paper | 2 | 50.00 ± 0.00 | 45.00 ± 7.07 | 2.0 |" in rows
    assert sum(row.startswith("| published: ") for row in rows) == 7


def test_several_trainings_are_clustered_by_k_means_alone() -> None:
    cell = entry(SEVERAL, 0, 0, 0)
    del cell["probe"]
    cell["clusters"] = {"k-means": cell["clusters"]["k-means"]}
    rows = list(lines([cell]))
    assert [row for row in rows if row.startswith(f"| {SEVERAL}")] == [
        f"| {SEVERAL} | 1 | k-means | 0.00 | 0.00 | 0.00 |"
    ]


def test_what_is_not_trained_has_one_seed() -> None:
    cells = chosen_cells(["cora", "pubmed"], ["features", "paper"], (4, 5))
    assert [(cell.dataset, cell.method, cell.seed) for cell in cells] == [
        (dataset, method, seed)
        for dataset in ("cora", "pubmed")
        for seed, method in ((4, "features"), (4, "paper"), (5, "paper"))
    ]


def test_a_cell_is_scored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that are the classes, but for two nodes of the test part."""
    y = torch.arange(30) % 3
    shown = torch.where(torch.arange(30) < 2, (y + 1) % 3, y)
    x = torch.nn.functional.one_hot(shown, 3).float()
    parts = {f"{name}_mask": torch.arange(30) // 10 == part for part, name in enumerate(("test", "val", "train"))}
    graph = Data(x=x, y=y, edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=30, name="cora", **parts)
    monkeypatch.setattr(node_tasks, "load_graph", lambda name: graph)
    cell = Cell("cora", "features", 0)
    found = run_cell(cell, tmp_path)
    assert found["probe"]["accuracy"] == 0.8
    assert found["probe"]["val_accuracy"] == 1
    for way in WAYS:
        assert found["clusters"][way]["accuracy"] == pytest.approx(28 / 30)
    monkeypatch.setattr(node_tasks, "load_graph", None)
    assert run_cell(cell, tmp_path) == found
