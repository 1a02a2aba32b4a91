"""A picture of HeaRT's hard negatives: our methods, the published ones, and a cosine that nobody trained.

    python benchmarks/links/heart_figure.py

Reads results/heart.json and writes docs/pictures/heart.png.  Points are means over the training seeds, bars standard
deviations; each metric is that of the epoch with its own best validation value.  Of the published rows (Li et al. 2023;
Shomer et al. 2024) the best are shown.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parents[1]
NAMES = {"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}
METRICS = {"heart_mrr": "MRR (%)", "heart_hits_at_10": "Hits@10 (%)"}
OURS = {
    "cosine": "untrained cosine",
    "paper n-vgae": "N-VGAE, paper",
    "paper s-vgae": "S-VGAE, paper",
    "frontier-product s-vgae": "S-VGAE, frontier-product",
    "ranking s-vgae": "S-VGAE, ranking",
}
PUBLISHED: dict[str, dict[str, dict[str, float]]] = {
    "cora": {"heart_mrr": {"GAE": 18.32}, "heart_hits_at_10": {"GAE": 37.95}},
    "citeseer": {
        "heart_mrr": {"NCN": 28.65, "NCNC": 24.10},
        "heart_hits_at_10": {"NCN": 53.41, "NCNC": 53.72},
    },
    "pubmed": {"heart_mrr": {"LPFormer": 9.99, "SAGE": 9.40}, "heart_hits_at_10": {"SAGE": 20.54}},
}

# Two labels need so much of the axis.
_NEAR = 0.03


def values(cells: list[dict[str, Any]], dataset: str, method: str, metric: str) -> list[float]:
    """One value for each seed, in percent."""
    mine = [cell for cell in cells if (cell["dataset"], cell["method"]) == (dataset, method)]
    return [100 * cell["own_epoch"][metric] for cell in mine]


def together(best: dict[str, float]) -> dict[float, str]:
    """Value -> names of the methods there; lines that are nearer than their labels have one label, at the first."""
    labels: dict[float, str] = {}
    for name, value in sorted(best.items(), key=lambda item: item[1]):
        near = next((other for other in labels if value - other < _NEAR * value), None)
        labels[value if near is None else near] = name if near is None else f"{labels[near]}, {name}"
    return labels


def draw(axes: Axes, cells: list[dict[str, Any]], dataset: str, metric: str) -> None:
    """One panel: our rows from above, a line for each published one."""
    for place, method in enumerate(OURS):
        found = values(cells, dataset, method, metric)
        if not found:
            continue
        trained = method != "cosine"
        axes.errorbar(
            np.mean(found),
            -place,
            xerr=np.std(found) if len(found) > 1 else None,
            fmt="o" if trained else "D",
            color="#1f5fa8" if trained else "#b8602c",
            capsize=3,
        )
    best = PUBLISHED[dataset][metric]
    for value in best.values():
        axes.axvline(value, color="0.6", linewidth=1, linestyle="--", zorder=0)
    for value, names in together(best).items():
        axes.text(value, 0.45, names, rotation=90, fontsize=8, color="0.35", ha="right", va="bottom")
    axes.set_yticks([-place for place in range(len(OURS))], list(OURS.values()))
    axes.set_ylim(-len(OURS) + 0.5, 2)
    axes.set_xlim(left=0)
    axes.set_xlabel(METRICS[metric])
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results" / "heart.json")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs" / "pictures")
    options = parser.parse_args()
    cells = json.loads(options.results.read_text())["cells"]
    datasets = [name for name in NAMES if any(cell["dataset"] == name for cell in cells)]
    figure = Figure(figsize=(4.2 * len(datasets), 5.2), layout="constrained")
    panels = figure.subplots(len(METRICS), len(datasets), sharey=True, squeeze=False)
    for row, metric in zip(panels, METRICS, strict=True):
        for axes, dataset in zip(row, datasets, strict=True):
            draw(axes, cells, dataset, metric)
    for axes, dataset in zip(panels[0], datasets, strict=True):
        axes.set_title(NAMES[dataset])
    figure.suptitle("HeaRT's hard negatives, test; dashed: the best published")
    figure.savefig(options.docs / "heart.png", dpi=110)


if __name__ == "__main__":
    main()
