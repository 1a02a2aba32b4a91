"""The methods that are judged by ranks: on HeaRT's fixed splits, and on splits by chance."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.links import pyg_autoencoders
from benchmarks.links.ranking_protocol import PartTest
from benchmarks.links.selection import EveryMetric, train_and_select
from spherical_gae.data import HeartData, LinkSplit
from spherical_gae.evaluation import adamic_adar, common_neighbors, katz, resource_allocation, untrained_embeddings
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import Preset, build_model, load_preset
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.randomness import seeded
from spherical_gae.training.links.loop import make_run

# Up to so many nodes, a matrix of all pairs is inverted.
_MAX_INVERTED = 5_000
# Pairs that a decoder scores at once: the ends' embeddings are gathered, which takes memory.
_MAX_PAIRS = 1 << 17


def katz_by_inverse(edge_index: Tensor, num_nodes: int, pairs: Tensor) -> Tensor:
    """The Katz index as HeaRT's code computes it, (I - beta A)^-1, where that matrix is not too large.

    Its entries below rounding are noise: that is so in the published AUC, and touches no other metric.
    """
    if num_nodes > _MAX_INVERTED:
        return katz(edge_index, num_nodes, pairs)
    matrix = torch.eye(num_nodes, dtype=torch.float64)
    matrix[edge_index[0], edge_index[1]] -= 0.005
    return torch.linalg.inv(matrix)[pairs[0], pairs[1]].float()


HEURISTICS: dict[str, Callable[[Tensor, int, Tensor], Tensor]] = {
    "common neighbors": common_neighbors,
    "adamic-adar": adamic_adar,
    "resource allocation": resource_allocation,
    "katz": katz_by_inverse,
}
UNTRAINED = (*HEURISTICS, "cosine")
PYG = ("pyg-gae", "pyg-vgae")
PRESETS = {
    "paper n-vgae": ("paper", "n-vgae"),
    "paper s-vgae": ("paper", "s-vgae"),
    "frontier s-vgae": ("frontier", "s-vgae"),
    "frontier-product s-vgae": ("frontier-product", "s-vgae"),
    "ranking s-vgae": ("ranking", "s-vgae"),
}
METHODS = (*UNTRAINED, *PYG, *PRESETS)


class Tests(NamedTuple):
    """What is scored in validation and in the test."""

    val: PartTest
    test: PartTest


def heart_tests(data: HeartData) -> Tests:
    """Both of HeaRT's settings on both parts."""
    parts = zip(data.split[1:], (data.val_hard, data.test_hard), strict=True)
    return Tests(*(PartTest(part.pos_edge_label_index, part.neg_edge_label_index, hard) for part, hard in parts))


def shared_tests(split: LinkSplit) -> Tests:
    """Each part's links against all its negatives."""
    return Tests(*(PartTest(part.pos_edge_label_index, part.neg_edge_label_index) for part in split[1:]))


def run_method(method: str, split: LinkSplit, tests: Tests, seed: int) -> dict[str, Any]:
    """Scores a method, after training it if need be.

    Args:
        method: One of ``METHODS``.
        split: The split; message passing and training see its training links only.
        tests: What is scored.
        seed: Seed of weights and training.

    Returns:
        ``own_epoch`` and ``one_epoch`` (metrics on the test links, see ``EveryMetric``; the same for what is not
        trained), ``val``, ``epochs``, and ``seconds`` and ``cpu_seconds`` that it took.
    """
    start, cpu_start = time.perf_counter(), time.process_time()
    train = split.train
    if method in HEURISTICS:
        result = untrained(tests, lambda pairs: HEURISTICS[method](train.edge_index, train.num_nodes, pairs))
    elif method == "cosine":
        z = untrained_embeddings(train)
        result = untrained(tests, lambda pairs: inner_products(z, pairs))
    elif method in PYG:
        result = train_pyg(method, split, tests, seed)
    else:
        preset, model = PRESETS[method]
        result = train_preset(load_preset(preset, train.name), model, split, tests, seed)
    seconds = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}
    return {**result, **{name: round(value, 2) for name, value in seconds.items()}}


def untrained(tests: Tests, predictor: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    """Both parts' metrics of what has no epochs."""
    val, test = (part.score(predictor) for part in tests)
    return {"own_epoch": test, "one_epoch": test, "val": val, "epochs": {}}


def inner_products(z: Tensor, pairs: Tensor) -> Tensor:
    """Inner products of the embeddings of pairs."""
    piece = max(1, (1 << 24) // z.size(1))
    return torch.cat([(z[a] * z[b]).sum(-1) for a, b in pairs.split(piece, dim=1)])


def train_pyg(method: str, split: LinkSplit, tests: Tests, seed: int) -> dict[str, Any]:
    """PyG's GAE or VGAE with the settings of its example, on the training links only."""
    model = pyg_autoencoders.make_model(method, split.train.num_features, seed)
    train = pyg_autoencoders.prepare(split)
    optimizer = torch.optim.Adam(model.parameters(), lr=pyg_autoencoders.LEARNING_RATE)

    def metrics(part: PartTest) -> dict[str, float]:
        z = pyg_autoencoders.embed(model, train)
        return part.score(lambda pairs: inner_products(z, pairs))

    return train_and_select(
        lambda: pyg_autoencoders.training_step(model, optimizer, train),
        pyg_autoencoders.EPOCHS,
        EveryMetric(lambda: metrics(tests.val), lambda: metrics(tests.test)),
    )


def train_preset(preset: Preset, method: str, split: LinkSplit, tests: Tests, seed: int) -> dict[str, Any]:
    """A model of this library, by its preset.

    Args:
        preset: The settings.
        method: ``"s-vgae"`` or ``"n-vgae"``.
        split: The split.
        tests: What is scored.
        seed: Seed of weights and training.
    """
    model = build_model(preset, method, split.train.num_features, seed)
    with seeded(seed, torch.device("cpu")):
        run = make_run(model, split, gae_config(preset), model_inputs(split.train), seed, torch.device("cpu"))
        known = model.graph_arguments(run.inputs[-1], int(split.train.num_nodes))
        return train_and_select(
            run.train_step,
            preset.epochs,
            EveryMetric(
                lambda: model_metrics(model, run.inputs, known, tests.val),
                lambda: model_metrics(model, run.inputs, known, tests.test),
            ),
        )


@torch.no_grad()
def model_metrics(
    model: VariationalGAE, inputs: tuple[Any, ...], known: dict[str, Tensor], part: PartTest
) -> dict[str, float]:
    """The metrics of a model in evaluation mode; it is left there.

    Args:
        model: The model.
        inputs: Of its encoder.
        known: What its decoder knows of the graph, see ``VariationalGAE.graph_arguments``.
        part: What is scored.
    """
    model.eval()
    z = model.encode(*inputs)
    return part.score(lambda pairs: model.decode(z, pairs, sigmoid=False, **known), _MAX_PAIRS)
