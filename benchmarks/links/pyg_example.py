"""PyG's link prediction and autoencoder examples with ``SphericalGAE``, by the number of coordinates and by the start.

    python benchmarks/links/pyg_example.py

Restated from torch-geometric's examples/autoencoder.py and examples/link_pred.py with their own numbers:
``RandomLinkSplit`` after ``NormalizeFeatures``, an encoder of two ``GCNConv`` layers, Adam at .01.  The first has 2 m
hidden channels and 400 epochs, of which the last is tested; the second 128 channels and 100 epochs, of which that of
best validation AUC is tested.  The model is the only change; PyG's own, ``VGAE`` and inner products without noise,
stand beside.  A finished model is not trained again.  Writes results/pyg_example.json and .md.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric import seed_everything
from torch_geometric.data import Data
from torch_geometric.nn import GAE, VGAE, GCNConv
from torch_geometric.transforms import NormalizeFeatures, RandomLinkSplit
from torch_geometric.utils import negative_sampling

from benchmarks.cells import add_common_options, command_line, run_cells, spread, write_results
from spherical_gae import SphericalGAE, load_graph
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
EXAMPLES = ("autoencoder", "link prediction")
MODELS = ("PyG", "start at the dimension", "start of the paper")
DIMS = (3, 16, 64, 256)
EPOCHS = {"autoencoder": 400, "link prediction": 100}


class Cell(NamedTuple):
    """One trained model."""

    example: str
    model: str
    dim: int
    seed: int


class Encoder(torch.nn.Module):
    """The examples' encoder: a hidden layer, and a layer for each output."""

    def __init__(self, in_channels: int, hidden: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.hidden = GCNConv(in_channels, hidden)
        self.outputs = torch.nn.ModuleList(GCNConv(hidden, width) for width in widths)

    def forward(self, x: Tensor, edge_index: Tensor) -> Any:
        """The head's parameters, one tensor if there is one."""
        h = self.hidden(x, edge_index).relu()
        outputs = tuple(layer(h, edge_index) for layer in self.outputs)
        return outputs if len(outputs) > 1 else outputs[0]


def make_model(cell: Cell, in_channels: int) -> Any:
    """PyG's model of the example, or ``SphericalGAE``, with the example's hidden layer."""
    hidden = 2 * cell.dim if cell.example == "autoencoder" else 128
    if cell.model != "PyG":
        start = "dimension" if cell.model == "start at the dimension" else "paper"
        return SphericalGAE(Encoder(in_channels, hidden, (cell.dim, 1)), initial_concentration=start)  # type: ignore[arg-type]
    if cell.example == "autoencoder":
        return VGAE(Encoder(in_channels, hidden, (cell.dim, cell.dim)))
    return GAE(Encoder(in_channels, hidden, (cell.dim,)))


def training_step(model: Any, optimizer: torch.optim.Optimizer, train: Data, example: str) -> None:
    """One epoch of an example."""
    model.train()
    optimizer.zero_grad()
    z = model.encode(train.x, train.edge_index)
    links = train.pos_edge_label_index
    if example == "autoencoder":
        loss = model.recon_loss(z, links)
        if hasattr(model, "kl_loss"):  # PyG's GAE has none
            loss = loss + model.kl_loss() / train.num_nodes
    else:
        negatives = negative_sampling(train.edge_index, train.num_nodes, links.size(1), method="sparse")
        logits = model.decoder(z, torch.cat([links, negatives], dim=1), sigmoid=False)
        target = torch.cat([torch.ones(links.size(1)), torch.zeros(negatives.size(1))])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    loss.backward()
    optimizer.step()


@torch.no_grad()
def auc(model: Any, part: Data) -> float:
    """AUC in evaluation mode."""
    model.eval()
    z = model.encode(part.x, part.edge_index)
    return float(model.test(z, part.pos_edge_label_index, part.neg_edge_label_index)[0])


def split_graph(data: Data, seed: int) -> LinkSplit:
    """The examples' split."""
    seed_everything(seed)  # PyG draws negatives by Python's and NumPy's generators
    transform = RandomLinkSplit(0.05, 0.1, is_undirected=True, split_labels=True, add_negative_train_samples=False)
    graph = NormalizeFeatures()(Data(x=data.x, edge_index=data.edge_index))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support", category=UserWarning)
        graph.x = graph.x.to_sparse_csr()  # a GCNConv takes it as it is, three times faster
    return LinkSplit(*transform(graph))


def run_cell(cell: Cell, dataset: str = "cora", epochs: int | None = None) -> dict[str, Any]:
    """Validation and test AUC in percent of one model, after the example's epochs by default."""
    split = split_graph(load_graph(dataset), cell.seed)
    model = make_model(cell, split.train.num_features)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    epochs = EPOCHS[cell.example] if epochs is None else epochs
    best = (0.0, 0.0)
    for epoch in range(1, epochs + 1):
        training_step(model, optimizer, split.train, cell.example)
        if cell.example == "autoencoder" and epoch < epochs:
            continue
        if (val := auc(model, split.val)) > best[0]:
            best = val, auc(model, split.test)
    return {"val_auc": 100 * best[0], "test_auc": 100 * best[1]}


def result_path(cell: Cell, work: Path, dataset: str) -> Path:
    """Where a cell's result is kept."""
    return work / dataset / f"{cell.example}-{cell.model}-{cell.dim}-{cell.seed}.json".replace(" ", "_")


def cached_cell(cell: Cell, work: Path, dataset: str) -> dict[str, Any]:
    """A cell with its result, which is read from the work folder if it is there."""
    path = result_path(cell, work, dataset)
    if not path.exists():
        save_json(path, run_cell(cell, dataset))
    return {**cell._asdict(), **json.loads(path.read_text())}


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: test AUC by example and model in rows, by dimension in columns; the smallest in brackets."""
    dims = sorted({cell["dim"] for cell in cells})
    yield f"| example | model | {' | '.join(f'm = {dim}' for dim in dims)} |"
    yield "|---" * (2 + len(dims)) + "|"
    for example, model in product(EXAMPLES, MODELS):
        rows = [cell for cell in cells if (cell["example"], cell["model"]) == (example, model)]
        if not rows:
            continue
        by_dim = [[cell["test_auc"] for cell in rows if cell["dim"] == dim] for dim in dims]
        values = [f"{spread(found, 1)} ({min(found):.1f})" if found else "not run" for found in by_dim]
        yield f"| {example} | {model} | {' | '.join(values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cora", choices=("cora", "citeseer", "pubmed", "digits"))
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--seeds", default="0-4", help="such as 0-4 or 0,3,5")
    add_common_options(parser, HERE / "work" / "pyg_example", HERE / "results")
    options = parser.parse_args()

    cells = [Cell(*values) for values in product(EXAMPLES, options.models, DIMS, parse_seeds(options.seeds))]
    if options.report:
        cells = [cell for cell in cells if result_path(cell, options.work, options.dataset).exists()]
    results = run_cells(cells, partial(cached_cell, work=options.work, dataset=options.dataset), options.jobs)
    report = {"command": command_line(parser, options, ("dataset", "models", "seeds")), "cells": results}
    title = f"Test AUC in percent, {options.dataset}: mean ± standard deviation over the seeds (smallest)."
    write_results(options.out, "pyg_example", report, [title, "", *table(results)])


if __name__ == "__main__":
    main()
