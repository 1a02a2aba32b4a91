"""How an embedding is trained: the epoch is chosen on a few links, then all links are trained on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from spherical_gae.data.kinds import negative_sampler, num_pairs
from spherical_gae.data.splits import LinkSplit
from spherical_gae.embedding.featureless import with_default_features
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import Preset, build_model
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.training import Callback, GAEResult, fit_gae
from spherical_gae.training.links.all_links import train_on_all_links

_HOLD_OUT_STREAM = 4
# Fewer held-out links than so many tell epochs apart by chance; yet most links shall be trained on.
_SHARE, _ENOUGH, _MOST = 0.05, 50, 0.2


@dataclass(frozen=True)
class Training:
    """How to train, beside the settings of a preset.

    Attributes:
        val_share: Share of the links held out to choose the epoch, in [0, 1); 0 for the last epoch.
        patience: See ``GAEConfig``.
        refit: Whether the model is trained anew on all links, for as many epochs as were best.
        seed: Seed of the held-out links, the weights and the training.
        device: Where to train.
        callbacks: See ``fit_gae``; they follow the training that chooses the epoch, or else the only one.
        progress: Whether to show progress bars.
    """

    val_share: float
    patience: int | None
    refit: bool
    seed: int
    device: torch.device | str
    callbacks: Sequence[Callback]
    progress: bool


@dataclass(frozen=True)
class Candidate:
    """Settings to try.

    Attributes:
        preset: Of model and training.
        features: The kind of features that a graph without any gets, see ``with_default_features``.
    """

    preset: Preset
    features: str | None = None


@dataclass(frozen=True)
class Trained:
    """A trained model, on the CPU in evaluation mode.

    Attributes:
        model: The model.
        data: The graph, with the features that the model takes.
        candidate: The settings that were chosen.
        num_epochs: Epochs whose result it is.
        history: For each epoch ``loss``, ``val_auc`` and ``val_ap``; and after another training on all links its
            ``refit_loss``.
    """

    model: VariationalGAE
    data: Data
    candidate: Candidate
    num_epochs: int
    history: dict[str, list[float]]


def train_embedding(data: Data, candidates: Sequence[Candidate], how: Training) -> Trained:
    """Trains a model on a graph from ``as_graph``.

    Every candidate is trained on the same links, and the one of the best validation AUC + AP is chosen, at its best
    epoch.  If no link is held out, it is the first.

    Raises:
        ValueError: If there are too few links to hold some out.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    num_links = data.edge_index.size(1) // 2
    if how.val_share == 0:
        first = candidates[0]
        graph = with_default_features(data, first.features, data.node_ids, num_links)
        model, loss = _train_on_all(graph, first.preset, how, first.preset.epochs, how.callbacks)
        return Trained(model, graph, first, first.preset.epochs, {"loss": loss})
    held = hold_out(data, how.val_share, how.seed)
    best: tuple[float, Candidate, VariationalGAE, GAEResult, Data] | None = None
    epochs_before = 0
    for candidate in candidates:
        split = _with_features(held, candidate.features, data.node_ids, num_links)
        model = build_model(candidate.preset, "s-vgae", split.train.num_features, how.seed).to(how.device)
        result = fit_gae(
            model,
            split,
            replace(gae_config(candidate.preset), patience=how.patience),
            inputs=model_inputs(split.train, how.device),
            seed=how.seed,
            progress=how.progress,
            title=f"features: {candidate.features or 'given'}",
            callbacks=[_counted_from(epochs_before, callback) for callback in how.callbacks],
        )
        epochs_before += len(result.history["loss"])
        if best is None or sum(result.val) > best[0]:
            best = sum(result.val), candidate, model, result, split.train
    assert best is not None
    _, chosen, model, result, part = best
    history = dict(result.history)
    if how.refit:
        graph = with_default_features(data, chosen.features, data.node_ids, num_links)
        model, history["refit_loss"] = _train_on_all(graph, chosen.preset, how, result.best_epoch)
    else:
        graph = copy.copy(data)
        graph.x, graph.eigenvalues = part.x, part.get("eigenvalues")
    return Trained(model.cpu().eval(), graph, chosen, result.best_epoch, history)


def _with_features(split: LinkSplit, kind: str | None, node_ids: Sequence[Any], num_links: int) -> LinkSplit:
    """The split with features made of its training links."""
    train = with_default_features(split.train, kind, node_ids, num_links)
    val = copy.copy(split.val)
    val.x = train.x
    # One object, twice: its links are no leak then.
    return LinkSplit(train, val, val)


def _counted_from(start: int, callback: Callback) -> Callback:
    """The callback with epochs that go on from those before."""
    return lambda epoch, figures: callback(start + epoch, figures)


def default_share(num_links: int) -> float:
    """The share of the links that is held out if none is named: 5%, or as much more as makes 50 links, up to 20%."""
    return max(_SHARE, min(_MOST, _ENOUGH / num_links))


def num_held_out(num_links: int, share: float) -> int:
    """How many of the links are held out: a share of them, at least one."""
    return max(1, round(share * num_links))


def hold_out(data: Data, share: float, seed: int) -> LinkSplit:
    """Holds out a share of the links, at least one, and as many non-links; as validation and, the same, as test part.

    Raises:
        ValueError: If that leaves no link to train on, or there are too few pairs without a link.
    """
    source, target = data.edge_index
    upper = (source < target).nonzero().view(-1)
    num_links = upper.numel()
    num_held = num_held_out(num_links, share)
    allowed = num_pairs(data)
    if num_links - num_held < 2 or allowed - num_links < num_held:
        raise ValueError(
            f"val_share: given {share} for a graph of {num_links} links among {allowed} pairs of nodes, allowed: "
            "what leaves two links to train on, and has as many pairs without a link; val_share=0 holds none out"
        )
    (hashed,) = np.random.SeedSequence([seed, _HOLD_OUT_STREAM]).generate_state(1, np.uint64).tolist()
    generator = torch.Generator().manual_seed(hashed)
    held, kept = upper[torch.randperm(num_links, generator=generator, device="cpu")].split(
        [num_held, num_links - num_held]
    )
    links = data.edge_index[:, held]
    negatives, place = negative_sampler(data).sample_for(links, generator)
    if place.numel() == 0:
        raise ValueError(
            "val_share: the links held out are of graphs without an unlinked pair, allowed: some of graphs that have "
            "one; val_share=0 holds none out"
        )
    # A link of a graph that is linked completely has no negative, and goes back.
    kept = torch.cat([kept, held[~torch.isin(torch.arange(num_held), place)]])
    train = _training_part(data, kept.sort().values)
    val = train.clone()
    val.pos_edge_label_index, val.neg_edge_label_index = links[:, place], negatives
    return LinkSplit(train, val, val)


def _training_part(data: Data, kept: torch.Tensor) -> Data:
    """The graph with those of its edges that are given, each once, in both directions."""
    links = data.edge_index[:, kept]
    part = Data(x=data.x, edge_index=torch.cat([links, links.flip(0)], dim=1), num_nodes=data.num_nodes)
    if data.edge_weight is not None:
        part.edge_weight = data.edge_weight[kept].repeat(2)
    for name in ("side", "batch"):
        if data.get(name) is not None:
            part[name] = data[name]
    part.pos_edge_label_index = links
    return part


def _train_on_all(
    data: Data, preset: Preset, how: Training, epochs: int, callbacks: Sequence[Callback] = ()
) -> tuple[VariationalGAE, list[float]]:
    source, target = data.edge_index
    part = _training_part(data, (source < target).nonzero().view(-1))
    model = build_model(preset, "s-vgae", data.num_features, how.seed).to(how.device)
    loss = train_on_all_links(
        model,
        part,
        replace(gae_config(preset), epochs=epochs),
        inputs=model_inputs(part, how.device),
        seed=how.seed,
        progress=how.progress,
        title="all links",
        callbacks=callbacks,
    )
    return model.cpu().eval(), loss
