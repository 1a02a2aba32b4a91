from pathlib import Path
from typing import Any

from benchmarks.links import latent_comparison
from benchmarks.links.latent_comparison import (
    Cell,
    best_settings,
    differences,
    from_heart,
    restore,
    rows,
    run_cell,
    settings_of,
    with_earlier,
)
from spherical_gae.training.checkpoint import save_json


def found(latent: str, setting: int, seed: int = 0, preset: str = "frontier", **values: float) -> dict[str, Any]:
    val = {"auc": 0.9, "ap": 0.9, "heart_mrr": 0.1, **values}
    return {**Cell("cora", preset, latent, setting, "heart", seed)._asdict(), "val": val, "one_epoch": dict(val)}


def test_the_search_sees_validation_values_of_the_presets_own_aim() -> None:
    searched = [found("normal", 1, auc=0.95), found("normal", 0, heart_mrr=0.2), found("normal", 2, auc=0.95)]
    assert best_settings(searched) == {("cora", "frontier", "normal"): 1}
    searched = [{**cell, "preset": "ranking"} for cell in searched]
    assert best_settings(searched) == {("cora", "ranking", "normal"): 0}


def test_settings_that_change_nothing_are_left_out() -> None:
    assert settings_of("normal") == [0, 1, 2, 3]
    assert settings_of("plain, no noise") == [0, 2]
    dropouts = [Cell("cora", "frontier", "normal", number, "heart", 0).settings.dropout for number in range(4)]
    assert dropouts == [0.8, 0.8, 0.5, 0.5]


def test_a_projected_normal_is_on_one_sphere_only(tmp_path: Path) -> None:
    found = list(rows(["cora"], ["frontier", "ranking"]))
    assert [preset for _, preset, latent in found if latent == "projected normal"] == ["frontier"]
    assert len(found) == 9
    cells = [Cell(*row, 0, split, seed) for row in found for split in latent_comparison.SPLITS for seed in (0, 1)]
    assert len({cell.path(tmp_path) for cell in cells}) == len(cells)


def test_earlier_results_count_as_done(tmp_path: Path) -> None:
    entry = found("normal", 1, seed=3, auc=0.95)
    earlier = {"search": [], "cells": [entry]}
    save_json(tmp_path / "results.json", earlier)
    assert restore(tmp_path / "results.json", tmp_path / "work") == earlier
    cell = Cell("cora", "frontier", "normal", 1, "heart", 3)
    assert run_cell(cell, tmp_path / "work") == entry
    assert restore(None, tmp_path / "work") == {"search": [], "cells": []}


def test_runs_at_the_presets_settings_are_taken_from_heart(tmp_path: Path) -> None:
    values = {"own_epoch": {"auc": 0.5}, "val": {"auc": 0.6}, "epochs": {"auc": 40}, "one_epoch": {"auc": 0.7}}
    runs = [
        {"dataset": "cora", "method": f"{preset} s-vgae", "seed": 2, "seconds": 9.0, **values}
        for preset in ("frontier", "ranking")
    ]
    save_json(tmp_path / "heart.json", {"cells": runs})
    latents = ("von Mises-Fisher", "direction, no noise", "normal")
    cells = [
        Cell("cora", preset, latent, setting, split, seed)
        for preset in ("frontier", "ranking")
        for latent in latents
        for setting in (0, 1)
        for split in latent_comparison.SPLITS
        for seed in (1, 2)
    ]
    from_heart(cells, tmp_path / "heart.json", tmp_path)
    taken = [cell for cell in cells if cell.path(tmp_path).exists()]
    # The preset ``ranking`` has a direction without noise, whose KL term is zero: its weight 1 is the preset's.
    assert taken == [
        Cell("cora", "frontier", "von Mises-Fisher", 0, "heart", 2),
        Cell("cora", "ranking", "direction, no noise", 0, "heart", 2),
    ]
    assert run_cell(taken[0], tmp_path) == {**taken[0]._asdict(), **values}


def test_each_cell_is_reported_once() -> None:
    old, again, new = found("normal", 0, auc=0.8), found("normal", 1, auc=0.8), found("normal", 1, auc=0.9)
    assert with_earlier([old, again], [new]) == [old, new]


def test_differences_are_of_the_same_seeds() -> None:
    first = [found("von Mises-Fisher", 0, seed, auc=0.9 + 0.01 * seed) for seed in range(4)]
    second = [found("normal", 0, seed, auc=0.8 + 0.02 * seed) for seed in (3, 1, 2)]
    chosen = [("cora", "frontier", "von Mises-Fisher"), ("cora", "frontier", "normal")]
    for cell in (*first, *second):
        cell["one_epoch"] |= {"mrr": 0.1, "heart_hits_at_10": 0.1}
    line = list(differences([*first, *second], chosen, "heart"))[-1]
    # 9, 8 and 7 points on the seeds 1, 2 and 3.
    assert line.startswith("| cora | frontier | normal | 3 | +8.00 (p 0.005) |")
