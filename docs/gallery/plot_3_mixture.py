"""
A mixture on the sphere in six lines
====================================

The distributions are ``torch.distributions``, so that torch's own mixture takes them. Its parameters are learned by
gradient descent; ``spherical_gae.cluster`` has expectation maximisation for the same.
"""

import matplotlib.pyplot as plt
import torch
from torch.distributions import Categorical, MixtureSameFamily

from spherical_gae import VonMisesFisher
from spherical_gae.cluster import VonMisesFisherMixture
from spherical_gae.plotting import plot_sphere

torch.manual_seed(0)
weights = torch.tensor([0.5, 0.3, 0.2])
components = VonMisesFisher(torch.eye(3), torch.tensor([5.0, 20.0, 80.0]))
mixture = MixtureSameFamily(Categorical(weights), components)
z = mixture.sample((600,))
print("mean log density:", mixture.log_prob(z).mean())

# %%
# The same components, found from the points alone.

found = VonMisesFisherMixture(3, random_state=0).fit(z.double().numpy())
print("weights", found.weights_.round(2))
print("concentrations", found.concentrations_.round(1))

ax = plt.figure(figsize=(8, 4.4), layout="constrained").add_subplot(projection="hammer")
plot_sphere(z.numpy(), found.labels_, ax)
