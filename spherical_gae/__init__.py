"""Hyperspherical latent variables in PyTorch, and spherical graph autoencoders above all."""
