"""Modules: features to distributions, latents to logits."""

from spherical_gae.nn.decoders import InnerProductDecoder
from spherical_gae.nn.encoders import GCNEncoder, NormalizedPropagationEncoder
from spherical_gae.nn.heads import LatentHead, NormalHead, VonMisesFisherHead
from spherical_gae.nn.propagation import normalized_adjacency, sparse_features
from spherical_gae.nn.sparse import SparseMatrix

__all__ = [
    "GCNEncoder",
    "InnerProductDecoder",
    "LatentHead",
    "NormalHead",
    "NormalizedPropagationEncoder",
    "SparseMatrix",
    "VonMisesFisherHead",
    "normalized_adjacency",
    "sparse_features",
]
