"""What the kind of a graph asks of an experiment."""

from __future__ import annotations

from torch_geometric.data import Data

from spherical_gae.data.ageing import aged_split, check_times
from spherical_gae.data.double_cover import cover_split
from spherical_gae.data.kinds import kind_of_graph, pair_space
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
        are others on each side; of others the same.  With ``half_life``, links have weights by their age.

    Raises:
        ValueError: If the preset's models cannot be trained on graphs of this kind, see ``check_kind``.

    Example:
        >>> from spherical_gae import load_graph, split_links
        >>> from spherical_gae.experiments import load_preset
        >>> split = split_links(load_graph("digits"))
        >>> prepared_split(split, load_preset("frontier")) is split
        True
    """
    check_kind(split.train, preset)
    split = undirected_split(split)
    if preset.half_life is not None:
        split = aged_split(split, preset.half_life)
    if not preset.features_by_side:
        return split
    x = features_by_side(split.train.x, split.train.side)
    parts = [part.clone() for part in split]
    for part in parts:
        part.x = x
    return LinkSplit(*parts)


def check_kind(data: Data, preset: Preset) -> None:
    """Refuses a graph that a preset's models cannot be trained on, before any work.

    Raises:
        ValueError: If the preset draws hard negatives and the graph is directed, bipartite or a batch of graphs; or it
            is for bipartite graphs, and this one has no sides; or it has a half-life, and the graph has no times.

    Example:
        >>> from spherical_gae import load_graph
        >>> from spherical_gae.experiments import load_preset
        >>> check_kind(load_graph("digits"), load_preset("ranking"))
    """
    if preset.hard_negatives > 0 and pair_space(data) is not None:
        given = kind_of_graph(data).split(":")[0].lower()
        raise ValueError(
            f"preset: given one with hard negatives and {given}, allowed: another preset, as nodes two links apart are "
            f"no candidates there"
        )
    if preset.half_life is not None:
        check_times(data, preset.half_life)
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
