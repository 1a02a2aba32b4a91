"""Modules: features to distributions, latents to logits."""
