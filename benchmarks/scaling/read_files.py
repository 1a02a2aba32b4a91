"""Seconds to read ten million links from .csv and .parquet, beside pandas alone.

    python benchmarks/scaling/read_files.py

The links join random nodes, called by integers.  ``edges`` is what reading is: columns, header and ids found out,
checked and numbered (``read_edge_list``); ``links`` also merges them and sorts them in both directions
(``merge_edges``); ``graph`` also makes the default features of every node, and checks them (``read_graph``).  Each is
called in turn with ``pandas.read_csv`` or ``pandas.read_parquet``; medians over the rounds, of the time by the clock
and of the CPU's, and of their ratios within a round.  Writes results/read_files.json and .md.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.cells import write_results
from spherical_gae.data.merging import MergedEdges, merge_edges
from spherical_gae.data.readers.edge_lists import read_edge_list
from spherical_gae.data.readers.graph_files import read_graph

HERE = Path(__file__).parents[1]


def read_links(path: Path) -> MergedEdges:
    """The links of a file in both directions, without features."""
    raw = read_edge_list(path)
    return merge_edges(torch.from_numpy(raw.edge_index), raw.num_nodes)


OURS: dict[str, Callable[[Path], Any]] = {"edges": read_edge_list, "links": read_links, "graph": read_graph}
READERS: dict[str, dict[str, Callable[[Path], Any]]] = {
    ".csv": {"pandas": pd.read_csv, **OURS},
    ".parquet": {"pandas": pd.read_parquet, **OURS},
}


def write_links(folder: Path, num_links: int, num_nodes: int) -> None:
    """Writes random links as links.csv and links.parquet."""
    ends = np.random.default_rng(0).integers(0, num_nodes, (num_links, 2))
    table = pd.DataFrame(ends, columns=["source", "target"])
    table.to_csv(folder / "links.csv", index=False)
    table.to_parquet(folder / "links.parquet", index=False)


def measure(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """One row for each suffix and reader: medians of seconds, and how many times those of pandas."""
    rows = []
    for suffix, readers in READERS.items():
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
        for _ in range(rounds):
            for name, read in readers.items():
                clock, cpu = time.perf_counter(), time.process_time()
                read(folder / f"links{suffix}")
                seconds[name].append((time.perf_counter() - clock, time.process_time() - cpu))
        for name, measured in seconds.items():
            clock, cpu = (statistics.median(column) for column in zip(*measured, strict=True))
            clock_ratio, cpu_ratio = (
                statistics.median(own[k] / other[k] for own, other in zip(measured, seconds["pandas"], strict=True))
                for k in range(2)
            )
            ratios = {"clock_ratio": clock_ratio, "cpu_ratio": cpu_ratio}
            rows.append({"suffix": suffix, "reader": name, "seconds": clock, "cpu_seconds": cpu, **ratios})
    return rows


def table(report: dict[str, Any]) -> Iterator[str]:
    """Lines of Markdown."""
    yield f"{report['num_links']:,} links among {report['num_nodes']:,} nodes, medians of {report['rounds']} rounds."
    yield ""
    yield "| file | what | seconds | times pandas | CPU seconds | times pandas |"
    yield "|---|---|---|---|---|---|"
    for row in report["rows"]:
        yield (
            f"| {row['suffix']} | {row['reader']} | {row['seconds']:.2f} | {row['clock_ratio']:.1f} "
            f"| {row['cpu_seconds']:.2f} | {row['cpu_ratio']:.1f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=10_000_000)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_links(Path(folder), options.links, options.nodes)
        rows = measure(Path(folder), options.rounds)
    report = {
        "command": f"python benchmarks/scaling/read_files.py --links {options.links} --nodes {options.nodes} "
        f"--rounds {options.rounds}",
        "num_links": options.links,
        "num_nodes": options.nodes,
        "rounds": options.rounds,
        "rows": rows,
    }
    write_results(options.out, "read_files", report, table(report))


if __name__ == "__main__":
    main()
