from .baselines import common_neighbors, untrained_embeddings
from .calibration import brier_score, expected_calibration_error
from .metrics import LinkScores, auc_ap
from .ranking import RankingScores, link_ranks, ranking_scores
from .sampled import evaluate_links
from .vae_scores import VAEScores, score_vae

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
