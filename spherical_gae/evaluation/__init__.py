"""Metrics of link prediction, baselines without training, and the whole test of a predictor."""

from spherical_gae.evaluation.baselines import common_neighbors, untrained_embeddings
from spherical_gae.evaluation.calibration import brier_score, expected_calibration_error
from spherical_gae.evaluation.metrics import LinkScores, auc_ap
from spherical_gae.evaluation.ranking import RankingScores, link_ranks, ranking_scores

__all__ = [
    "LinkScores",
    "RankingScores",
    "auc_ap",
    "brier_score",
    "common_neighbors",
    "expected_calibration_error",
    "link_ranks",
    "ranking_scores",
    "untrained_embeddings",
]
