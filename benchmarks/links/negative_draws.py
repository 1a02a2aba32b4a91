"""How much of a link prediction score is the draw of the negatives: PyG's draw, ours, and the mean over 50.

    python benchmarks/links/negative_draws.py

Trains a preset's S-VGAE on the splits of PyG's ``RandomLinkSplit`` after ``seed_everything(seed)``, its negatives
included, which differ from those of ``split_links`` (the positives are the same); the best epoch is that of PyG's
validation negatives.  The test links are then scored against PyG's negatives, against those of ``split_links``, and
against 50 further draws, as many negatives as positives each.  A finished seed is not computed again.
Writes results/negative_draws.json and .md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch_geometric import seed_everything
from torch_geometric.data import Data
from torch_geometric.transforms import RandomLinkSplit

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from spherical_gae.data import LinkSplit, load_graph, split_links
from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import load_preset
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
WORK = HERE / "work" / "negative_draws"
NUM_DRAWS = 50
COLUMNS = {"pyg": "PyG's draw", "ours": "our draw", "mean": "mean of 50 draws", "deviation": "deviation of a draw"}


class Cell(NamedTuple):
    """One trained model."""

    dataset: str
    preset: str
    seed: int

    def path(self, work: Path) -> Path:
        """The cell's result below the folder ``work``."""
        return work / self.dataset / self.preset / f"{self.seed}.json"


def pyg_split(data: Data, ours: LinkSplit, seed: int) -> LinkSplit:
    """The split ``ours`` of this seed with PyG's negatives; the positives are the same."""
    split = RandomLinkSplit(0.05, 0.1, is_undirected=True, split_labels=True, add_negative_train_samples=False)
    # torch.manual_seed is not enough: PyG draws negatives by Python's generator.
    seed_everything(seed)
    _, *parts = split(Data(x=data.x, edge_index=data.edge_index))
    with_negatives = []
    for mine, theirs in zip(ours[1:], parts, strict=True):
        assert torch.equal(mine.pos_edge_label_index, theirs.pos_edge_label_index)
        part = mine.clone()
        part.neg_edge_label_index = theirs.neg_edge_label_index
        with_negatives.append(part)
    return LinkSplit(ours.train, *with_negatives)


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Test AUC and AP of one model, each a pair, by whose negatives they are."""
    result = cell.path(work)
    if not result.exists():
        data = load_graph(cell.dataset)
        ours = split_links(data, seed=cell.seed)
        split = pyg_split(data, ours, cell.seed)
        preset = load_preset(cell.preset, cell.dataset)
        model, scores = train_once(split, preset, "s-vgae", cell.seed, progress=False)
        inputs = model_inputs(split.train)
        with torch.no_grad():
            z = model.encode(*inputs)
        score = partial(model.decode, z, sigmoid=False, **model.graph_arguments(inputs[-1], data.num_nodes))
        positive = score(split.test.pos_edge_label_index).detach()
        sampler, generator = NonEdgeSampler(data.edge_index, data.num_nodes), torch.Generator().manual_seed(cell.seed)
        draws = torch.tensor(
            [
                auc_ap(positive, score(sampler.sample_unique(positive.numel(), generator)).detach())
                for _ in range(NUM_DRAWS)
            ],
            dtype=torch.float64,
        )
        found = {
            "pyg": [scores["auc"], scores["ap"]],
            "ours": list(auc_ap(positive, score(ours.test.neg_edge_label_index).detach())),
            "mean": draws.mean(0).tolist(),
            "deviation": draws.std(0).tolist(),
            "best_epoch": scores["best_epoch"],
        }
        save_json(result, found)
    return {**cell._asdict(), **json.loads(result.read_text())}


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: AUC and AP in percent by whose negatives they are."""
    yield f"| score | {' | '.join(COLUMNS.values())} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    for index, name in enumerate(("AUC", "AP")):
        values = (spread([100 * cell[column][index] for cell in cells]) for column in COLUMNS)
        yield f"| {name} | {' | '.join(values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cora", choices=("cora", "citeseer", "pubmed"))
    parser.add_argument("--preset", default="frontier-product")
    parser.add_argument("--seeds", default="0-9", help="such as 0-9 or 0,3,5")
    add_common_options(parser, WORK, HERE / "results")
    options = parser.parse_args()

    cells = [Cell(options.dataset, options.preset, seed) for seed in parse_seeds(options.seeds)]
    if options.report:
        cells = [cell for cell in cells if cell.path(options.work).exists()]
    results = run_cells(cells, partial(run_cell, work=options.work), options.jobs)
    report = {"command": command_line(parser, options, ("dataset", "preset", "seeds")), "cells": results}
    title = f"Test scores in percent, {options.dataset}, {options.preset}: mean ± standard deviation over the seeds."
    write_results(options.out, "negative_draws", report, [title, "", *table(results)])


if __name__ == "__main__":
    main()
