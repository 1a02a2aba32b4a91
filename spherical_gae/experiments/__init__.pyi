from .images import ImageExperiment, M1M2Experiment, VAEExperiment, make_head
from .kinds import num_channels, prepared_split
from .links import Experiment, ExperimentConfig, format_table, gae_config
from .presets import Preset, available_presets, build_model, load_preset
from .seeds import parse_seeds

__all__ = [
    "Experiment",
    "ExperimentConfig",
    "ImageExperiment",
    "M1M2Experiment",
    "Preset",
    "VAEExperiment",
    "available_presets",
    "build_model",
    "format_table",
    "gae_config",
    "load_preset",
    "make_head",
    "num_channels",
    "parse_seeds",
    "prepared_split",
]
