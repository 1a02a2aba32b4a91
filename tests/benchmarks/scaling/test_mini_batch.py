from pathlib import Path

from benchmarks.scaling import mini_batch
from benchmarks.scaling.mini_batch import Cell


def test_cells_say_what_differs(tmp_path: Path) -> None:
    full, batches, kept = (
        Cell("pubmed", method, 3).arguments() for method in ("full batch", "batches", "batches, a mask for 5 epochs")
    )
    assert full[4:] == ["--batch-size", "0", "--epochs", "300"]
    assert batches[4:] == ["--batch-size", "1024", "--epochs", "60"]
    assert kept == [*batches, "--remask-every", "5"]
    paths = {Cell("cora", method, seed).path(tmp_path) for method in mini_batch.METHODS for seed in range(3)}
    assert len(paths) == 3 * len(mini_batch.METHODS)


def test_table_has_a_row_for_every_method() -> None:
    cells = [
        {"dataset": "cora", "method": "batches", "auc": auc, "ap": 0.5, "seconds": 10.0} for auc in (0.96, 0.98)
    ] + [{"dataset": "pubmed", "method": "full batch", "auc": 0.9, "ap": 0.8, "seconds": 7.0}]
    lines = list(mini_batch.table(cells))
    assert lines[0] == "| method | cora: AUC | AP | seconds | pubmed: AUC | AP | seconds |"
    assert lines[2] == "| full batch |  |  |  | 90.00 | 80.00 | 7 |"
    assert lines[3] == "| batches | 97.00 ± 1.41 | 50.00 ± 0.00 | 10 ± 0 |  |  |  |"
    assert len(lines) == 2 + len(mini_batch.METHODS)
