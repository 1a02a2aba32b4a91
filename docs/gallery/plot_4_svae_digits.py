"""
An S-VAE on images of digits
============================

A variational autoencoder whose latents lie on the sphere S². The prior is uniform on the sphere: no place is special,
as the origin is for a normal prior.
"""

import matplotlib.pyplot as plt
import torch

from spherical_gae import SphericalVAE, VAEConfig, fit_vae, load_images
from spherical_gae.data import binarize
from spherical_gae.plotting import plot_images, plot_sphere

images = load_images("digits")
torch.manual_seed(0)
model = SphericalVAE(dim=2, in_features=64)
config = VAEConfig(max_epochs=40, warm_up=10)
result = fit_vae(model, images.train.images, images.val.images, config, progress=False)
print(f"best epoch: {result.best_epoch}")

# %%
# The latents of the test images. Training saw no labels; they are the colours.

x = binarize(images.test.images, torch.Generator().manual_seed(0))
ax = plt.figure(figsize=(8, 4.4), layout="constrained").add_subplot(projection="hammer")
with torch.no_grad():
    plot_sphere(model.encode(x).numpy(), images.test.labels.numpy(), ax)
    log_likelihood = model.log_likelihood(x, num_samples=50)
print(f"log-likelihood: {log_likelihood.mean():.1f} nats")

# %%
# Decoded draws from the uniform prior.

with torch.no_grad():
    plot_images(model.sample(30).numpy(), columns=10, ax=plt.subplots(figsize=(6, 2), layout="constrained")[1])
