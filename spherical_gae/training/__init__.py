"""The training loop, its checkpoints, and experiments over methods and seeds."""

from spherical_gae.training.experiment import Experiment, ExperimentConfig
from spherical_gae.training.fit import FitConfig, FitResult, fit

__all__ = ["Experiment", "ExperimentConfig", "FitConfig", "FitResult", "fit"]
