"""
Moving from power_spherical
===========================

What to write in place of the package ``power_spherical``, line by line. The old line is in the comment above the new
one.
"""

import matplotlib.pyplot as plt
import torch
from torch.distributions import kl_divergence

from spherical_gae import HypersphericalUniform, PowerSpherical, VonMisesFisher

torch.manual_seed(0)
loc = torch.nn.functional.normalize(torch.randn(64, 8), dim=-1)
scale = torch.full((64,), 20.0)

# from power_spherical import PowerSpherical, HypersphericalUniform
# p = PowerSpherical(loc, scale)
p = PowerSpherical(loc, scale)  # scale is called concentration here

# q = HypersphericalUniform(dim=8)
q = HypersphericalUniform(8)

# z = p.rsample()
z = p.rsample()

# kl = torch.distributions.kl_divergence(p, q)
kl = kl_divergence(p, q)

# p.scale
print(z.shape, kl.shape, p.concentration.shape)

# %%
# A ``scale`` of shape ``[64, 1]`` is refused here with what to do. There it makes samples of shape ``[64, 64, 8]``.
#
# Why not a von Mises-Fisher distribution?
# ----------------------------------------
# The Power Spherical distribution was made because sampling the von Mises-Fisher distribution was slow. Here both cost
# the same. Their densities differ most far from the mean direction:

angle = torch.linspace(0, torch.pi, 200)
points = torch.stack([angle.cos(), angle.sin(), torch.zeros(200)], dim=1)
fig, ax = plt.subplots(layout="constrained")
for kind in (VonMisesFisher, PowerSpherical):
    distribution = kind(torch.tensor([1.0, 0.0, 0.0]), torch.tensor(10.0))
    ax.semilogy(angle, distribution.log_prob(points).exp(), label=kind.__name__)
ax.set(xlabel="angle to the mean direction", ylabel="density", ylim=(1e-12, None), title="concentration 10, S²")
ax.legend()
