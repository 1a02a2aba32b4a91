"""The training loop, its checkpoints, and experiments over methods and seeds."""

from spherical_gae.training.loop import FitConfig, FitResult, fit

__all__ = ["FitConfig", "FitResult", "fit"]
