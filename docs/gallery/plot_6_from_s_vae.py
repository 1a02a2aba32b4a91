"""
Moving from the authors' s-vae-pytorch
======================================

What to write in place of ``hyperspherical_vae``, line by line. The old line is in the comment above the new one.
"""

import matplotlib.pyplot as plt
import torch
from torch.distributions import kl_divergence

from spherical_gae import HypersphericalUniform, SphericalVAE, VonMisesFisher

torch.manual_seed(0)
mean = torch.nn.functional.normalize(torch.randn(64, 10), dim=-1)
concentration = torch.full((64, 1), 20.0)

# from hyperspherical_vae.distributions import VonMisesFisher, HypersphericalUniform
# q_z = VonMisesFisher(mean, concentration)
q_z = VonMisesFisher(mean, concentration.squeeze(-1))  # one number a row: shape [64], not [64, 1]

# p_z = HypersphericalUniform(10 - 1)
p_z = HypersphericalUniform(10)  # coordinates, not the dimension of the sphere

# z = q_z.rsample()
z = q_z.rsample()

# kl = torch.distributions.kl.kl_divergence(q_z, p_z)
kl = kl_divergence(q_z, p_z)

# log_q = q_z.log_prob(z)
log_q = q_z.log_prob(z)
print(z.shape, kl.shape, log_q.shape)

# %%
# What also changes
# -----------------
# - ``batch_shape`` is ``[64]`` and ``event_shape`` is ``[10]``, as elsewhere in ``torch.distributions``.
# - Samples have the right distribution for every concentration. Above 10, the authors' code takes another constant in
#   its rejection sampler, and draws points too far from the mean.
# - The gradient of samples in the concentration has no bias.
# - Nothing underflows: any dimension, any concentration.
#
# The mean of the cosine, drawn against exact, for large dimensions:

dims = [2, 3, 10, 50, 128, 1000, 10_000]
drawn, exact = [], []
for dim in dims:
    distribution = VonMisesFisher(torch.eye(dim)[0], torch.tensor(20.0))
    drawn.append(distribution.sample((1000,))[:, 0].mean())
    exact.append(distribution.mean[0])
fig, ax = plt.subplots(layout="constrained")
ax.semilogx(dims, exact, label="exact")
ax.semilogx(dims, drawn, "o", label="mean of 1,000 samples")
ax.set(xlabel="coordinates", ylabel="cosine to the mean direction", title="concentration 20")
ax.legend()

# %%
# The model
# ---------
# ``ModelVAE(h_dim=128, z_dim=5, distribution="vmf")`` of the authors' example is this, with the same perceptron. There
# ``z_dim`` counts coordinates less one as well: S⁵ has six of them.

model = SphericalVAE(dim=5, in_features=784)
print(model.encode(torch.rand(3, 784)).shape)
