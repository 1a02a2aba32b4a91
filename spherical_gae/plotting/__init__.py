"""Pictures of latents and of images."""
