"""Graphs and images by name, leak-proof link splits, negatives, and a circle hidden in R^100."""

from spherical_gae.data.checksums import ChecksumError
from spherical_gae.data.circle import CircleData, circle_mixture
from spherical_gae.data.corruption import corrupt_links
from spherical_gae.data.degree_matched import DegreeMatchedSampler
from spherical_gae.data.few_labels import draw_labelled
from spherical_gae.data.graphs import load_graph
from spherical_gae.data.images import ImageSet, ImageSplit, binarize, load_images
from spherical_gae.data.negatives import NonEdgeSampler, sample_non_edges
from spherical_gae.data.splits import LinkSplit, split_links

__all__ = [
    "ChecksumError",
    "CircleData",
    "DegreeMatchedSampler",
    "ImageSet",
    "ImageSplit",
    "LinkSplit",
    "NonEdgeSampler",
    "binarize",
    "circle_mixture",
    "corrupt_links",
    "draw_labelled",
    "load_graph",
    "load_images",
    "sample_non_edges",
    "split_links",
]
