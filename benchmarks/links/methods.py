"""The methods of the link prediction benchmark, all by one protocol: train on one split, score on its test part."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.links.pyg_autoencoders import inner_product_scores, train_embeddings
from spherical_gae.data import LinkSplit
from spherical_gae.evaluation import common_neighbors, untrained_embeddings
from spherical_gae.evaluation.protocol import LinkEvaluation
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import load_preset
from spherical_gae.nn import DegreeBiasedDecoder


class Trained(NamedTuple):
    """A preset's model, and what is changed in the preset for every data set."""

    preset: str
    model: str
    changes: dict[str, Any]


# What ``frontier-product`` was before it saw feature neighbours: its other four factors.
WITHOUT_NEIGHBORS = {
    "encoder": "propagation",
    "num_steps": (0, 1, 2, 3),
    "num_feature_steps": (),
    "num_factors": 4,
    "latent_dim": 128,
}
UNTRAINED = ("cosine", "common neighbors")
PYG = ("pyg-gae", "pyg-vgae")
TRAINED = {
    "paper n-vgae": Trained("paper", "n-vgae", {}),
    "paper s-vgae": Trained("paper", "s-vgae", {}),
    "paper s-vgae, projected normal": Trained("paper", "s-vgae", {"latent": "p"}),
    "frontier n-vgae": Trained("frontier", "n-vgae", {}),
    "frontier s-vgae": Trained("frontier", "s-vgae", {}),
    "frontier s-vgae, projected normal": Trained("frontier", "s-vgae", {"latent": "p"}),
    "frontier s-vgae, no isolated bucket": Trained("frontier", "s-vgae", {"isolated_bucket": False}),
    "frontier s-vgae, inner product": Trained("frontier", "s-vgae", {"decoder": "inner product", "epochs": 800}),
    "frontier-product s-vgae": Trained("frontier-product", "s-vgae", {}),
    "frontier-product s-vgae, no feature neighbors": Trained("frontier-product", "s-vgae", WITHOUT_NEIGHBORS),
}
METHODS = (*UNTRAINED, *PYG, *TRAINED)


def run_method(method: str, dataset: str, split: LinkSplit, seed: int, checkpoint: Path) -> dict[str, Any]:
    """Trains a method if need be, and scores it.

    Args:
        method: One of ``METHODS``.
        dataset: Name of the graph, for the preset.
        split: From ``split_links``.
        seed: Seed of the weights, the training and the negatives.
        checkpoint: Where a preset's training keeps its state; removed at the end.

    Returns:
        The scores of ``LinkEvaluation``; for trained methods also ``auc_last``, ``ap_last`` (last epoch),
        ``val_auc``, ``val_ap`` and ``best_epoch``; for models with a bias by degree ``auc_bucket_off`` and
        ``ap_bucket_off``, where the isolated nodes' own bias is switched off at the test.
    """
    evaluation = LinkEvaluation(split, seed)
    if method == "cosine":
        z = untrained_embeddings(split.train)
        return evaluation.scores(lambda pairs: inner_products(z, pairs), log_odds=False)
    if method == "common neighbors":
        edge_index, num_nodes = split.train.edge_index, split.train.num_nodes
        return evaluation.scores(lambda pairs: common_neighbors(edge_index, num_nodes, pairs), log_odds=False)
    if method in PYG:
        chosen, best, last = train_embeddings(split, method, seed)
        auc_last, ap_last = inner_product_scores(last, split.test)
        scores = evaluation.scores(lambda pairs: inner_products(best, pairs))
        return {**scores, "auc_last": auc_last, "ap_last": ap_last, **chosen}
    settings = TRAINED[method]
    preset = load_preset(settings.preset, dataset).with_changes(**settings.changes)
    model, training_scores = train_once(split, preset, settings.model, seed, checkpoint=checkpoint, progress=False)
    inputs = model_inputs(split.train)
    with torch.no_grad():
        z = model.encode(*inputs)
    known = model.graph_arguments(inputs[-1], split.train.num_nodes)
    scores = evaluation.scores(lambda pairs: model.decode(z, pairs, sigmoid=False, **known))
    if isinstance(model.decoder, DegreeBiasedDecoder):
        # The same weights, but an isolated node is given the bias of nodes with one link.
        model.decoder.degree_bias.isolated = False
        merged = evaluation.scores(lambda pairs: model.decode(z, pairs, sigmoid=False, **known))
        scores |= {f"{name}_bucket_off": merged[name] for name in ("auc", "ap")}
    checkpoint.unlink(missing_ok=True)
    return {**training_scores, **scores}


def inner_products(z: Tensor, pairs: Tensor) -> Tensor:
    """Inner products of the embeddings of pairs."""
    return (z[pairs[0]] * z[pairs[1]]).sum(-1)
