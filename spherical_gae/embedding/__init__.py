"""From a graph to embeddings in one object: estimator, later nodes, files, exports."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
