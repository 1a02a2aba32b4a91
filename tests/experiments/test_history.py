import csv
from pathlib import Path

from spherical_gae.experiments.history import gather_histories, write_history


def test_histories_are_put_together_with_method_and_seed(tmp_path: Path) -> None:
    histories = {("s-vgae", 3): [0.25, 1e-17], ("n-vgae", 3): [2.0], ("n-vgae", 0): []}
    files = {}
    for cell, loss in histories.items():
        files[cell] = tmp_path / f"{cell[0]}-{cell[1]}.csv"
        write_history(files[cell], {"loss": loss, "val_auc": [0.5] * len(loss)})
    gather_histories(tmp_path / "all.csv", files)
    header, *rows = csv.reader((tmp_path / "all.csv").read_text().splitlines())
    assert header == ["method", "seed", "epoch", "loss", "val_auc"]
    assert rows == [
        ["s-vgae", "3", "1", "0.25", "0.5"],
        ["s-vgae", "3", "2", "1e-17", "0.5"],
        ["n-vgae", "3", "1", "2.0", "0.5"],
    ]
