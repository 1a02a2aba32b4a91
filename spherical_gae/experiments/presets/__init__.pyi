from .build import build_model
from .settings import Preset, available_presets, load_preset

__all__ = ["Preset", "available_presets", "build_model", "load_preset"]
