from .checkpoint import OtherRunError
from .images.batches import BatchConfig, BatchResult
from .images.semi_supervised import SemiSupervisedConfig, SemiSupervisedRun, fit_m1m2
from .images.vae import VAERun, fit_vae
from .links.config import FitConfig, FitResult
from .links.loop import fit, kind_of_run
from .links.masking import AdjacencyMasking, LinkMasking
from .processes import joined_processes, own_device

__all__ = [
    "AdjacencyMasking",
    "BatchConfig",
    "BatchResult",
    "FitConfig",
    "FitResult",
    "LinkMasking",
    "OtherRunError",
    "SemiSupervisedConfig",
    "SemiSupervisedRun",
    "VAERun",
    "fit",
    "fit_m1m2",
    "fit_vae",
    "joined_processes",
    "kind_of_run",
    "own_device",
]
