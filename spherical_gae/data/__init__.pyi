from .ageing import age_weights, aged, aged_split
from .checksums import ChecksumError
from .circle import CircleData, circle_mixture
from .cleaning import clean_graph
from .corruption import corrupt_links
from .default_features import default_features
from .degree_matched import DegreeMatchedSampler
from .double_cover import cover_split, double_cover
from .feature_neighbors import feature_neighbors
from .few_labels import draw_labelled
from .graphs import load_graph
from .hard_negatives import HardNegativeSampler
from .heart import HeartData, load_heart
from .images import ImageSet, ImageSplit, binarize, load_images
from .kinds import check_graph, kind_of_graph, negative_sampler
from .negatives import NonEdgeSampler, sample_non_edges
from .networks import load_network
from .readers.conversions import from_networkx, from_scipy
from .readers.graph_files import read_graph
from .sides import two_sides
from .spectral_features import spectral_features
from .splits import LinkSplit, checked_split, from_random_link_split, link_split, split_links

__all__ = [
    "ChecksumError",
    "CircleData",
    "DegreeMatchedSampler",
    "HardNegativeSampler",
    "HeartData",
    "ImageSet",
    "ImageSplit",
    "LinkSplit",
    "NonEdgeSampler",
    "age_weights",
    "aged",
    "aged_split",
    "binarize",
    "check_graph",
    "checked_split",
    "circle_mixture",
    "clean_graph",
    "corrupt_links",
    "cover_split",
    "default_features",
    "double_cover",
    "draw_labelled",
    "feature_neighbors",
    "from_networkx",
    "from_random_link_split",
    "from_scipy",
    "kind_of_graph",
    "link_split",
    "load_graph",
    "load_heart",
    "load_images",
    "load_network",
    "negative_sampler",
    "read_graph",
    "sample_non_edges",
    "spectral_features",
    "split_links",
    "two_sides",
]
