from .decoders import FactorInnerProductDecoder, HadamardDecoder, InnerProductDecoder
from .degree_bias import DegreeBias, DegreeBiasedDecoder
from .encoders import BatchNormPropagationEncoder, GCNEncoder, NormalizedPropagationEncoder
from .feature_neighbor_encoder import FeatureNeighborEncoder, NeighborFeatures
from .heads import (
    FixedDirectionHead,
    LatentHead,
    NormalHead,
    PlainHead,
    PointMass,
    PowerSphericalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    SphericalCauchyHead,
    VonMisesFisherHead,
)
from .listwise import listwise_loss
from .mlp import MLP, ClassConditionalMLP, MLPEncoder, ParallelLinear, Scale
from .observations import BernoulliObservation, NormalObservation, Observation, log_prob_of_data
from .pair_blocks import score_block
from .path_decoder import ThreePathDecoder, ThreePaths, most_three_paths, three_paths
from .priors import LatentPrior, MixturePrior, VampPrior
from .propagated_encoder import PropagatedEncoder, propagate_features
from .propagation import NormalizedAdjacency, node_degree, normalized_adjacency, sparse_features
from .sparse import SparseMatrix

__all__ = [
    "MLP",
    "BatchNormPropagationEncoder",
    "BernoulliObservation",
    "ClassConditionalMLP",
    "DegreeBias",
    "DegreeBiasedDecoder",
    "FactorInnerProductDecoder",
    "FeatureNeighborEncoder",
    "FixedDirectionHead",
    "GCNEncoder",
    "HadamardDecoder",
    "InnerProductDecoder",
    "LatentHead",
    "LatentPrior",
    "MLPEncoder",
    "MixturePrior",
    "NeighborFeatures",
    "NormalHead",
    "NormalObservation",
    "NormalizedAdjacency",
    "NormalizedPropagationEncoder",
    "Observation",
    "ParallelLinear",
    "PlainHead",
    "PointMass",
    "PowerSphericalHead",
    "ProductOfSpheresHead",
    "ProjectedNormalHead",
    "PropagatedEncoder",
    "Scale",
    "SparseMatrix",
    "SphericalCauchyHead",
    "ThreePathDecoder",
    "ThreePaths",
    "VampPrior",
    "VonMisesFisherHead",
    "listwise_loss",
    "log_prob_of_data",
    "most_three_paths",
    "node_degree",
    "normalized_adjacency",
    "propagate_features",
    "score_block",
    "sparse_features",
    "three_paths",
]
