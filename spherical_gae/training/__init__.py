"""The training loop, masked message passing, checkpoints, and experiments over methods and seeds."""

from spherical_gae.training.loop import FitConfig, FitResult, fit
from spherical_gae.training.masking import AdjacencyMasking, LinkMasking

__all__ = ["AdjacencyMasking", "FitConfig", "FitResult", "LinkMasking", "fit"]
