"""What it is worth to read a graph as what it is: a planted signal in each kind, and the same model blind to the kind.

    python benchmarks/links/kinds.py

Every graph (``planted_graphs.py``) is split as its kind asks.  The preset (of a bipartite graph the preset bipartite,
which has weights for each side) is trained on the training part; and again, the preset of all kinds, on a reading that
does not know the kind: directions dropped, sides dropped, graphs of a batch taken for one.  Its
validation negatives are then any pairs, as its training negatives are.  Both are asked about the same test links and
the same test negatives, those of the kind: ordered pairs, pairs across the sides, pairs within a graph.

Of the temporal graph (preferential attachment to who has many links) both read the same links, without ageing: what
knows no time is there the split.  ``blind`` is the AUC that a split by chance reports.

Of the temporal graph ``regrouped`` the times tell more: groups are formed anew halfway.  The kind's own model has a
half-life, chosen by validation AUC + AP among none and shares of the time of the training links.  ``blind`` is the same
preset on the same split without times; it is asked about the same test links and negatives, those of the latest time.

Beside them the untrained cosine; of directed graphs also AUC against the test links turned round.

Writes results/kinds.json (every seed) and results/kinds.md (the table).
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch_geometric.data import Data

from benchmarks.cells import command_line, run_cells, spread, write_results
from benchmarks.links.planted_graphs import PLANTED
from spherical_gae import score_links
from spherical_gae.data import LinkSplit, NonEdgeSampler, link_split, split_links
from spherical_gae.data.undirected import undirected_links
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.baseline import baseline_scores
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import Preset, load_preset
from spherical_gae.experiments.seeds import parse_seeds

RESULTS = Path(__file__).parents[1] / "results"
CHANGES = {"dropout": 0.2, "latent_dim": 16}
# Of the time from the first training link to the last one; None for no ageing.
HALF_LIVES = (None, 0.05, 0.1, 0.2, 0.4)
# The preset of a kind, where it has one of its own.
PRESETS = {"bipartite": "bipartite"}


class Cell(NamedTuple):
    """One graph and its split."""

    kind: str
    seed: int


def run(cell: Cell, preset_name: str, epochs: int) -> dict[str, Any]:
    """All scores of a cell, in percent."""
    data = PLANTED[cell.kind](cell.seed)
    split = split_links(data, 0.05, 0.15, seed=cell.seed)
    preset = load_preset(preset_name).with_changes(**CHANGES, epochs=epochs)
    if cell.kind == "regrouped":
        return {**cell._asdict(), **by_age(split, preset, cell.seed)}
    own = load_preset(PRESETS.get(cell.kind, preset_name)).with_changes(**CHANGES, epochs=epochs)
    _, scores = train_once(split, own, "s-vgae", cell.seed, progress=False)
    baseline = baseline_scores(split)
    result = {"auc": scores["auc"], "cosine": baseline["auc"]}
    if cell.kind == "temporal":
        blind = split_links(blind_data(data), 0.05, 0.15, seed=cell.seed)
        result["blind"] = train_once(blind, preset, "s-vgae", cell.seed, progress=False)[1]["auc"]
        result["share_unseen"] = baseline["share_unseen"]
    else:
        blind = blind_split(data, split, cell.seed)
        model, _ = train_once(blind, preset, "s-vgae", cell.seed, progress=False)
        result["blind"] = blind_auc(model, blind, split.test, "neg")
    if cell.kind == "directed":
        result["auc_reversed"] = scores["auc_reversed"]
        result["blind_reversed"] = blind_auc(model, blind, split.test, "reversed")
    return {**cell._asdict(), **{name: 100 * value for name, value in result.items()}}


def by_age(split: LinkSplit, preset: Preset, seed: int) -> dict[str, Any]:
    """Scores of a temporal split, in percent, with the half-life of the best validation, and without times."""
    time = split.train.edge_time
    span = float(time.max() - time.min())
    tried = {}
    for share in HALF_LIVES:
        changes = {} if share is None else {"half_life": share * span}
        _, tried[share] = train_once(split, preset.with_changes(**changes), "s-vgae", seed, progress=False)
    chosen = max(tried, key=lambda share: tried[share]["val_auc"] + tried[share]["val_ap"])
    timeless = LinkSplit(*(part.clone() for part in split))
    for part in timeless:
        del part.edge_time
    _, blind = train_once(timeless, preset, "s-vgae", seed, progress=False)
    scores = {"auc": tried[chosen]["auc"], "blind": blind["auc"], "cosine": baseline_scores(split)["auc"]}
    return {**{name: 100 * value for name, value in scores.items()}, "half_life_share": chosen}


def blind_data(data: Data) -> Data:
    """The graph without what says of what kind it is, and without links."""
    kept = {key: value for key, value in data.to_dict().items() if key in ("x", "num_nodes", "edge_index")}
    return Data(**kept)


def blind_split(data: Data, split: LinkSplit, seed: int) -> LinkSplit:
    """The same split, read as one undirected graph of one kind of nodes; a link that it has twice is for training."""
    num_nodes = int(data.num_nodes)
    parts = {name: undirected_links(part.pos_edge_label_index, None, num_nodes)[0] for name, part in _named(split)}
    known = parts["train"][0] * num_nodes + parts["train"][1]
    for name in ("val", "test"):
        number = parts[name][0] * num_nodes + parts[name][1]
        parts[name] = parts[name][:, ~torch.isin(number, known)]
        known = torch.cat([known, number])
    sampler = NonEdgeSampler(data.edge_index, num_nodes)
    generator = torch.Generator().manual_seed(seed)
    negatives = {f"{name}_negatives": sampler.sample_unique(parts[name].size(1), generator) for name in ("val", "test")}
    return link_split(blind_data(data), **parts, **negatives)


def blind_auc(model: Any, blind: LinkSplit, test: Data, negatives: str) -> float:
    """AUC of the blind model on the pairs of the kind's own test part."""
    positive, negative = (
        score_links(model, blind.train, test[f"{name}_edge_label_index"], inputs=model_inputs(blind.train))
        for name in ("pos", negatives)
    )
    return auc_ap(positive, negative).auc


def _named(split: LinkSplit) -> zip[tuple[str, Data]]:
    return zip(split._fields, split, strict=True)


def table(cells: list[dict[str, Any]]) -> list[str]:
    """Lines of the table."""
    lines = ["| kind | AUC (%) | blind to the kind | difference, smallest | cosine |", "|---|---|---|---|---|"]
    for kind in PLANTED:
        own = [cell for cell in cells if cell["kind"] == kind]
        if not own:
            continue
        columns = {name: [cell[name] for cell in own] for name in ("auc", "blind", "cosine")}
        differences = np.subtract(columns["auc"], columns["blind"])
        shown = f"{differences.mean():+.1f}, {differences.min():+.1f}"
        lines.append(
            f"| {kind} | {spread(columns['auc'], 1)} | {spread(columns['blind'], 1)} | {shown} | "
            f"{spread(columns['cosine'], 1)} |"
        )
        if kind == "directed":
            columns = {name: [cell[name] for cell in own] for name in ("auc_reversed", "blind_reversed")}
            turned, other = columns.values()
            differences = np.subtract(turned, other)
            shown = f"{differences.mean():+.1f}, {differences.min():+.1f}"
            lines.append(
                f"| directed, against links turned round | {spread(turned, 1)} | {spread(other, 1)} | {shown} | |"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(PLANTED), default=list(PLANTED))
    parser.add_argument("--seeds", default="0-4")
    parser.add_argument("--preset", default="frontier")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    cells = [Cell(kind, seed) for kind in options.kinds for seed in parse_seeds(options.seeds)]
    found = run_cells(cells, partial(run, preset_name=options.preset, epochs=options.epochs), options.jobs)
    command = command_line(parser, options, ["kinds", "seeds", "preset", "epochs"])
    write_results(options.out, "kinds", {"command": command, "cells": found}, table(found))


if __name__ == "__main__":
    main()
