"""Nodes, not links: clusters and a linear probe of embeddings of Cora, CiteSeer and PubMed.

    python benchmarks/links/node_tasks.py

Embeddings are made from the features and all links of a graph, without labels, one for each seed.  Clusters: as many as
there are classes, all nodes, by four ways, each from several starts of which its own criterion keeps the best; several
trainings side by side by k-means alone, and without the probe.  Probe: logistic regression on the public split, C
chosen on its validation part.  Every cell (data set, method, seed) runs on
one thread and is written when it is done; an interrupted benchmark continues where it stopped.  What is not trained has
one seed, as only the starts of the clusters depend on it.

Writes results/node_tasks.json (every seed) and results/node_tasks.md (the tables).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from benchmarks.cells import add_common_options, command_line, kept_cells, run_cells, spread, write_results
from benchmarks.links.link_prediction import Cell
from benchmarks.links.node_methods import FEATURES, METHODS, SEVERAL, node_embeddings, unit_rows
from spherical_gae.cluster import SphericalKMeans, VonMisesFisherMixture
from spherical_gae.data import load_graph
from spherical_gae.evaluation import clustering_scores, linear_probe
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
DATASETS = ("cora", "citeseer", "pubmed")
STARTS = 5
WAYS = ("k-means", "spherical k-means", "mixture, tied", "mixture, free")
SCORES = {"accuracy": "ACC", "nmi": "NMI", "ari": "ARI"}
# Chosen without labels: of the two mixtures the one of the lower BIC.
BY_BIC = "mixture, by BIC"
# Read second hand: ACC / NMI / ARI of k-means in the tables of PyAGC (2026); probes as their papers have them.
PUBLISHED_CLUSTERS = {
    "cora": {
        "NS4GC": "74.9 | 59.4 | 56.6",
        "MAGI": "74.2 | 58.9 | 53.5",
        "CCA-SSG": "73.4 | 58.7 | 51.8",
        "DGI": "72.2 | 56.2 | 52.0",
        "GAE": "67.5 | 50.1 | 45.6",
        "Node2Vec": "60.5 | 45.0 | 33.6",
        "features": "33.1 | 13.9 | 7.0",
    }
}
PUBLISHED_PROBES = {
    "cora": "Bandana 84.6, GraphMAE2 84.5, MaskGAE 84.3, CCA-SSG 84.2, GAE 71.5",
    "citeseer": "MaskGAE 73.8, GraphMAE2 73.4, CCA-SSG 73.1, GAE 65.8",
    "pubmed": "MaskGAE 83.6, CCA-SSG 81.6, GraphMAE2 81.4, GAE 72.1",
}


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Embeds and scores one cell, or reads its result if it is there."""
    result = cell.path(work)
    if not result.exists():
        save_json(result, scores(cell))
    return {**cell._asdict(), **json.loads(result.read_text())}


def chosen_cells(datasets: list[str], methods: list[str], seeds: tuple[int, ...]) -> list[Cell]:
    """The cells, seed by seed; what is not trained has no seed but the first."""
    cells = (Cell(dataset, method, seed) for dataset, seed, method in product(datasets, seeds, methods))
    return [cell for cell in cells if cell.method not in FEATURES or cell.seed == seeds[0]]


def scores(cell: Cell) -> dict[str, Any]:
    """Probe and clusters of a cell's embeddings, in [0, 1]; and the seconds of the processor."""
    data = load_graph(cell.dataset)
    start = time.process_time()
    z = node_embeddings(cell.method, data, cell.seed)
    seconds = time.process_time() - start
    rows = unit_rows(z).numpy()
    found: dict[str, Any] = {"embedding_seconds": seconds, "clusters": {}}
    if cell.method != SEVERAL:
        probe = linear_probe(rows, data.y, data.train_mask, data.val_mask, data.test_mask)
        found["probe"] = probe._asdict()
    for way in WAYS[:1] if cell.method == SEVERAL else WAYS:
        model = clustering(way, int(data.y.max()) + 1, cell.seed).fit(z.numpy() if way == "k-means" else rows)
        found["clusters"][way] = clustering_scores(data.y, model.labels_)._asdict()
        if isinstance(model, VonMisesFisherMixture):
            found["clusters"][way]["bic"] = model.bic(rows)
    return found


def clustering(way: str, count: int, seed: int) -> Any:
    """The estimator of one of ``WAYS``."""
    if way == "k-means":
        return KMeans(count, n_init=STARTS, random_state=seed)
    if way == "spherical k-means":
        return SphericalKMeans(count, n_init=STARTS, random_state=seed)
    return VonMisesFisherMixture(count, tied=way == "mixture, tied", n_init=STARTS, random_state=seed)


def with_choice(cell: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The clusters of a cell, and, if there are both mixtures, those of the one that BIC prefers."""
    clusters = cell["clusters"]
    if len(clusters) < len(WAYS):
        return dict(clusters)
    chosen = min(("mixture, tied", "mixture, free"), key=lambda way: clusters[way]["bic"])
    return {**clusters, BY_BIC: clusters[chosen]}


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The tables, as markdown: mean ± standard deviation over the seeds, in percent."""
    for dataset in dict.fromkeys(cell["dataset"] for cell in cells):
        groups = {
            method: [cell for cell in cells if (cell["dataset"], cell["method"]) == (dataset, method)]
            for method in METHODS
        }
        groups = {method: mine for method, mine in groups.items() if mine}
        yield from (f"## {dataset}: clusters", "", "| embeddings | seeds | clusters by | ACC | NMI | ARI |")
        yield "|---" * 6 + "|"
        for method, mine in groups.items():
            clusters = [with_choice(cell) for cell in mine]
            for way in clusters[0]:
                values = " | ".join(spread([100 * one[way][score] for one in clusters]) for score in SCORES)
                yield f"| {method} | {len(mine)} | {way} | {values} |"
        for method, values in PUBLISHED_CLUSTERS.get(dataset, {}).items():
            yield f"| published: {method} | | k-means | {values} |"
        yield from ("", f"## {dataset}: linear probe", "", "| embeddings | seeds | test | validation | seconds |")
        yield "|---" * 5 + "|"
        for method, mine in groups.items():
            if method == SEVERAL:
                continue
            test, val = (spread([100 * cell["probe"][name] for cell in mine]) for name in ("accuracy", "val_accuracy"))
            seconds = np.mean([cell["embedding_seconds"] for cell in mine])
            yield f"| {method} | {len(mine)} | {test} | {val} | {seconds:.1f} |"
        yield from ("", f"Published: {PUBLISHED_PROBES[dataset]}.", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="METHOD")
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    add_common_options(parser, HERE / "work" / "node_tasks", HERE / "results")
    options = parser.parse_args()

    cells = chosen_cells(options.datasets, options.methods, parse_seeds(options.seeds))
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    kept = kept_cells(options.keep, lambda entry: Cell(*(entry[name] for name in Cell._fields)), cells)
    found = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    results = sorted(
        [*kept, *found], key=lambda one: (DATASETS.index(one["dataset"]), METHODS.index(one["method"]), one["seed"])
    )
    command = command_line(parser, options, ("datasets", "methods", "seeds"))
    write_results(options.out, "node_tasks", {"command": command, "cells": results}, lines(results))


if __name__ == "__main__":
    main()
