"""Which settings a graph gets if none are named."""

from __future__ import annotations

from torch_geometric.data import Data

from spherical_gae.experiments.presets import Preset, load_preset

AUTO = "auto"
_FULL_BATCH_LINKS = 1_000_000


def resolve_preset(name: str, data: Data) -> Preset:
    """The settings of a preset, or for ``"auto"`` those that suit a graph.

    ``"auto"`` is ``frontier`` up to a million links, ``scalable`` above.

    Args:
        name: ``"auto"``, or one of ``available_presets()``.
        data: The graph.

    Raises:
        ValueError: If there is no such preset.
    """
    if name != AUTO:
        return load_preset(name)
    return load_preset("frontier" if data.edge_index.size(1) // 2 <= _FULL_BATCH_LINKS else "scalable")
