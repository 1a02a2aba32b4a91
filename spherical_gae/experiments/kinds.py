"""What the kind of a graph asks of an experiment."""

from __future__ import annotations

from torch_geometric.data import Data

from spherical_gae.data.double_cover import cover_split
from spherical_gae.data.sides import features_by_side
from spherical_gae.data.splits import LinkSplit
from spherical_gae.experiments.presets import Preset


def undirected_split(split: LinkSplit) -> LinkSplit:
    """The split that models of undirected links are trained on: of a directed one its double cover."""
    return cover_split(split) if split.train.get("directed") else split


def prepared_split(split: LinkSplit, preset: Preset) -> LinkSplit:
    """The split that a preset's models are trained on.

    Args:
        split: From ``split_links``.
        preset: The settings.

    Returns:
        Of a directed split its double cover; of a bipartite one, with ``features_by_side``, the same with features that
        are others on each side; of others the same.

    Raises:
        ValueError: If the preset is for bipartite graphs, and the split is of a graph without sides.

    Example:
        >>> from spherical_gae import load_graph, split_links
        >>> from spherical_gae.experiments import load_preset
        >>> split = split_links(load_graph("digits"))
        >>> prepared_split(split, load_preset("frontier")) is split
        True
    """
    split = undirected_split(split)
    if not preset.features_by_side:
        return split
    check_sides(split.train, preset)
    x = features_by_side(split.train.x, split.train.side)
    parts = [part.clone() for part in split]
    for part in parts:
        part.x = x
    return LinkSplit(*parts)


def check_sides(data: Data, preset: Preset) -> None:
    """Refuses a graph without sides for a preset that needs them."""
    if preset.features_by_side and data.get("side") is None:
        raise ValueError(
            "preset: given one for bipartite graphs, with features_by_side, and a graph without sides, allowed: one "
            "whose side is 0 or 1 for each node; two_sides(data) finds them by the links"
        )


def num_channels(data: Data, preset: Preset) -> int:
    """Number of features that a preset's models take of a graph: twice its own, if they are others by role or side.

    Example:
        >>> from spherical_gae import load_graph
        >>> from spherical_gae.experiments import load_preset
        >>> num_channels(load_graph("digits"), load_preset("frontier"))
        32
    """
    doubled = bool(data.get("directed")) or preset.features_by_side
    return int(data.num_features) * (1 + doubled)
