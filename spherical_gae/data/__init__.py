"""Graphs and images by name, graphs of one's own, leak-proof link splits, negatives, a circle hidden in R^100."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
