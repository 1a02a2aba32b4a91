import pytest
import torch
from torch_geometric.nn import GAE, VGAE

from benchmarks.links.pyg_example import DIMS, EXAMPLES, MODELS, Cell, make_model, run_cell, table
from spherical_gae import SphericalGAE


@pytest.mark.parametrize("example", EXAMPLES)
def test_model_is_the_only_change(example: str) -> None:
    pyg, ours, paper = (make_model(Cell(example, model, 16, 0), 5) for model in MODELS)
    assert type(pyg) is (VGAE if example == "autoencoder" else GAE)
    assert isinstance(ours, SphericalGAE)
    assert (ours.head.initial_concentration, paper.head.initial_concentration) == ("dimension", "paper")
    assert [len(model.encoder.outputs) for model in (pyg, ours)] == [2 if example == "autoencoder" else 1, 2]
    hidden = 32 if example == "autoencoder" else 128  # the examples' own, at their 16 and 64 dimensions
    assert [model.encoder.hidden.out_channels for model in (pyg, ours, paper)] == [hidden] * 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_cell_learns_and_is_repeatable(example: str) -> None:
    torch.manual_seed(5)
    cell = Cell(example, "start at the dimension", 16, 0)
    found = run_cell(cell, "digits", epochs=20)
    assert found["test_auc"] > 90
    assert found == run_cell(cell, "digits", epochs=20)


def test_table_has_a_row_for_each_model_and_a_column_for_each_dimension() -> None:
    cells = [
        {**Cell(example, "PyG", dim, seed)._asdict(), "test_auc": 80.0 + seed}
        for example in EXAMPLES
        for dim in DIMS
        for seed in (0, 2)
    ]
    assert list(table(cells)) == [
        "| example | model | m = 3 | m = 16 | m = 64 | m = 256 |",
        "|---|---|---|---|---|---|",
        "| autoencoder | PyG |" + " 81.0 ± 1.4 (80.0) |" * 4,
        "| link prediction | PyG |" + " 81.0 ± 1.4 (80.0) |" * 4,
    ]
    assert list(table(cells[1:3]))[2:] == ["| autoencoder | PyG | 82.0 (82.0) | 80.0 (80.0) |"]
    of_both = [{**cells[0], "dim": 16}, {**cells[-1], "dim": 3}]
    assert list(table(of_both))[2:] == [
        "| autoencoder | PyG | not run | 80.0 (80.0) |",
        "| link prediction | PyG | 82.0 (82.0) | not run |",
    ]
