"""Files with bytes changed at random are read, or refused by name.

benchmarks/scaling/fuzz_readers.py reads many more.
"""

import random
import tracemalloc
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.scaling.mutated_files import feature_seeds, repacked, seeds
from spherical_gae.data.readers.graph_files import read_graph

_FREE_BYTES = 1 << 24
_FILES = {**seeds(), **feature_seeds()}


@pytest.mark.parametrize("name", sorted(seeds()))
def test_unchanged_files_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(seeds()[name])
    assert read_graph(tmp_path / name).num_nodes >= 3


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(_FILES)), seed=st.integers(0, 2**32))
def test_changed_files_are_read_or_refused_by_name(tmp_path: Path, name: str, seed: int) -> None:
    content = repacked(name, _FILES[name], random.Random(seed), sorted(_FILES.values()))
    (tmp_path / name).write_bytes(content)
    (tmp_path / "plain.txt").write_bytes(seeds()["plain.txt"] if name != "plain.txt" else content)
    files = [tmp_path / name] if name in seeds() else [tmp_path / "plain.txt", tmp_path / name]
    refusal = None
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            # What the libraries beneath think of such a file.
            warnings.simplefilter("ignore")
            read_graph(*files)
    except (ValueError, OSError) as error:
        refusal = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert refusal is None or name in refusal
    assert peak < 20 * len(content) + _FREE_BYTES
