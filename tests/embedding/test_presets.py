import networkx as nx
import pytest

from spherical_gae.data import from_networkx
from spherical_gae.embedding import presets, resolve_preset
from spherical_gae.embedding.presets import presets_to_try
from spherical_gae.experiments.presets import load_preset


def test_auto_takes_a_preset_by_size_and_features(monkeypatch: pytest.MonkeyPatch) -> None:
    data = from_networkx(nx.karate_club_graph())
    assert resolve_preset("auto", data) == load_preset("frontier")
    longer = load_preset("frontier").with_changes(epochs=400, three_paths=True)
    assert resolve_preset("auto", data, "spectral") == longer
    assert resolve_preset("auto", data, "hash") == longer.with_changes(dropout=0.3)
    assert resolve_preset("paper", data, "hash") == load_preset("paper")
    with monkeypatch.context() as dense:
        dense.setattr(presets, "MAX_PAIRS", 100)
        assert not resolve_preset("auto", data, "hash").three_paths
        assert not resolve_preset("auto", data, "spectral").three_paths
    monkeypatch.setattr(presets, "LARGE", 77)
    large = resolve_preset("auto", data, "hash")
    assert (large.encoder, large.num_steps) == ("propagated features", (8,))
    monkeypatch.setattr(presets, "_FULL_BATCH_LINKS", 77)
    assert resolve_preset("auto", data) == load_preset("scalable")


def test_a_hash_on_a_sparse_graph_is_also_tried_with_more_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer than two links per node: nine among five nodes are, ten are not."""
    dense = from_networkx(nx.complete_graph(5))
    sparse = from_networkx(nx.Graph(list(nx.complete_graph(5).edges)[:9]))
    first = resolve_preset("auto", sparse, "hash")
    assert presets_to_try("auto", sparse, "hash") == [first, first.with_changes(epochs=800, dropout=0.8)]
    assert presets_to_try("auto", dense, "hash") == [resolve_preset("auto", dense, "hash")]
    for name, kind in (("auto", "spectral"), ("auto", None), ("frontier", "hash")):
        assert presets_to_try(name, sparse, kind) == [resolve_preset(name, sparse, kind)]
    monkeypatch.setattr(presets, "LARGE", 8)
    assert len(presets_to_try("auto", sparse, "hash")) == 1
