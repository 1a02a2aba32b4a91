"""The training loop, masked message passing, checkpoints, and experiments over methods and seeds."""

from spherical_gae.training.images.batches import BatchConfig, BatchResult
from spherical_gae.training.images.semi_supervised import SemiSupervisedConfig, SemiSupervisedRun, fit_m1m2
from spherical_gae.training.images.vae import VAERun, fit_vae
from spherical_gae.training.links.config import FitConfig, FitResult
from spherical_gae.training.links.loop import fit
from spherical_gae.training.links.masking import AdjacencyMasking, LinkMasking

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
