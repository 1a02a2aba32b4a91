"""Splits of a graph's links into training, validation and test links, one way a file."""

from spherical_gae.data.splits.checks import checked_split
from spherical_gae.data.splits.given import link_split
from spherical_gae.data.splits.of_pyg import from_random_link_split
from spherical_gae.data.splits.parts import LinkSplit
from spherical_gae.data.splits.random import split_links

__all__ = ["LinkSplit", "checked_split", "from_random_link_split", "link_split", "split_links"]
