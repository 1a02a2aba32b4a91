"""
From PyG's VGAE to S-VGAE
=========================

Two lines of a script change: the encoder's last layer and the class of the model. Here both run side by side, on half
images of handwritten digits: the features are the upper halves, the links join similar lower halves.
"""

import matplotlib.pyplot as plt
import torch
from torch_geometric.nn import VGAE, GCNConv

from spherical_gae import SphericalGAE, load_graph, split_links

train, val, test = split_links(load_graph("digits"), seed=0)

# %%
# The encoder. PyG's ``VGAE`` wants a mean and a log standard deviation, both of the size of the embedding. On the
# sphere these are a direction and **one** concentration.


class Encoder(torch.nn.Module):
    def __init__(self, num_features, size, spread_size):
        super().__init__()
        self.hidden = GCNConv(num_features, 32)
        self.center = GCNConv(32, size)
        self.spread = GCNConv(32, spread_size)

    def forward(self, x, edge_index):
        h = self.hidden(x, edge_index).relu()
        return self.center(h, edge_index), self.spread(h, edge_index)


torch.manual_seed(0)
models = {
    "PyG's VGAE": VGAE(Encoder(train.num_features, 16, 16)),
    "S-VGAE": SphericalGAE(Encoder(train.num_features, 16, 1)),
}

# %%
# The loop is the same for both.

scores = {}
for name, model in models.items():
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scores[name] = []
    for _ in range(60):
        model.train()
        optimizer.zero_grad()
        z = model.encode(train.x, train.edge_index)
        loss = model.recon_loss(z, train.pos_edge_label_index) + model.kl_loss() / train.num_nodes
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            z = model.encode(train.x, train.edge_index)
        auc, _ = model.test(z, val.pos_edge_label_index, val.neg_edge_label_index)
        scores[name].append(100 * auc)

fig, ax = plt.subplots(layout="constrained")
for name, values in scores.items():
    ax.plot(values, label=name)
ax.set(xlabel="epoch", ylabel="validation AUC (%)")
ax.legend()

# %%
# In evaluation mode, the embeddings of an S-VGAE are unit vectors: their inner products are cosines.

print(z.norm(dim=-1)[:5])
