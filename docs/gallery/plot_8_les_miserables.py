"""
Les Misérables: embeddings and missing links
============================================

From a networkx graph to embeddings in one object. Nodes keep their names.
"""

import matplotlib.pyplot as plt
import networkx as nx

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.cluster import VonMisesFisherMixture
from spherical_gae.plotting import plot_sphere

graph = nx.les_miserables_graph()
embedding = SphericalGraphEmbedding(dim=3, epochs=100, default_features="hash", random_state=0).fit(graph)
print(embedding.embedding_.shape)

# %%
# Who might know each other, though the graph does not say so? ``probability`` is relative to as many random pairs.

print(embedding.suggest_all(k=5))

# %%
# Who is near to Valjean, and are they linked?

print(embedding.neighbors("Valjean", k=5))

# %%
# With three coordinates the embeddings can be drawn as they are. The colours are clusters.

clusters = VonMisesFisherMixture(5, random_state=0).fit_predict(embedding.embedding_)
ax = plt.figure(figsize=(8, 4.4), layout="constrained").add_subplot(projection="hammer")
plot_sphere(embedding.embedding_, clusters, ax)
