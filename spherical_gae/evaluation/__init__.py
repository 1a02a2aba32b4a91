"""Metrics of link prediction and of autoencoders, baselines without training, and the whole test of a predictor."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
