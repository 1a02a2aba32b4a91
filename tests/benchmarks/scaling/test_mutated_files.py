import random

from benchmarks.scaling.mutated_files import feature_seeds, mutated, repacked, seeds
from spherical_gae.data.readers.suffixes import FEATURE_SUFFIXES, GRAPH_SUFFIXES, suffix_of


def test_there_is_a_file_of_every_kind() -> None:
    assert {suffix_of(name) for name in seeds()} == set(GRAPH_SUFFIXES)
    assert {suffix_of(name) for name in feature_seeds()} <= set(FEATURE_SUFFIXES)
    assert sum(name.endswith(".gz") for name in seeds()) == 4


def test_a_seed_makes_one_file_and_another_seed_another() -> None:
    for change in (mutated, lambda *a: repacked("g.json.gz", *a)):
        content, others = seeds()["g.json.gz"], sorted(seeds().values())
        made = [change(content, random.Random(seed), others) for seed in (0, 0, *range(1, 30))]
        assert made[0] == made[1]
        assert len(set(made)) > 20
