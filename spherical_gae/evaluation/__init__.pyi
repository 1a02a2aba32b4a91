from .baselines import adamic_adar, common_neighbors, katz, resource_allocation, untrained_embeddings
from .calibration import brier_score, expected_calibration_error
from .clustering import ClusteringScores, clustering_scores
from .criteria import check_criterion, criterion_value
from .linear_probe import ProbeScores, linear_probe
from .metrics import LinkScores, auc_ap
from .protocol import LinkEvaluation
from .ranking import RankingScores, hits_at_k, link_ranks, ranking_scores
from .sampled import evaluate_links
from .vae_scores import VAEScores, score_vae

__all__ = [
    "ClusteringScores",
    "LinkEvaluation",
    "LinkScores",
    "ProbeScores",
    "RankingScores",
    "VAEScores",
    "adamic_adar",
    "auc_ap",
    "brier_score",
    "check_criterion",
    "clustering_scores",
    "common_neighbors",
    "criterion_value",
    "evaluate_links",
    "expected_calibration_error",
    "hits_at_k",
    "katz",
    "linear_probe",
    "link_ranks",
    "ranking_scores",
    "resource_allocation",
    "score_vae",
    "untrained_embeddings",
]
