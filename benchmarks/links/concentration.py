"""What a learned concentration means: kappa of a node against its degree, and against the errors on its pairs.

    python benchmarks/links/concentration.py

Preset ``paper``, seeds 0-2.  For every node kappa of the posterior at the best validation epoch, its degree among the
training links, and its mean log loss over the test links and uniform negatives that it is an end of, if any.  Spearman
correlations per seed, mean and standard deviation; the partial correlation of kappa and error given the degree is that
of the ranks' residuals.  Writes results/concentration.json and docs/pictures/concentration.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import VonMisesFisher
from spherical_gae.data import LinkSplit, load_graph, split_links
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import load_preset
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.nn import node_degree
from spherical_gae.plotting.pictures import save_figure
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
Floats = NDArray[np.float64]


def node_values(split: LinkSplit, dataset: str, seed: int) -> tuple[Floats, Floats, Floats]:
    """Concentration, degree and mean log loss (NaN without a test pair) of every node."""
    model, _ = train_once(split, load_preset("paper", dataset), "s-vgae", seed, progress=False)
    num_nodes = split.train.num_nodes
    with torch.no_grad():
        posterior = model.posterior(*model_inputs(split.train))
        assert isinstance(posterior, VonMisesFisher)
        z = posterior.mode
        total, count = torch.zeros(num_nodes), torch.zeros(num_nodes)
        for pairs, sign in ((split.test.pos_edge_label_index, -1), (split.test.neg_edge_label_index, 1)):
            loss = F.softplus(sign * model.decode(z, pairs, sigmoid=False))
            for end in pairs:
                total.index_add_(0, end, loss)
                count.index_add_(0, end, torch.ones_like(loss))
    degree = node_degree(split.train.edge_index, num_nodes)
    return posterior.concentration.double().numpy(), degree.double().numpy(), (total / count).double().numpy()


def correlations(kappa: Floats, degree: Floats, error: Floats) -> dict[str, float]:
    """Spearman correlations of the three, and of kappa and error given the degree."""
    tested = np.isfinite(error)
    ranks = [rankdata(values[tested]) for values in (kappa, error, degree)]
    # Ranks of kappa and error, less what a line in the rank of the degree explains.
    residuals = [values - np.polyval(np.polyfit(ranks[2], values, 1), ranks[2]) for values in ranks[:2]]
    return {
        "kappa_degree": float(spearmanr(kappa, degree).statistic),
        "kappa_error": float(spearmanr(kappa[tested], error[tested]).statistic),
        "degree_error": float(spearmanr(degree[tested], error[tested]).statistic),
        "kappa_error_given_degree": float(np.corrcoef(*residuals)[0, 1]),
    }


def quartiles(values: Floats, groups: NDArray[np.int64], number: int) -> Floats:
    """Lower quartile, median and upper quartile of the values in each group, shape [3, number]."""
    return np.array([np.quantile(values[groups == k], [0.25, 0.5, 0.75]) for k in range(number)]).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["cora", "citeseer", "pubmed"])
    parser.add_argument("--seeds", default="0-2")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs" / "pictures")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    figure = Figure(figsize=(4.2 * len(options.datasets), 7), layout="constrained")
    axes = figure.subplots(2, len(options.datasets), squeeze=False)
    results: dict[str, Any] = {"command": f"python benchmarks/links/concentration.py --seeds {options.seeds}"}
    for column, dataset in enumerate(options.datasets):
        found = []
        pooled: list[tuple[Floats, Floats, Floats]] = []
        for seed in parse_seeds(options.seeds):
            values = node_values(split_links(load_graph(dataset), seed=seed), dataset, seed)
            found.append(correlations(*values))
            pooled.append(values)
        results[dataset] = {name: [entry[name] for entry in found] for name in found[0]}
        kappa, degree, error = (np.concatenate(parts) for parts in zip(*pooled, strict=True))
        draw(axes[:, column], dataset, kappa, degree, error)
    save_json(options.out / "concentration.json", results)
    save_figure(axes[0, 0], options.docs / "concentration.png")


def draw(axes: Any, dataset: str, kappa: Floats, degree: Floats, error: Floats) -> None:
    """Kappa by degree above, error by decile of kappa below: medians with quartiles."""
    highest = 10
    low, middle, high = quartiles(kappa, np.minimum(degree, highest).astype(np.int64), highest + 1)
    axes[0].errorbar(range(highest + 1), middle, [middle - low, high - middle], fmt="o", capsize=3)
    axes[0].set(title=dataset, xlabel=f"training links of a node ({highest}: or more)", ylabel="concentration")
    tested = np.isfinite(error)
    edges = np.quantile(kappa[tested], np.linspace(0, 1, 11)[1:-1])
    low, middle, high = quartiles(error[tested], np.searchsorted(edges, kappa[tested]).astype(np.int64), 10)
    axes[1].errorbar(range(1, 11), middle, [middle - low, high - middle], fmt="o", capsize=3, color="C1")
    axes[1].set(xlabel="decile of concentration", ylabel="log loss of a node's test pairs")


if __name__ == "__main__":
    main()
