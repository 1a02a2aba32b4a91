import pytest

from benchmarks.scaling.planted import planted_graph


def test_four_of_five_links_are_within_a_community() -> None:
    data = planted_graph(2000, 10_000, 100)
    source, target = data.edge_index // 100
    # Of the others, one in twenty is so by chance.
    assert float((source == target).float().mean()) == pytest.approx(0.8 + 0.2 / 20, abs=0.02)
