"""Files with bytes changed at random: is each read or refused by name, in what time and memory?

    python benchmarks/scaling/fuzz_readers.py --count 10000

Each file is made from a small graph in one of the formats, by a seed of its own, and read by ``read_graph`` (a fifth of
them as features).  A file must give a graph, or a ValueError or OSError whose message names the file.  Memory is the
peak above that before, less 16 MiB, over the size of the file, unpacked.  Files that break a rule are kept in
``--keep``.  Writes results/fuzz_readers.json.  Linux only.
"""

from __future__ import annotations

import argparse
import gzip
import random
import tempfile
import time
import warnings
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.scaling.mutated_files import feature_seeds, repacked, seeds
from spherical_gae.data.readers.graph_files import read_graph
from spherical_gae.training.checkpoint import save_json

HERE = Path(__file__).parents[1]
_FREE_BYTES = 16 << 20
_MAX_RATIO, _MAX_SECONDS = 20.0, 20.0


def made_file(folder: Path, seed: int) -> tuple[Path, Path | None, str]:
    """Writes the file of a seed: the graph, the features if it is about them, and the name of what it was made from."""
    draw = random.Random(seed)
    is_features = draw.randrange(5) == 0
    known = feature_seeds() if is_features else seeds()
    name = draw.choice(sorted(known))
    content = repacked(name, known[name], draw, sorted(known.values()))
    path = folder / name
    path.write_bytes(content)
    if not is_features:
        return path, None, name
    graph = folder / "plain.txt"
    graph.write_bytes(seeds()["plain.txt"])
    return graph, path, name


def outcome(graph: Path, features: Path | None) -> str:
    """``"read"``, ``"refused"``, or what is wrong about how it was refused."""
    try:
        read_graph(graph, features)
    except (ValueError, OSError) as error:
        name = (features or graph).name
        return "refused" if name in str(error) else f"not named: {type(error).__name__}: {str(error)[:200]}"
    except Exception as error:  # The question is whether there are any.
        return f"raised {type(error).__name__}: {str(error)[:200]}"
    return "read"


def unpacked_size(path: Path) -> int:
    """The size of a file in bytes, unpacked as far as it can be."""
    if path.suffix != ".gz":
        return path.stat().st_size
    size = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(1 << 20):
                size += len(chunk)
    except (EOFError, OSError, zlib.error):
        pass
    return max(size, path.stat().st_size)


def fuzz(count: int, first_seed: int, keep: Path) -> dict[str, Any]:
    """Reads files; a summary, with the files that break a rule."""
    outcomes, found = Counter[str](), []
    slowest = largest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in (*seeds().items(), ("plain.txt", seeds()["plain.txt"])):  # the first calls take memory of their own
            (folder / file[0]).write_bytes(file[1])
            read_graph(folder / file[0])
        for seed in range(first_seed, first_seed + count):
            graph, features, kind = made_file(folder, seed)
            about = features or graph
            before, start = _reset_peak(), time.perf_counter()
            result = outcome(graph, features)
            seconds = time.perf_counter() - start
            ratio = max(0, _peak() - before - _FREE_BYTES) / max(unpacked_size(about), 1)
            slowest, largest = max(slowest, seconds), max(largest, ratio)
            outcomes[result if result in ("read", "refused") else "broken"] += 1
            if result not in ("read", "refused") or seconds > _MAX_SECONDS or ratio > _MAX_RATIO:
                found.append({"seed": seed, "file": kind, "what": result, "seconds": seconds, "memory": ratio})
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{kind}").write_bytes(about.read_bytes())
                print(found[-1], flush=True)
            about.unlink()
            if seed % 500 == 499:
                print(seed + 1, dict(outcomes), f"{slowest:.2f} s, {largest:.1f} times the file", flush=True)
    return {"outcomes": dict(outcomes), "slowest_seconds": slowest, "largest_memory_ratio": largest, "found": found}


def _status(name: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def _reset_peak() -> int:
    """Resets the peak of resident memory to what there is now, and returns that."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "fuzz_readers.json")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    result = fuzz(options.count, options.first_seed, options.keep)
    command = f"python benchmarks/scaling/fuzz_readers.py --count {options.count} --first-seed {options.first_seed}"
    save_json(options.out, {"command": command, "count": options.count, **result})


if __name__ == "__main__":
    main()
