"""Embeddings of the nodes of a citation graph, made from its features and all its links, without any label."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data

from benchmarks.links.pyg_autoencoders import EPOCHS, LEARNING_RATE, embed, make_model, prepare, training_step
from spherical_gae.data.splits import LinkSplit
from spherical_gae.evaluation import untrained_embeddings
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.training.links.all_links import train_on_all_links


class Trained(NamedTuple):
    """An S-VGAE: its preset, and what is changed in it."""

    preset: str
    changes: dict[str, Any]


FEATURES = ("features", "propagated features")
PYG = ("pyg-gae", "pyg-vgae")
TRAINED = {
    "paper": Trained("paper", {}),
    "frontier": Trained("frontier", {}),
    "frontier, 100 epochs": Trained("frontier", {"epochs": 100}),
    "frontier-product, 100 epochs": Trained("frontier-product", {"epochs": 100}),
    "frontier-product": Trained("frontier-product", {}),
}
ONE_OF_SEVERAL, _TRAININGS = "frontier, 100 epochs", 5
SEVERAL = f"{ONE_OF_SEVERAL}, {_TRAININGS} trainings"
METHODS = (*FEATURES, *PYG, *TRAINED, SEVERAL)


def node_embeddings(method: str, data: Data, seed: int) -> Tensor:
    """The embeddings of a method, float32 [N, m], not normalised.

    Args:
        method: One of ``METHODS``.
        data: From ``load_graph``; its labels are not used.
        seed: Seed of weights and training; of features without effect.
    """
    graph = Data(x=data.x, edge_index=data.edge_index, num_nodes=data.num_nodes)
    graph.pos_edge_label_index = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    if method == "features":
        return graph.x
    if method == "propagated features":
        return untrained_embeddings(graph)
    if method in PYG:
        return _pyg(method, graph, seed)
    if method == SEVERAL:
        # Seeds that no other row has.
        seeds = (1000 * number + seed for number in range(1, _TRAININGS + 1))
        rows = [unit_rows(node_embeddings(ONE_OF_SEVERAL, data, one)) for one in seeds]
        # Unit rows, whose cosines are the means of the trainings' cosines.
        return torch.cat(rows, dim=1) * _TRAININGS**-0.5
    settings = TRAINED[method]
    preset = load_preset(settings.preset, data.name).with_changes(**settings.changes)
    model, inputs = build_model(preset, "s-vgae", graph.num_features, seed), model_inputs(graph)
    train_on_all_links(model, graph, gae_config(preset), inputs=inputs, seed=seed, progress=False)
    with torch.no_grad():
        return model.encode(*inputs).flatten(1)


def unit_rows(z: Tensor) -> Tensor:
    """Rows scaled to length 1; a row of zeros, a paper without words, becomes the mean direction of the others."""
    rows = F.normalize(z, dim=1)
    empty = ~z.any(1)
    rows[empty] = F.normalize(rows[~empty].mean(0), dim=0)
    return rows


def _pyg(method: str, graph: Data, seed: int) -> Tensor:
    """PyG's example on all links; the last epoch, as no link is held out."""
    train = prepare(LinkSplit(graph, graph, graph))
    with torch.random.fork_rng(devices=[]):
        model = make_model(method, graph.num_features, seed)
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        for _ in range(EPOCHS):
            training_step(model, optimizer, train)
        return embed(model, train)
