"""Graphs by name, leak-proof link splits and uniform negatives."""

from spherical_gae.data.checksums import ChecksumError
from spherical_gae.data.graphs import load_graph
from spherical_gae.data.negatives import NonEdgeSampler, sample_non_edges
from spherical_gae.data.splits import LinkSplit, split_links

__all__ = [
    "ChecksumError",
    "LinkSplit",
    "NonEdgeSampler",
    "load_graph",
    "sample_non_edges",
    "split_links",
]
