"""
A globe to turn
===============

``write_globe`` writes embeddings as one HTML file that needs no network: turn it with the mouse, click a node, search a
name. On the command line: ``spherical-gae view``.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.embedding import write_view
from spherical_gae.plotting import plot_sphere

graph = nx.karate_club_graph()
embedding = SphericalGraphEmbedding(dim=8, epochs=50, default_features="hash", random_state=0).fit(graph)
club = [graph.nodes[node]["club"] for node in graph]
path = Path(tempfile.mkdtemp()) / "karate.html"
shown = write_view(embedding, path, labels=club, title="karate club")

# %%
# How eight coordinates became three is said on the page, too.

print(shown.description)
print(f"{path.stat().st_size / 1e6:.1f} MB")

# %%
# The same places in a picture that does not turn:

ax = plt.figure(figsize=(8, 4.4), layout="constrained").add_subplot(projection="hammer")
plot_sphere(shown.points, [name == "Officer" for name in club], ax, names=["Mr. Hi", "Officer"])
