"""A small graph by chance, and the sizes of models for it."""

import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

NUM_NODES, NUM_FEATURES, DIM = 20, 6, 4


def small_graph() -> Data:
    """The same one each time; the global generator is left behind its draws."""
    torch.manual_seed(0)
    edge_index = to_undirected(torch.randint(NUM_NODES, (2, 40)))
    return Data(x=torch.randn(NUM_NODES, NUM_FEATURES), edge_index=edge_index)
