from .config import ExperimentConfig
from .images import ImageExperiment, M1M2Experiment, VAEExperiment, make_head
from .kinds import check_kind, num_channels, prepared_split
from .links import Experiment, gae_config
from .presets import Preset, available_presets, build_model, load_preset
from .seeds import parse_seeds
from .words import counted, describe_graph, explain_table, format_table

__all__ = [
    "Experiment",
    "ExperimentConfig",
    "ImageExperiment",
    "M1M2Experiment",
    "Preset",
    "VAEExperiment",
    "available_presets",
    "build_model",
    "check_kind",
    "counted",
    "describe_graph",
    "explain_table",
    "format_table",
    "gae_config",
    "load_preset",
    "make_head",
    "num_channels",
    "parse_seeds",
    "prepared_split",
]
