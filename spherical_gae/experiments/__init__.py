"""Settings by name, and runs in folders that can be resumed, of links and of images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
