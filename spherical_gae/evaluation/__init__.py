"""Metrics of link prediction and of autoencoders, baselines without training, and the whole test of a predictor."""

from spherical_gae.evaluation.baselines import common_neighbors, untrained_embeddings
from spherical_gae.evaluation.calibration import brier_score, expected_calibration_error
from spherical_gae.evaluation.metrics import LinkScores, auc_ap
from spherical_gae.evaluation.ranking import RankingScores, link_ranks, ranking_scores
from spherical_gae.evaluation.sampled import evaluate_links
from spherical_gae.evaluation.vae_scores import VAEScores, score_vae

__all__ = [
    "LinkScores",
    "RankingScores",
    "VAEScores",
    "auc_ap",
    "brier_score",
    "common_neighbors",
    "evaluate_links",
    "expected_calibration_error",
    "link_ranks",
    "ranking_scores",
    "score_vae",
    "untrained_embeddings",
]
