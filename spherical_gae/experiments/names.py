"""Names of what experiments run; apart, so that help on a command needs no torch."""

METHODS = ("s-vgae", "n-vgae")
"""Graph autoencoders of a preset."""

VAE_MODELS = ("s-vae", "n-vae")
"""Variational autoencoders of images."""

LATENTS = {
    "s": "von Mises-Fisher",
    "n": "normal",
    "p": "projected normal",
    "ps": "Power Spherical",
    "sc": "spherical Cauchy",
    "sp": "product of spheres S^2",
}
"""Latents of the image models, by the name that is typed."""

SPHERICAL_LATENTS = tuple(name for name in LATENTS if name != "n")
"""Those of an S-VAE."""

GRAPH_LATENTS = {
    **{name: LATENTS[name] for name in ("s", "p", "ps", "sc")},
    "f": "fixed direction, no noise",
    "plain": "plain vector, not on a sphere, no noise",
}
"""Those of an S-VGAE; a product of spheres is a number of factors there."""

FACTOR_LATENTS = ("s", "f", "plain")
"""Those that may have several factors."""
MAX_DRAWN_NODES = 100_000
"""Above so many nodes there is no ``latent.png``."""
