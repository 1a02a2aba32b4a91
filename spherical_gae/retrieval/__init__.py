"""Search among embeddings: nearest neighbours and likeliest links, exact and in bounded memory."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
