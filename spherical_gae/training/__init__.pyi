from .callbacks import Callback, CSVLogger, TensorBoardLogger
from .checkpoint import DamagedFileError, OtherRunError
from .images.batches import VAEConfig, VAEResult
from .images.semi_supervised import M1M2Config, M1M2Run, fit_m1m2
from .images.vae import VAERun, fit_vae
from .links.config import GAEConfig, GAEResult
from .links.loop import fit_gae, kind_of_run
from .links.masking import AdjacencyMasking, LinkMasking
from .processes import alone, joined_processes, own_device

__all__ = [
    "AdjacencyMasking",
    "CSVLogger",
    "Callback",
    "DamagedFileError",
    "GAEConfig",
    "GAEResult",
    "LinkMasking",
    "M1M2Config",
    "M1M2Run",
    "OtherRunError",
    "TensorBoardLogger",
    "VAEConfig",
    "VAEResult",
    "VAERun",
    "alone",
    "fit_gae",
    "fit_m1m2",
    "fit_vae",
    "joined_processes",
    "kind_of_run",
    "own_device",
]
