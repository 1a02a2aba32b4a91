"""Eight networks without node features: what the estimator's default features reach.

    python benchmarks/links/featureless.py

The networks and the protocol of SEAL's table: 10% of the links are removed (the test part of ``split_links``), with as
many non-links; AUC.  ``SphericalGraphEmbedding`` is fitted on the other links with its defaults: it holds out 5% of
these, tries a hash of the ids and eigenvectors of the graph, keeps the better by validation AUC + AP, and trains on
all.

Every cell (network, seed) runs on one thread and is written when it is done; an interrupted benchmark continues where
it stopped.  Writes results/featureless.json (every seed) and results/featureless.md (the table).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from benchmarks.links.estimator import test_scores, without_test_links
from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import load_network, split_links
from spherical_gae.data.networks import NETWORK_SHA256
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
# AUC in percent, from SEAL's table (Zhang & Chen 2018): VGAE, SEAL.
PUBLISHED = {
    "USAir": (89.3, 97.1),
    "NS": (94.0, 98.9),
    "PB": (90.7, 95.0),
    "Yeast": (93.9, 97.9),
    "Celegans": (81.8, 90.3),
    "Power": (71.2, 87.6),
    "Router": (61.5, 96.4),
    "Ecoli": (90.8, 97.6),
}


class Cell(NamedTuple):
    """One figure of the table's making."""

    network: str
    seed: int


def run_cell(cell: Cell, work: Path, epochs: int | None = None) -> dict[str, Any]:
    """Fits and scores one cell, or reads its result if it is there."""
    path = work / cell.network / f"{cell.seed}.json"
    if not path.exists():
        split = split_links(load_network(cell.network), seed=cell.seed)
        graph = without_test_links(split, with_features=False)
        embedding = SphericalGraphEmbedding(epochs=epochs, random_state=cell.seed).fit(graph)
        chosen = {"features": embedding.default_features_, "best_epoch": embedding.best_epoch_}
        save_json(path, {**cell._asdict(), **test_scores(embedding, split), **chosen})
    return json.loads(path.read_text())


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The table, as markdown."""
    yield "Test scores in percent, 10% of the links removed: mean ± standard deviation over the seeds."
    yield ""
    yield "| network | seeds | chosen | AUC | AP | VGAE, published | SEAL, published |"
    yield "|---|---|---|---|---|---|---|"
    for network in dict.fromkeys(cell["network"] for cell in cells):
        mine = [cell for cell in cells if cell["network"] == network]
        chosen = ", ".join(
            f"{kind} {count}" for kind, count in Counter(cell["features"] for cell in mine).most_common()
        )
        auc, ap = (spread([100 * cell[name] for cell in mine]) for name in ("auc", "ap"))
        vgae, seal = PUBLISHED[network]
        yield f"| {network} | {len(mine)} | {chosen} | {auc} | {ap} | {vgae} | {seal} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORK_SHA256), choices=NETWORK_SHA256)
    parser.add_argument("--seeds", default="0-4", help="such as 0-9 or 0,3,5")
    parser.add_argument("--epochs", type=int, help="epochs at most; default: the preset's")
    add_common_options(parser, HERE / "work" / "featureless", HERE / "results")
    options = parser.parse_args()

    seeds = parse_seeds(options.seeds)
    cells = [Cell(network, seed) for seed, network in product(seeds, options.networks)]
    if options.report:
        cells = [cell for cell in cells if (options.work / cell.network / f"{cell.seed}.json").exists()]
    found = run_cells(cells, partial(run_cell, work=options.work, epochs=options.epochs), options.jobs)
    found.sort(key=lambda cell: (options.networks.index(cell["network"]), cell["seed"]))
    command = command_line(parser, options, ("networks", "seeds", "epochs"))
    write_results(options.out, "featureless", {"command": command, "cells": found}, lines(found))


if __name__ == "__main__":
    main()
