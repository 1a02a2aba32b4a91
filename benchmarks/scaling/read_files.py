"""Seconds to read ten million links from .csv and .parquet, beside pandas alone.

    python benchmarks/scaling/read_files.py

The links join random nodes, called by integers.  ``edges`` is what reading is: columns, header and ids found out,
checked and numbered (``read_edge_list``); ``graph`` also merges the links in both directions and makes default features
(``read_graph``).  Each is called in turn with ``pandas.read_csv`` or ``pandas.read_parquet``; medians over the rounds,
of the time by the clock and of the CPU's.  Writes results/read_files.json and .md.
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

from benchmarks.cells import write_results
from spherical_gae.data.readers.edge_lists import read_edge_list
from spherical_gae.data.readers.graph_files import read_graph

HERE = Path(__file__).parents[1]
READERS: dict[str, dict[str, Callable[[Path], Any]]] = {
    ".csv": {"pandas": pd.read_csv, "edges": read_edge_list, "graph": read_graph},
    ".parquet": {"pandas": pd.read_parquet, "edges": read_edge_list, "graph": read_graph},
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
        medians = {name: [statistics.median(column) for column in zip(*s, strict=True)] for name, s in seconds.items()}
        for name, (clock, cpu) in medians.items():
            ratios = {"clock_ratio": clock / medians["pandas"][0], "cpu_ratio": cpu / medians["pandas"][1]}
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
