"""Modules: features to distributions, latents to logits."""

from spherical_gae.nn.decoders import FactorInnerProductDecoder, HadamardDecoder, InnerProductDecoder
from spherical_gae.nn.degree_bias import DegreeBias, DegreeBiasedDecoder
from spherical_gae.nn.encoders import BatchNormPropagationEncoder, GCNEncoder, NormalizedPropagationEncoder
from spherical_gae.nn.feature_neighbor_encoder import FeatureNeighborEncoder, NeighborFeatures
from spherical_gae.nn.heads import LatentHead, NormalHead, ProductOfSpheresHead, VonMisesFisherHead
from spherical_gae.nn.mlp import MLP, ClassConditionalMLP, MLPEncoder, ParallelLinear, Scale
from spherical_gae.nn.observations import BernoulliObservation, NormalObservation, Observation, log_prob_of_data
from spherical_gae.nn.pair_blocks import score_block
from spherical_gae.nn.propagated import PropagatedEncoder, propagate_features
from spherical_gae.nn.propagation import NormalizedAdjacency, node_degree, normalized_adjacency, sparse_features
from spherical_gae.nn.sparse import SparseMatrix

__all__ = [
    "MLP",
    "BatchNormPropagationEncoder",
    "BernoulliObservation",
    "ClassConditionalMLP",
    "DegreeBias",
    "DegreeBiasedDecoder",
    "FactorInnerProductDecoder",
    "FeatureNeighborEncoder",
    "GCNEncoder",
    "HadamardDecoder",
    "InnerProductDecoder",
    "LatentHead",
    "MLPEncoder",
    "NeighborFeatures",
    "NormalHead",
    "NormalObservation",
    "NormalizedAdjacency",
    "NormalizedPropagationEncoder",
    "Observation",
    "ParallelLinear",
    "ProductOfSpheresHead",
    "PropagatedEncoder",
    "Scale",
    "SparseMatrix",
    "VonMisesFisherHead",
    "log_prob_of_data",
    "node_degree",
    "normalized_adjacency",
    "propagate_features",
    "score_block",
    "sparse_features",
]
