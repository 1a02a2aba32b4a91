"""Which settings a graph gets if none are named."""

from __future__ import annotations

from typing import Any

from torch_geometric.data import Data

from spherical_gae.embedding.featureless import HASH, LARGE, SPECTRAL
from spherical_gae.experiments.presets import Preset, load_preset
from spherical_gae.nn.path_decoder import MAX_PAIRS, most_three_paths

AUTO = "auto"
_FULL_BATCH_LINKS = 1_000_000
# Chosen by validation on eight networks without features, see docs/results/embeddings.md.
_OF_EIGENVECTORS: dict[str, Any] = {"epochs": 400}
_OF_HASHES: dict[str, Any] = {"epochs": 400, "dropout": 0.3}
# Where nodes have few links, each row is seen by few others, and a lighter dropout lets them be learned by heart.
_OF_HASHES_IF_SPARSE: dict[str, Any] = {"epochs": 800, "dropout": 0.8}
_SPARSE = 2
"""Links per node below which a graph is sparse."""
_OF_HASHES_IF_LARGE: dict[str, Any] = {"num_steps": (8,), "epochs": 20, "dropout": 0.0}


def resolve_preset(name: str, data: Data, features: str | None = None) -> Preset:
    """The settings of a preset, or for ``"auto"`` those that suit a graph.

    ``"auto"`` is ``frontier`` up to a million links, ``scalable`` above.  Of a graph without features it is
    ``frontier`` with 400 epochs and a ``ThreePathDecoder`` (unless the graph is too dense for it), and for a hash of
    the ids with a dropout of .3; for these above 50,000 links ``scalable`` with eight steps of propagation, no dropout
    and 20 epochs: what random vectors tell of a graph comes by propagation alone.

    Args:
        name: ``"auto"``, or one of ``available_presets()``.
        data: The graph.
        features: The kind of features that it is given, ``"hash"`` or ``"spectral"``; None for its own.

    Raises:
        ValueError: If there is no such preset, or it is for bipartite graphs.

    Example:
        >>> from spherical_gae import load_graph
        >>> resolve_preset("auto", load_graph("digits")).encoder
        'propagation'
    """
    if name != AUTO:
        preset = load_preset(name)
        if preset.features_by_side:
            raise ValueError(
                f"preset: given {name!r}, allowed: one for graphs of one kind of nodes, such as 'frontier'"
            )
        return preset
    num_links = data.edge_index.size(1) // 2
    if features == HASH:
        if num_links <= LARGE:
            return load_preset("frontier").with_changes(**_OF_HASHES, three_paths=_sees_paths(data))
        return load_preset("scalable").with_changes(**_OF_HASHES_IF_LARGE)
    preset = load_preset("frontier" if num_links <= _FULL_BATCH_LINKS else "scalable")
    if features == SPECTRAL:
        sees_paths = num_links <= _FULL_BATCH_LINKS and _sees_paths(data)
        return preset.with_changes(**_OF_EIGENVECTORS, three_paths=sees_paths)
    return preset


def presets_to_try(name: str, data: Data, features: str | None = None) -> list[Preset]:
    """The settings that are tried for a graph: ``resolve_preset``'s, and on sparse graphs others besides.

    With ``"auto"`` and a hash of the ids, on a graph with fewer than two links per node, these are also a dropout of .8
    and 800 epochs.

    Args:
        name: As for ``resolve_preset``.
        data: The graph.
        features: The kind of features that it is given.
    """
    first = resolve_preset(name, data, features)
    num_links = data.edge_index.size(1) // 2
    if name != AUTO or features != HASH or num_links > LARGE or num_links >= _SPARSE * int(data.num_nodes):
        return [first]
    return [first, first.with_changes(**_OF_HASHES_IF_SPARSE)]


def _sees_paths(data: Data) -> bool:
    """Whether the paths of three links can be found in a moment."""
    return most_three_paths(data.edge_index, int(data.num_nodes)) <= MAX_PAIRS
