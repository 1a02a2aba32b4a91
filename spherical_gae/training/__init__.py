"""The training loop, masked message passing, checkpoints, and experiments over methods and seeds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
