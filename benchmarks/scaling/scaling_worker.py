"""One measurement of scaling.py, in a process of its own, or two under torchrun, so that its peak memory is its own."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.links import pyg_autoencoders as pyg
from spherical_gae.data import LinkSplit, split_links
from spherical_gae.experiments.links import gae_config
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.randomness import seeded
from spherical_gae.training.checkpoint import save_json
from spherical_gae.training.links.loop import make_run
from spherical_gae.training.processes import joined_processes

FEATURES = 64
NODES_IN_A_COMMUNITY = 100
INSIDE = 0.7
CPU = torch.device("cpu")
METHODS = ("s-vgae, batches", "n-vgae, batches", "s-vgae, full batch", "pyg-vgae")


def planted_graph(num_nodes: int, num_links: int, seed: int = 0) -> Data:
    """A graph with planted communities, which show in the features as well.

    Communities have a hundred nodes; 70% of the links are inside one, the others anywhere.  A node's features are its
    community's, a standard normal vector, plus noise of three times its size.  Time and memory are linear in the links.

    Returns:
        Data with ``x`` [N, 64], ``y`` (the community) and ``edge_index`` [2, 2 E], both directions, each link once.
    """
    generator = torch.Generator().manual_seed(seed)
    num_communities = max(2, num_nodes // NODES_IN_A_COMMUNITY)
    # More than asked, as self-loops and repeats are dropped.
    num_drawn = int(1.1 * num_links)
    first = torch.randint(num_nodes, (num_drawn,), generator=generator)
    anywhere = torch.randint(num_nodes, (num_drawn,), generator=generator)
    # Node i is in community i mod C, so that a node drawn anywhere becomes one of this community.
    moved = anywhere - anywhere % num_communities + first % num_communities
    inside = (torch.rand(num_drawn, generator=generator) < INSIDE) & (moved < num_nodes)
    second = torch.where(inside, moved, anywhere)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    numbers = torch.unique((low * num_nodes + high)[low != high])
    numbers = numbers[torch.randperm(numbers.numel(), generator=generator)[:num_links]]
    links = torch.stack([numbers // num_nodes, numbers % num_nodes])
    community = torch.arange(num_nodes) % num_communities
    center = torch.randn(num_communities, FEATURES, generator=generator)
    x = center[community].add_(torch.randn(num_nodes, FEATURES, generator=generator), alpha=3)
    return Data(x=x, y=community, edge_index=torch.cat([links, links.flip(0)], dim=1), num_nodes=num_nodes)


def peak_memory() -> float:
    """The most memory that this process has had so far, GB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def measured(method: str, split: LinkSplit, epochs: int) -> tuple[list[float], list[float], Tensor]:
    """Seconds of training and of validation for each epoch, and the last validation scores."""
    train, validate = ready(method, split)
    times: tuple[list[float], list[float]] = [], []
    scores: Any = None
    for _ in range(epochs):
        start = time.perf_counter()
        loss = train()
        middle = time.perf_counter()
        scores = validate(loss)
        times[0].append(middle - start)
        times[1].append(time.perf_counter() - middle)
    return *times, scores


def ready(method: str, split: LinkSplit) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """A training epoch, and a validation."""
    if method == "pyg-vgae":
        other, data = pyg.make_model(method, FEATURES, 0), pyg.prepare(split)
        optimizer = torch.optim.Adam(other.parameters(), lr=pyg.LEARNING_RATE)
        return (
            lambda: pyg.training_step(other, optimizer, data),
            lambda _: pyg.inner_product_scores(pyg.embed(other, data), split.val),
        )
    name, kind = method.split(", ")
    preset = load_preset("scalable").with_changes(
        dropout=0.0, mask_share=0.0, negatives_per_link=1, batch_size=0 if kind == "full batch" else 16384
    )
    run = make_run(build_model(preset, name, FEATURES), split, gae_config(preset), None, 0, CPU)

    def validate(loss: float) -> tuple[float, float]:
        run.validate(loss)
        return run.history["val_auc"][-1], run.history["val_ap"][-1]

    return run.train_step, validate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--links", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit-gb", type=float, default=20.0, help="address space; beyond it, allocations fail")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    # Better this process than whatever the kernel would end when the memory is used up.
    resource.setrlimit(resource.RLIMIT_AS, (int(options.limit_gb * 1e9),) * 2)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with joined_processes(CPU) as processes, seeded(0, CPU):
        start = time.perf_counter()
        split = split_links(planted_graph(options.nodes, options.links))
        prepared = time.perf_counter() - start
        training, validation, scores = measured(options.method, split, options.epochs)
        memory = float(processes.mean(torch.tensor(peak_memory()))) * processes.count
    if processes.is_first:
        found = {
            "processes": processes.count,
            "train_links": split.train.pos_edge_label_index.size(1),
            "prepare_seconds": prepared,
            "train_seconds": training,
            "validate_seconds": validation,
            "total_seconds": time.perf_counter() - start,
            "peak_gb": memory,
            "val_auc": float(scores[0]),
        }
        save_json(options.out, found)
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
