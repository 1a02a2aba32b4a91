"""Latent spaces of the paper's figure 3, one picture per graph: R^2 of an N-VGAE beside S^2 of an S-VGAE.

    python benchmarks/links/latent_figures.py

Seed 0, preset ``paper`` with two coordinates for the N-VGAE and three for the S-VGAE, that is two dimensions each; the
weights are those of the best validation epoch.  The classes, which are the colours, were not seen in training.
Writes docs/pictures/latent_DATASET.png and results/latent_figures.json (test AUC and AP of the models shown).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from spherical_gae.data import LinkSplit, load_graph, split_links
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import load_preset
from spherical_gae.plotting.pictures import plot_plane, plot_sphere, save_figure
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]


def embed(split: LinkSplit, dataset: str, method: str, dim: int) -> tuple[Tensor, dict[str, Any]]:
    """Embeddings of the best epoch and the scores."""
    preset = load_preset("paper", dataset).with_changes(latent_dim=dim)
    model, scores = train_once(split, preset, method, seed=0, progress=False)
    with torch.no_grad():
        return model.encode(*model_inputs(split.train)), scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["cora", "citeseer", "pubmed"])
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs" / "pictures")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {"command": "python benchmarks/links/latent_figures.py"}
    for dataset in options.datasets:
        data = load_graph(dataset)
        split = split_links(data, seed=0)
        plane, normal_scores = embed(split, dataset, "n-vgae", 2)
        sphere, spherical_scores = embed(split, dataset, "s-vgae", 3)
        figure = Figure(figsize=(13, 4.4), layout="constrained")
        left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="hammer")
        plot_plane(plane.numpy(), data.y.numpy(), left)
        plot_sphere(sphere.numpy(), data.y.numpy(), right, names=data.label_names)
        # One is enough for both.
        if (legend := left.get_legend()) is not None:
            legend.remove()
        left.set_title(f"{data.name}: N-VGAE, R², test AUC {100 * normal_scores['auc']:.1f}", fontsize=11)
        title = f"S-VGAE, S² (Hammer projection), test AUC {100 * spherical_scores['auc']:.1f}"
        save_figure(right, options.docs / f"latent_{dataset}.png", title)
        results[dataset] = {"n-vgae": normal_scores, "s-vgae": spherical_scores}
    save_json(options.out / "latent_figures.json", results)


if __name__ == "__main__":
    main()
