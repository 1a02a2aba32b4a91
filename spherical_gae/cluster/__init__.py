"""Clustering of directions: a mixture of von Mises-Fisher distributions, and k-means by the cosine."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
