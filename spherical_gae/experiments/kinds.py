"""What the kind of a graph asks of an experiment."""

from __future__ import annotations

from spherical_gae.data.double_cover import cover_split
from spherical_gae.data.splits import LinkSplit


def undirected_split(split: LinkSplit) -> LinkSplit:
    """The split that a preset's models are trained on: of a directed one its double cover, of others the same."""
    return cover_split(split) if split.train.get("directed") else split
