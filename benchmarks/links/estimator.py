"""What ``SphericalGraphEmbedding`` predicts of links that were removed, beside the same training by hand.

    python benchmarks/links/estimator.py

10% of Cora's links are removed (the test part of ``split_links``), and as many non-links drawn.  With the settings of
``frontier-product``, one seed for the split, the weights and the training:

- estimator: fitted on the other links with its defaults; the epoch is chosen on 5% of them, then all are trained on;
- estimator, refit=False: the model that the epoch was chosen with;
- fit_gae by hand: trained and validated on the training and validation parts of the same split; these cells are those
  of results/link_prediction.json, whose settings for Cora differ in the number of epochs, 2000 instead of 600.

The second training of the estimator is run as ``val_share=0`` for the epochs that were best, which is the same bit for
bit (``tests/embedding/test_estimator.py``), so that the first need not be run twice.

Every seed runs on one thread and is written when it is done; an interrupted benchmark continues where it stopped.
Writes results/estimator.json (every seed) and results/estimator.md (the table).
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch_geometric.data import Data

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import LinkSplit, load_graph, split_links
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
PRESET = "frontier-product"
METHODS = ("estimator", "estimator, refit=False", "fit_gae by hand")


def without_test_links(split: LinkSplit, with_features: bool = True) -> Data:
    """The graph of the training and the validation links."""
    links = torch.cat([split.train.pos_edge_label_index, split.val.pos_edge_label_index], dim=1)
    graph = Data(edge_index=torch.cat([links, links.flip(0)], dim=1), num_nodes=split.train.num_nodes)
    if with_features:
        graph.x = split.train.x
    return graph


def test_scores(embedding: SphericalGraphEmbedding, split: LinkSplit) -> dict[str, float]:
    """AUC and AP of the estimator's probabilities on the test part."""
    test = split.test
    positive, negative = (
        torch.from_numpy(embedding.score_links(pairs.t()))
        for pairs in (test.pos_edge_label_index, test.neg_edge_label_index)
    )
    return auc_ap(positive, negative)._asdict()


def by_hand(seed: int) -> dict[str, float] | None:
    """The same split by ``fit_gae``, from the results of benchmarks/links/link_prediction.py; None if not there."""
    cells = json.loads((HERE / "results" / "link_prediction.json").read_text())["cells"]
    cell = {"dataset": "cora", "method": f"{PRESET} s-vgae", "seed": seed}
    found = [entry for entry in cells if cell.items() <= entry.items()]
    return {name: found[0][name] for name in ("auc", "ap")} if found else None


def run_seed(seed: int, work: Path, epochs: int | None = None) -> dict[str, Any]:
    """The figures of a seed; those of the estimator are read if they were written."""
    path = work / f"{seed}.json"
    if not path.exists():
        split = split_links(load_graph("cora"), seed=seed)
        graph = without_test_links(split)
        chosen = SphericalGraphEmbedding(preset=PRESET, epochs=epochs, refit=False, random_state=seed).fit(
            copy.copy(graph)
        )
        whole = SphericalGraphEmbedding(preset=PRESET, epochs=chosen.best_epoch_, val_share=0, random_state=seed).fit(
            graph
        )
        figures = {
            "estimator": test_scores(whole, split),
            "estimator, refit=False": test_scores(chosen, split),
        }
        save_json(path, {"seed": seed, "best_epoch": chosen.best_epoch_, **figures})
    return {**json.loads(path.read_text()), "fit_gae by hand": by_hand(seed)}


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The table, as markdown."""
    yield f"Cora, 10% of the links removed, preset {PRESET}: test scores in percent, mean ± standard deviation."
    yield ""
    yield "| method | seeds | AUC | AP |"
    yield "|---|---|---|---|"
    for method in METHODS:
        found = [cell[method] for cell in cells if cell[method]]
        values = (spread([100 * scores[name] for scores in found]) for name in ("auc", "ap"))
        yield f"| {method} | {len(found)} | {' | '.join(values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    parser.add_argument("--epochs", type=int, help="epochs at most; default: the preset's")
    add_common_options(parser, HERE / "work" / "estimator", HERE / "results")
    options = parser.parse_args()

    seeds = list(parse_seeds(options.seeds))
    if options.report:
        seeds = [seed for seed in seeds if (options.work / f"{seed}.json").exists()]
    cells = run_cells(seeds, partial(run_seed, work=options.work, epochs=options.epochs), options.jobs)
    command = command_line(parser, options, ("seeds", "epochs"))
    write_results(options.out, "estimator", {"command": command, "cells": cells}, lines(cells))


if __name__ == "__main__":
    main()
