"""The training loop, masked message passing, checkpoints, and experiments over methods and seeds."""

from spherical_gae.training.batches import BatchConfig, BatchResult
from spherical_gae.training.links.config import FitConfig, FitResult
from spherical_gae.training.links.loop import fit
from spherical_gae.training.links.masking import AdjacencyMasking, LinkMasking
from spherical_gae.training.semi_supervised import SemiSupervisedConfig, SemiSupervisedRun, fit_m1m2
from spherical_gae.training.vae import VAERun, fit_vae

__all__ = [
    "AdjacencyMasking",
    "BatchConfig",
    "BatchResult",
    "FitConfig",
    "FitResult",
    "LinkMasking",
    "SemiSupervisedConfig",
    "SemiSupervisedRun",
    "VAERun",
    "fit",
    "fit_m1m2",
    "fit_vae",
]
