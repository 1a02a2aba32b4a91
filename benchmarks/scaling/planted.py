"""A large graph without features: communities that are planted, and links that the estimator predicts.

    python benchmarks/scaling/planted.py

200,000 nodes in communities of 500, a million links: 80% join two nodes of one community, the others two of all.  5% of
the links are removed, and as many non-links drawn.  ``SphericalGraphEmbedding`` is fitted on the others with its
defaults.  A fifth of the links say nothing: the AUC cannot be much above 90.

Writes results/planted.json and results/planted.md.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.cells import command_line, write_results
from benchmarks.links.estimator import test_scores, without_test_links
from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import clean_graph, split_links

HERE = Path(__file__).parents[1]
WITHIN = 0.8
TEST_SHARE = 0.05


def planted_graph(num_nodes: int, num_links: int, size: int, seed: int = 0) -> Data:
    """A graph whose nodes k, k + 1, ... of one community of ``size`` are linked above all with each other."""
    generator = np.random.default_rng(seed)
    num_within = round(WITHIN * num_links)
    source, target = generator.integers(0, num_nodes, (2, num_links))
    first = source[:num_within] // size * size
    target[:num_within] = first + generator.integers(0, size, num_within)
    edges: Tensor = torch.from_numpy(np.stack([source, target]))
    return clean_graph(Data(edge_index=edges, num_nodes=num_nodes))


def run(num_nodes: int, num_links: int, size: int, seed: int) -> dict[str, Any]:
    """Fits and scores."""
    data = planted_graph(num_nodes, num_links, size, seed)
    split = split_links(data, val=TEST_SHARE, test=TEST_SHARE, seed=seed)
    graph = without_test_links(split, with_features=False)
    wall, cpu = time.perf_counter(), time.process_time()
    embedding = SphericalGraphEmbedding(random_state=seed).fit(graph)
    return {
        "nodes": num_nodes,
        "links": data.edge_index.size(1) // 2,
        "community": size,
        **test_scores(embedding, split),
        "features": embedding.default_features_,
        "epochs": embedding.best_epoch_,
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "threads": torch.get_num_threads(),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The table, as markdown."""
    yield "| nodes | links | AUC | AP | epochs | seconds | CPU seconds | threads | peak memory, GB |"
    yield "|---|---|---|---|---|---|---|---|---|"
    yield (
        f"| {found['nodes']:,} | {found['links']:,} | {100 * found['auc']:.1f} | {100 * found['ap']:.1f} | "
        f"{found['epochs']} | {found['seconds']:.0f} | {found['cpu_seconds']:.0f} | {found['threads']} | "
        f"{found['peak_gb']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=500, help="nodes of a community")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the results go")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    found = run(options.nodes, options.links, options.size, options.seed)
    command = command_line(parser, options, ("nodes", "links", "size", "seed", "threads"))
    write_results(options.out, "planted", {"command": command, **found}, lines(found))


if __name__ == "__main__":
    main()
