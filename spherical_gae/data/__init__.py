"""Graphs and images by name, graphs of one's own, leak-proof link splits, negatives, a circle hidden in R^100."""

from spherical_gae.data.checksums import ChecksumError
from spherical_gae.data.circle import CircleData, circle_mixture
from spherical_gae.data.cleaning import clean_graph
from spherical_gae.data.corruption import corrupt_links
from spherical_gae.data.default_features import default_features
from spherical_gae.data.degree_matched import DegreeMatchedSampler
from spherical_gae.data.feature_neighbors import feature_neighbors
from spherical_gae.data.few_labels import draw_labelled
from spherical_gae.data.graphs import load_graph
from spherical_gae.data.images import ImageSet, ImageSplit, binarize, load_images
from spherical_gae.data.negatives import NonEdgeSampler, sample_non_edges
from spherical_gae.data.readers.conversions import from_networkx, from_scipy
from spherical_gae.data.readers.graph_files import read_graph
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
    "clean_graph",
    "corrupt_links",
    "default_features",
    "draw_labelled",
    "feature_neighbors",
    "from_networkx",
    "from_scipy",
    "load_graph",
    "load_images",
    "read_graph",
    "sample_non_edges",
    "split_links",
]
