"""Presets: the settings of a link prediction model as data, one JSON file each, and the model they make."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
