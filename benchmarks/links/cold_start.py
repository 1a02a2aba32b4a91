"""Nodes that come later: what ``transform`` says of their links, from features alone and with half of the links.

    python benchmarks/links/cold_start.py

A tenth of the nodes are taken out of Cora, CiteSeer and PubMed with all their links.  ``SphericalGraphEmbedding`` is
fitted on the others; then the nodes are embedded, without training, from their features alone, and from these and a
random half of their links.  Tested are the other links of these nodes: AUC against as many non-links, each with a new
node of a link kept.  PyG's GAE, trained on the same graph, is used the same way; the cosine of raw features needs no
graph.

The estimator has the settings of ``frontier`` but for the number of epochs, at most 200, on PubMed 100.

Every cell (data set, seed) runs on one thread and is written when it is done; an interrupted benchmark continues where
it stopped.

Writes results/cold_start.json (every seed) and results/cold_start.md (the table).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data
from torch_geometric.transforms import NormalizeFeatures

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from benchmarks.links.methods import inner_products
from benchmarks.links.pyg_autoencoders import EPOCHS, LEARNING_RATE, embed, make_model, training_step
from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import load_graph
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
DATASETS = ("cora", "citeseer", "pubmed")
METHODS = ("cosine of raw features", "PyG's GAE, features alone", "PyG's GAE, half of the links")
OURS = ("transform, features alone", "transform, half of the links")
SHARE = 0.1
PRESET = "frontier"
MOST_EPOCHS = {"cora": 200, "citeseer": 200, "pubmed": 100}


class Cell(NamedTuple):
    """One seed of a data set."""

    dataset: str
    seed: int


class ColdStart(NamedTuple):
    """A graph without some of its nodes, and what is asked of them.

    Attributes:
        old: Numbers of the nodes that are kept, ascending.
        new: Numbers of the others.
        kept: int64 [2, L], links among the kept ones, each once.
        given: int64 [2, G], links of new nodes that ``transform`` sees.
        positive: int64 [2, P], their other links, the new node first.
        negative: int64 [2, P], non-links with the same first nodes.
    """

    old: Tensor
    new: Tensor
    kept: Tensor
    given: Tensor
    positive: Tensor
    negative: Tensor


def take_out(data: Data, seed: int) -> ColdStart:
    """Takes a tenth of the nodes out."""
    generator = torch.Generator().manual_seed(seed)
    num_nodes = int(data.num_nodes)
    order = torch.randperm(num_nodes, generator=generator)
    is_new = torch.zeros(num_nodes, dtype=torch.bool)
    is_new[order[: round(SHARE * num_nodes)]] = True
    links = data.edge_index[:, data.edge_index[0] < data.edge_index[1]]
    touched = is_new[links].any(0)
    mine = links[:, touched]
    # The new node first.
    mine = torch.where(is_new[mine[0]], mine, mine.flip(0))
    mine = mine[:, torch.randperm(mine.size(1), generator=generator)]
    given, positive = mine[:, : mine.size(1) // 2], mine[:, mine.size(1) // 2 :]
    linked = set((data.edge_index[0] * num_nodes + data.edge_index[1]).tolist())
    others = []
    for node in positive[0].tolist():
        other = node
        while other == node or node * num_nodes + other in linked:
            other = int(torch.randint(num_nodes, (1,), generator=generator))
        others.append(other)
    negative = torch.stack([positive[0], torch.tensor(others)])
    old, new = (part.nonzero().view(-1) for part in (~is_new, is_new))
    return ColdStart(old, new, links[:, ~touched], given, positive, negative)


def both_ways(links: Tensor) -> Tensor:
    """Links in both directions."""
    return torch.cat([links, links.flip(0)], dim=1)


def auc_of_vectors(z: Tensor, start: ColdStart) -> float:
    """AUC of inner products."""
    return auc_ap(inner_products(z, start.positive), inner_products(z, start.negative)).auc


def kept_graph(data: Data, start: ColdStart) -> Data:
    """The graph of the nodes that are kept, numbered anew."""
    place = torch.full((int(data.num_nodes),), -1)
    place[start.old] = torch.arange(start.old.numel())
    return Data(x=data.x[start.old], edge_index=place[both_ways(start.kept)], node_ids=start.old.tolist())


def score_ours(data: Data, start: ColdStart, seed: int, epochs: int) -> dict[str, float]:
    """The estimator, from features alone and with links."""
    embedding = SphericalGraphEmbedding(preset=PRESET, epochs=epochs, random_state=seed)
    embedding.fit(kept_graph(data, start))
    features = pd.DataFrame(data.x[start.new].numpy(), index=start.new.tolist())
    links = pd.DataFrame(start.given.t().numpy(), columns=["source", "target"])
    scores = {}
    for name, given in zip(OURS, (None, links), strict=True):
        whole = embedding.extended(given, features)
        positive, negative = (
            torch.from_numpy(whole.score_links(pairs.t())) for pairs in (start.positive, start.negative)
        )
        scores[name] = auc_ap(positive, negative).auc
    return scores


def score_pyg(data: Data, start: ColdStart, seed: int) -> dict[str, float]:
    """PyG's GAE, trained on the nodes that are kept, then applied to all."""
    model = make_model("pyg-gae", data.num_features, seed)
    train = NormalizeFeatures()(kept_graph(data, start))
    train.pos_edge_label_index = train.edge_index[:, train.edge_index[0] < train.edge_index[1]]
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        training_step(model, optimizer, train)
    scores = {}
    for name, links in zip(METHODS[1:], (start.kept, torch.cat([start.kept, start.given], dim=1)), strict=True):
        whole = NormalizeFeatures()(Data(x=data.x, edge_index=both_ways(links), num_nodes=data.num_nodes))
        scores[name] = auc_of_vectors(embed(model, whole), start)
    return scores


def run_cell(cell: Cell, work: Path, epochs: int | None = None) -> dict[str, Any]:
    """The AUC of every method, or what was written of it."""
    path = work / cell.dataset / f"{cell.seed}.json"
    if not path.exists():
        data = load_graph(cell.dataset)
        start = take_out(data, cell.seed)
        scores = {
            METHODS[0]: auc_of_vectors(F.normalize(data.x, dim=1), start),
            **score_pyg(data, start, cell.seed),
            **score_ours(data, start, cell.seed, epochs or MOST_EPOCHS[cell.dataset]),
        }
        save_json(path, {**cell._asdict(), **scores})
    return json.loads(path.read_text())


def lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """The table, as markdown."""
    datasets = list(dict.fromkeys(cell["dataset"] for cell in cells))
    yield "AUC in percent on links of nodes that came later: mean ± standard deviation over the seeds."
    yield ""
    yield f"| method | {' | '.join(datasets)} |"
    yield "|---" * (len(datasets) + 1) + "|"
    for method in (*METHODS, *OURS):
        values = [spread([100 * cell[method] for cell in cells if cell["dataset"] == name]) for name in datasets]
        yield f"| {method} | {' | '.join(values)} |"
    gains = [
        np.mean([100 * (cell[OURS[1]] - cell[METHODS[0]]) for cell in cells if cell["dataset"] == name])
        for name in datasets
    ]
    yield f"| {OURS[1]}, above the cosine | {' | '.join(f'{gain:+.2f}' for gain in gains)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--seeds", default="0-4", help="such as 0-9 or 0,3,5")
    parser.add_argument("--epochs", type=int, help="epochs at most; default: 200, on PubMed 100")
    add_common_options(parser, HERE / "work" / "cold_start", HERE / "results")
    options = parser.parse_args()

    cells = [Cell(dataset, seed) for seed, dataset in product(parse_seeds(options.seeds), options.datasets)]
    if options.report:
        cells = [cell for cell in cells if (options.work / cell.dataset / f"{cell.seed}.json").exists()]
    found = run_cells(cells, partial(run_cell, work=options.work, epochs=options.epochs), options.jobs)
    found.sort(key=lambda cell: (DATASETS.index(cell["dataset"]), cell["seed"]))
    command = command_line(parser, options, ("datasets", "seeds", "epochs"))
    write_results(options.out, "cold_start", {"command": command, "cells": found}, lines(found))


if __name__ == "__main__":
    main()
