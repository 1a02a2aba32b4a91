"""Names of what experiments run; apart, so that help on a command needs no torch."""

METHODS = ("s-vgae", "n-vgae")
"""Graph autoencoders of a preset."""

VAE_MODELS = ("s-vae", "n-vae")
"""Variational autoencoders of images."""

LATENTS = ("s", "n", "p")
"""Latents of M1+M2: von Mises-Fisher, normal, and a product of spheres."""
