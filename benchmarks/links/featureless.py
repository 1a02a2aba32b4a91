"""Eight networks without node features: what the estimator's default features reach.

    python benchmarks/links/featureless.py

The networks and the protocol of SEAL's table: 10% of the links are removed (the test part of ``split_links``), with as
many non-links; AUC.  ``SphericalGraphEmbedding`` is fitted on the other links in four ways, all on the same splits:

- default: it holds out 5% of these links, tries a hash of the ids (with two dropouts where nodes have few links) and
  eigenvectors of the graph, keeps the best by validation AUC + AP, and trains on all;
- hash, spectral: one of the two alone, trained in the same way.  Where the default chose it, its figures are these;
- narrow hash: 64 columns and the settings of ``frontier`` as they are, which was the default before.

Every cell (network, method, seed) runs on one thread and is written when it is done; an interrupted benchmark continues
where it stopped.  Writes results/featureless.json (every seed) and results/featureless.md (the tables).
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

import numpy as np
from torch_geometric.data import Data

from benchmarks.cells import add_common_options, command_line, kept_cells, run_cells, spread, write_results
from benchmarks.links.estimator import test_scores, without_test_links
from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import default_features, load_network, split_links
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


# Of the second settings that are tried with a hash, see ``embedding.presets``; cells of before they were have none.
_MUCH_DROPOUT = 0.8
DEFAULT, HASH, SPECTRAL, NARROW = METHODS = ("default", "hash", "spectral", "narrow hash")


class Cell(NamedTuple):
    """One figure of the table's making."""

    network: str
    method: str
    seed: int

    def path(self, work: Path) -> Path:
        """The file of its result."""
        folder = work / self.network
        return (folder if self.method == DEFAULT else folder / self.method.replace(" ", "_")) / f"{self.seed}.json"


def run_cell(cell: Cell, work: Path, epochs: int | None = None) -> dict[str, Any]:
    """Fits and scores one cell, or reads its result if it is there."""
    path, default = cell.path(work), cell._replace(method=DEFAULT).path(work)
    if not path.exists() and default.exists():
        # The candidates are trained one by one, each from the same seed: what was chosen is what it is alone.
        chosen = json.loads(default.read_text())
        if chosen["features"] == cell.method:
            save_json(path, chosen)
    if not path.exists():
        split = split_links(load_network(cell.network), seed=cell.seed)
        embedding = fitted(cell, without_test_links(split, with_features=False), epochs)
        chosen = {
            "features": embedding.default_features_,
            "dropout": embedding.preset_.dropout,
            "best_epoch": embedding.best_epoch_,
        }
        save_json(path, {**test_scores(embedding, split), **chosen})
    return {**json.loads(path.read_text()), **cell._asdict()}


def fitted(cell: Cell, graph: Data, epochs: int | None) -> SphericalGraphEmbedding:
    """The estimator of a cell, fitted to a graph without features."""
    if cell.method == NARROW:
        narrow = SphericalGraphEmbedding(preset="frontier", epochs=epochs, random_state=cell.seed)
        return narrow.fit(graph, default_features(int(graph.num_nodes)))
    kind = "auto" if cell.method == DEFAULT else cell.method
    return SphericalGraphEmbedding(default_features=kind, epochs=epochs, random_state=cell.seed).fit(graph)


def choice(cell: dict[str, Any]) -> str:
    """What the default chose, as the table calls it."""
    with_much_dropout = cell["features"] == HASH and cell.get("dropout") == _MUCH_DROPOUT
    return f"{cell['features']} (dropout .8)" if with_much_dropout else str(cell["features"])


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The tables, as markdown."""
    networks = [network for network in NETWORK_SHA256 if any(cell["network"] == network for cell in cells)]
    found = {
        (network, method): [cell for cell in cells if (cell["network"], cell["method"]) == (network, method)]
        for network, method in product(networks, METHODS)
    }
    yield "Test scores in percent, 10% of the links removed: mean ± standard deviation over the seeds."
    yield ""
    yield "| network | seeds | chosen | AUC | AP | VGAE, published | SEAL, published |"
    yield "|---|---|---|---|---|---|---|"
    for network in networks:
        mine = found[network, DEFAULT]
        if not mine:
            continue
        counts = Counter(map(choice, mine)).most_common()
        chosen = ", ".join(f"{kind} {count}" for kind, count in counts)
        auc, ap = (spread([100 * cell[name] for cell in mine]) for name in ("auc", "ap"))
        vgae, seal = PUBLISHED[network]
        yield f"| {network} | {len(mine)} | {chosen} | {auc} | {ap} | {vgae} | {seal} |"
    yield from ("", "AUC on the seeds that all have; the last column is the default less the best of the others.", "")
    yield f"| network | seeds | {' | '.join(METHODS)} | difference |"
    yield "|---" * (3 + len(METHODS)) + "|"
    for network in networks:
        by_method = {method: {cell["seed"]: 100 * cell["auc"] for cell in found[network, method]} for method in METHODS}
        by_method = {method: values for method, values in by_method.items() if values}
        common = sorted(set.intersection(*map(set, by_method.values())))
        if DEFAULT not in by_method or len(by_method) < 2 or not common:
            continue
        columns = {method: [values[seed] for seed in common] for method, values in by_method.items()}
        default, *others = (float(np.mean(column)) for column in columns.values())
        values = " | ".join(spread(columns[method]) if method in columns else "" for method in METHODS)
        yield f"| {network} | {len(common)} | {values} | {default - max(others):+.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORK_SHA256), choices=NETWORK_SHA256)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="METHOD")
    parser.add_argument("--seeds", default="0-4", help="such as 0-9 or 0,3,5")
    parser.add_argument("--epochs", type=int, help="epochs at most; default: the preset's")
    add_common_options(parser, HERE / "work" / "featureless", HERE / "results")
    options = parser.parse_args()

    seeds = parse_seeds(options.seeds)
    chosen = list(product(seeds, options.networks, options.methods))
    cells = [Cell(network, method, seed) for seed, network, method in chosen]
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    kept = kept_cells(options.keep, lambda entry: Cell(*(entry[name] for name in Cell._fields)), cells)
    found = kept + run_cells(cells, partial(run_cell, work=options.work, epochs=options.epochs), options.jobs)
    networks = list(NETWORK_SHA256)
    found.sort(key=lambda cell: (networks.index(cell["network"]), METHODS.index(cell["method"]), cell["seed"]))
    command = command_line(parser, options, ("networks", "methods", "seeds", "epochs"))
    write_results(options.out, "featureless", {"command": command, "cells": found}, lines(found))


if __name__ == "__main__":
    main()
