"""Metrics of link prediction and the untrained baseline."""

from spherical_gae.evaluation.baselines import untrained_embeddings
from spherical_gae.evaluation.metrics import LinkScores, auc_ap

__all__ = ["LinkScores", "auc_ap", "untrained_embeddings"]
