"""
One autoencoder, five distributions
===================================

A head turns the outputs of an encoder into a distribution. The rest of the model stays as it is. Here the same small
network is trained with five heads on images of digits, with ten latent dimensions.
"""

import matplotlib.pyplot as plt
import torch

from spherical_gae import NormalVAE, SphericalVAE, VAEConfig, fit_vae, load_images
from spherical_gae.data import binarize
from spherical_gae.nn import PowerSphericalHead, ProjectedNormalHead, SphericalCauchyHead, VonMisesFisherHead

images = load_images("digits")
heads = {
    "von Mises-Fisher": VonMisesFisherHead(),
    "projected normal": ProjectedNormalHead(),
    "Power Spherical": PowerSphericalHead(),
    "spherical Cauchy": SphericalCauchyHead(),
    "normal": None,
}
x = binarize(images.test.images, torch.Generator().manual_seed(0))
likelihood = {}
for name, head in heads.items():
    torch.manual_seed(0)
    model = SphericalVAE(dim=10, in_features=64, head=head) if head else NormalVAE(dim=10, in_features=64)
    fit_vae(model, images.train.images, images.val.images, VAEConfig(max_epochs=15, warm_up=5), progress=False)
    with torch.no_grad():
        likelihood[name] = float(model.log_likelihood(x, num_samples=50).mean())

fig, ax = plt.subplots(layout="constrained")
ax.barh(list(likelihood), list(likelihood.values()))
ax.set(xlabel="test log-likelihood (nats, larger is better)", xlim=(min(likelihood.values()) - 1, None))
ax.invert_yaxis()

# %%
# One seed and fifteen epochs: an example, not a comparison. :doc:`/results/images` has the tables.

for name, value in likelihood.items():
    print(f"{name:<18} {value:.2f}")
