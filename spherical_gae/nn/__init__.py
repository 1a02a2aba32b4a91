"""Modules: features to distributions, latents to logits."""

from spherical_gae.nn.decoders import FactorInnerProductDecoder, HadamardDecoder, InnerProductDecoder
from spherical_gae.nn.degree_bias import DegreeBias, DegreeBiasedDecoder
from spherical_gae.nn.encoders import BatchNormPropagationEncoder, GCNEncoder, NormalizedPropagationEncoder
from spherical_gae.nn.heads import LatentHead, NormalHead, ProductOfSpheresHead, VonMisesFisherHead
from spherical_gae.nn.propagation import NormalizedAdjacency, node_degree, normalized_adjacency, sparse_features
from spherical_gae.nn.sparse import SparseMatrix

__all__ = [
    "BatchNormPropagationEncoder",
    "DegreeBias",
    "DegreeBiasedDecoder",
    "FactorInnerProductDecoder",
    "GCNEncoder",
    "HadamardDecoder",
    "InnerProductDecoder",
    "LatentHead",
    "NormalHead",
    "NormalizedAdjacency",
    "NormalizedPropagationEncoder",
    "ProductOfSpheresHead",
    "SparseMatrix",
    "VonMisesFisherHead",
    "node_degree",
    "normalized_adjacency",
    "sparse_features",
]
