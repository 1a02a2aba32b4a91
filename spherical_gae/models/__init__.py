"""Models: graph autoencoders and variational autoencoders, each with any latent distribution."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
