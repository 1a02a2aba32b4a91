"""Models: an encoder, a latent law and a decoder."""
