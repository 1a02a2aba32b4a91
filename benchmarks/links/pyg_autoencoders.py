"""PyG's GAE and VGAE with the settings of its examples/autoencoder.py, trained by the protocol of this benchmark."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor
from torch_geometric import seed_everything
from torch_geometric.data import Data
from torch_geometric.nn import GAE, VGAE, GCNConv
from torch_geometric.transforms import NormalizeFeatures

from spherical_gae.data import LinkSplit
from spherical_gae.evaluation import auc_ap

EPOCHS = 200
CHANNELS = 16
LEARNING_RATE = 0.01


class Encoder(torch.nn.Module):
    """Two graph convolutions, the second with one or two outputs."""

    def __init__(self, in_channels: int, num_outputs: int) -> None:
        super().__init__()
        self.hidden = GCNConv(in_channels, 2 * CHANNELS)
        self.outputs = torch.nn.ModuleList(GCNConv(2 * CHANNELS, CHANNELS) for _ in range(num_outputs))

    def forward(self, x: Tensor, edge_index: Tensor) -> Any:
        """The mean, and for the VGAE its log standard deviation."""
        hidden = self.hidden(x, edge_index).relu()
        outputs = tuple(layer(hidden, edge_index) for layer in self.outputs)
        return outputs if len(outputs) > 1 else outputs[0]


def make_model(method: str, in_channels: int, seed: int) -> GAE:
    """``"pyg-gae"`` or ``"pyg-vgae"`` with fresh weights."""
    # PyG's negative sampling draws from Python's and NumPy's generators as well.
    seed_everything(seed)
    return VGAE(Encoder(in_channels, 2)) if method == "pyg-vgae" else GAE(Encoder(in_channels, 1))


def prepare(split: LinkSplit) -> Data:
    """The training part with row-normalised features, as in the example."""
    return NormalizeFeatures()(copy.copy(split.train))


def training_step(model: GAE, optimizer: torch.optim.Optimizer, train: Data) -> None:
    """One epoch of the example."""
    model.train()
    optimizer.zero_grad()
    z = model.encode(train.x, train.edge_index)
    loss = model.recon_loss(z, train.pos_edge_label_index)
    if isinstance(model, VGAE):
        loss = loss + model.kl_loss() / train.num_nodes
    loss.backward()
    optimizer.step()


@torch.no_grad()
def embed(model: GAE, train: Data) -> Tensor:
    """Embeddings in evaluation mode."""
    model.eval()
    return model.encode(train.x, train.edge_index)


def train_embeddings(split: LinkSplit, method: str, seed: int) -> tuple[dict[str, Any], Tensor, Tensor]:
    """Validation scores, and the embeddings of the best and of the last epoch."""
    model, train = make_model(method, split.train.num_features, seed), prepare(split)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    best: tuple[float, dict[str, Any], Tensor] = (-1.0, {}, torch.empty(0))
    for epoch in range(1, EPOCHS + 1):
        training_step(model, optimizer, train)
        z = embed(model, train)
        scores = inner_product_scores(z, split.val)
        if sum(scores) > best[0]:
            chosen = {"val_auc": scores[0], "val_ap": scores[1], "best_epoch": epoch}
            best = sum(scores), chosen, z
    return best[1], best[2], z


def inner_product_scores(z: Tensor, part: Data) -> tuple[float, float]:
    """AUC and AP of inner products on a part's links and non-links."""
    return auc_ap(
        *((z[pairs[0]] * z[pairs[1]]).sum(-1) for pairs in (part.pos_edge_label_index, part.neg_edge_label_index))
    )
