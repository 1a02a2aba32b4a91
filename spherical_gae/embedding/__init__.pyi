from .estimator import SphericalGraphEmbedding
from .export import to_networkx, write_gexf, write_graphml, write_word2vec
from .presets import resolve_preset
from .view import write_view

__all__ = [
    "SphericalGraphEmbedding",
    "resolve_preset",
    "to_networkx",
    "write_gexf",
    "write_graphml",
    "write_view",
    "write_word2vec",
]
