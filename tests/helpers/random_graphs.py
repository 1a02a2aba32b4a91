"""Graphs of every kind in which nothing can be predicted: links, directions and times by chance."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from spherical_gae.data import clean_graph


def random_pairs(num_pairs: int, num_chosen: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(num_pairs, generator=generator)[:num_chosen]


def random_links(num_nodes: int, num_links: int, generator: torch.Generator) -> Tensor:
    """G(n, m), each link once, as i < j."""
    pairs = torch.combinations(torch.arange(num_nodes)).t()
    return pairs[:, random_pairs(pairs.size(1), num_links, generator)]


def undirected(generator: torch.Generator) -> Data:
    return Data(edge_index=random_links(100, 800, generator), num_nodes=100)


def bipartite(generator: torch.Generator) -> Data:
    """Sides of 40 and 60 nodes, mixed."""
    order = torch.randperm(100, generator=generator)
    number = random_pairs(40 * 60, 800, generator)
    edge_index = torch.stack([order[number // 60], order[40 + number % 60]])
    return Data(
        num_nodes=100, edge_index=edge_index, side=torch.zeros(100, dtype=torch.long).index_fill_(0, order[40:], 1)
    )


def batch(generator: torch.Generator) -> Data:
    """60 graphs of 5 to 14 nodes, from very sparse ones to complete ones."""
    graphs = []
    for n in torch.randint(5, 15, (60,), generator=generator).tolist():
        num_links = int(torch.randint(n // 2, n * (n - 1) // 2 + 1, (), generator=generator))
        graphs.append(Data(edge_index=random_links(n, num_links, generator), num_nodes=n))
    return Batch.from_data_list(graphs)


def directed(generator: torch.Generator) -> Data:
    number = random_pairs(100 * 99, 1200, generator)
    source, target = number // 99, number % 99
    return Data(edge_index=torch.stack([source, target + (target >= source)]), num_nodes=100, directed=True)


def temporal(generator: torch.Generator) -> Data:
    """Events: a link may occur several times, and counts from the first one on."""
    links = random_links(100, 800, generator)
    events = links[:, torch.randint(800, (1600,), generator=generator)]
    return Data(edge_index=events, edge_time=torch.rand(1600, generator=generator), num_nodes=100)


KINDS: dict[str, Callable[[torch.Generator], Data]] = {
    "undirected": undirected,
    "bipartite": bipartite,
    "batch": batch,
    "directed": directed,
    "temporal": temporal,
}


def random_graph(kind: str, seed: int, with_features: bool = False) -> Data:
    """One of ``KINDS``, cleaned; its features are numbers by chance, or the default ones."""
    generator = torch.Generator().manual_seed(seed)
    data = KINDS[kind](generator)
    if with_features:
        data.x = torch.randn(int(data.num_nodes), 16, generator=generator)
    return clean_graph(data)
