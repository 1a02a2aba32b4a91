"""Top 10 of a million unit vectors: is the search exact, what memory and what time does it take?

    python benchmarks/scaling/retrieval.py

The vectors, uniform on the sphere, lie in a file that is mapped.  Each search runs in a process of its own, one
thread: ``nearest_neighbors`` in float32, the same in float64, and, where it is installed, ``faiss_neighbors``.  What
they find is compared with a brute force in float64, for all queries: whether the lists are equal, and, since rows
whose cosines differ by less than float32 can tell may change places, how much cosine is lost by that.  Seconds are
medians over the rounds; memory is the peak of anonymous memory above that before the first search, results included,
pages of the file not.  Writes results/retrieval.json and .md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.cells import command_line, write_results
from benchmarks.scaling.peak_memory import PeakMemory
from spherical_gae.retrieval import TopK, faiss_neighbors, nearest_neighbors

HERE = Path(__file__).parents[1]
METHODS: dict[str, Callable[..., TopK]] = {
    "torch": nearest_neighbors,
    "torch, float64": lambda queries, database, k: nearest_neighbors(queries.astype(np.float64), database, k),
    "faiss": faiss_neighbors,
}
# Rows that are handled at once outside the searches.
_CHUNK = 100_000


class Search(NamedTuple):
    """What one method found, and what it took."""

    scores: npt.NDArray[np.floating]
    indices: npt.NDArray[np.int64]
    seconds: list[float]
    peak_bytes: int


def write_vectors(path: Path, count: int, dim: int, seed: int) -> None:
    """Writes unit vectors, float32 [count, dim], chunk by chunk."""
    random = np.random.default_rng(seed)
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, dim))
    for start in range(0, count, _CHUNK):
        drawn = random.standard_normal((min(_CHUNK, count - start), dim))
        rows[start : start + _CHUNK] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    rows.flush()


def search(method: str, database: Path, queries: Path, k: int, rounds: int) -> Search:
    """Searches, one thread."""
    torch.set_num_threads(1)
    rows, left = np.load(database, mmap_mode="r"), np.load(queries)
    METHODS[method](left[:2], rows[:1000], k)  # what the libraries set up once
    seconds = []
    with PeakMemory() as memory:
        for _ in range(rounds):
            start = time.perf_counter()
            found = METHODS[method](left, rows, k)
            seconds.append(time.perf_counter() - start)
    return Search(found.scores.numpy(), found.indices.numpy(), seconds, memory.peak)


def brute_force(
    queries: npt.NDArray[np.float32], database: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The k highest products and their rows, in float64 by NumPy, in order of product and row."""
    scores, indices = [], []
    for query in np.array_split(queries.astype(np.float64), -(-len(queries) // 50)):
        parts = [
            query @ database[start : start + _CHUNK].astype(np.float64).T for start in range(0, len(database), _CHUNK)
        ]
        products = np.concatenate(parts, axis=1)
        rows = np.sort(np.argpartition(-products, k - 1, axis=1)[:, :k], axis=1)
        values = np.take_along_axis(products, rows, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        scores.append(np.take_along_axis(values, order, axis=1))
        indices.append(np.take_along_axis(rows, order, axis=1))
    return np.concatenate(scores), np.concatenate(indices)


def compare(
    found: Search,
    queries: npt.NDArray[np.float32],
    database: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float64],
    indices: npt.NDArray[np.int64],
) -> dict[str, Any]:
    """A search beside scores and indices of the brute force."""
    exact = np.einsum("qm,qkm->qk", queries.astype(np.float64), database[found.indices].astype(np.float64))
    return {
        "median_seconds": statistics.median(found.seconds),
        "seconds": found.seconds,
        "peak_megabytes": found.peak_bytes / 1e6,
        "queries_with_the_same_list": float((found.indices == indices).all(1).mean()),
        "largest_loss_of_a_cosine": float((scores - exact).max()),
        "largest_error_of_a_cosine": float(np.abs(found.scores - exact).max()),
    }


def table(methods: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Markdown lines, one for each method."""
    yield "| method | seconds | peak memory, MB | lists equal to brute force's | most cosine lost | largest error |"
    yield "|---" * 6 + "|"
    for method, row in methods.items():
        yield (
            f"| {method} | {row['median_seconds']:.1f} | {row['peak_megabytes']:.0f} "
            f"| {row['queries_with_the_same_list']:.1%} | {row['largest_loss_of_a_cosine']:.0e} "
            f"| {row['largest_error_of_a_cosine']:.0e} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000, help="vectors to search")
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    # For the processes of the searches: faiss has threads of its own.
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        database, queries = Path(folder) / "database.npy", Path(folder) / "queries.npy"
        write_vectors(database, options.nodes, options.dim, seed=0)
        write_vectors(queries, options.queries, options.dim, seed=1)
        found: dict[str, Search] = {}
        for method in METHODS:
            if method == "faiss" and find_spec("faiss") is None:
                continue
            # A process of its own: its memory is that of this search alone.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                found[method] = pool.submit(search, method, database, queries, options.k, options.rounds).result()
        left, rows = np.load(queries), np.load(database, mmap_mode="r")
        best = brute_force(left, rows, options.k)
        methods = {method: compare(result, left, rows, *best) for method, result in found.items()}
    report = {
        "command": command_line(parser, options, ("nodes", "queries", "dim", "k", "rounds")),
        "load_average_at_the_start": load,
        "cpu_count": os.cpu_count(),
        "methods": methods,
    }
    title = (
        f"Top {options.k} of {options.nodes:,} unit vectors of dimension {options.dim}, {options.queries:,} queries; "
        f"one thread, median of {options.rounds} rounds. When it started, the load of the machine's {os.cpu_count()} "
        f"cores was {load:.1f}; seconds are those of a machine that does {'other work' if load > 0.5 else 'no work'} "
        "besides."
    )
    write_results(options.out, "retrieval", report, [title, "", *table(methods)])


if __name__ == "__main__":
    main()
