"""The training loop, masked message passing, checkpoints, and experiments over methods and seeds."""

from spherical_gae.training.batches import BatchConfig, BatchResult
from spherical_gae.training.loop import FitConfig, FitResult, fit
from spherical_gae.training.masking import AdjacencyMasking, LinkMasking
from spherical_gae.training.semi_supervised import SemiSupervisedConfig, fit_m1m2
from spherical_gae.training.vae import fit_vae

__all__ = [
    "AdjacencyMasking",
    "BatchConfig",
    "BatchResult",
    "FitConfig",
    "FitResult",
    "LinkMasking",
    "SemiSupervisedConfig",
    "fit",
    "fit_m1m2",
    "fit_vae",
]
