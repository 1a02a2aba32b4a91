"""Graphs of every kind with a signal that is planted, and that another reading of the graph does not see."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from spherical_gae.data import clean_graph


def cyclic_blocks(seed: int, num_nodes: int = 300, num_links: int = 2400, noise: float = 0.1) -> Data:
    """Directed: three blocks, links from each to the next; a share of the links leads anywhere."""
    generator = torch.Generator().manual_seed(seed)
    source, target = torch.randint(num_nodes, (2, 8 * num_links), generator=generator)
    kept = ((source + 1) % 3 == target % 3) | (torch.rand(source.numel(), generator=generator) < noise / 3)
    links = torch.stack([source, target])[:, kept & (source != target)][:, :num_links]
    return clean_graph(Data(edge_index=links, num_nodes=num_nodes), directed=True)


def buyers_and_shops(seed: int, sizes: tuple[int, int] = (150, 100), num_links: int = 500, noise: float = 0.2) -> Data:
    """Bipartite: four kinds of nodes, told by their features; buyers of a kind go to shops of the next.

    A share of the links joins any two.
    """
    generator = torch.Generator().manual_seed(seed)
    num_nodes = sum(sizes)
    kind = torch.randint(4, (num_nodes,), generator=generator)
    centre = torch.randn(4, 16, generator=generator)
    a = torch.randint(sizes[0], (12 * num_links,), generator=generator)
    b = sizes[0] + torch.randint(sizes[1], (12 * num_links,), generator=generator)
    kept = ((kind[a] + 1) % 4 == kind[b]) | (torch.rand(a.numel(), generator=generator) < noise / 4)
    x = centre[kind] + 0.5 * torch.randn(num_nodes, 16, generator=generator)
    side = (torch.arange(num_nodes) >= sizes[0]).long()
    links = torch.stack([a, b])[:, kept][:, :num_links]
    return clean_graph(Data(edge_index=links, x=x, side=side, num_nodes=num_nodes))


def preferential_attachment(seed: int, num_nodes: int = 300, num_links: int = 2000) -> Data:
    """Temporal: nodes come one after the other in the first half of the time; ends are chosen by their degrees."""
    generator = torch.Generator().manual_seed(seed)
    links = [(0, 1)]
    ends = [0, 1]
    for step in range(1, num_links):
        count = min(num_nodes, 2 + step * 2 * num_nodes // num_links)
        newcomer = count - 1
        first = newcomer if newcomer not in ends else _popular(ends, count, generator)
        second = _popular(ends, count, generator)
        if first != second:
            links.append((first, second))
            ends += [first, second]
    time = torch.arange(len(links))
    return clean_graph(Data(edge_index=torch.tensor(links).t(), edge_time=time, num_nodes=num_nodes))


def _popular(ends: list[int], num_nodes: int, generator: torch.Generator) -> int:
    """A node by its degree plus one."""
    place = int(torch.randint(len(ends) + num_nodes, (), generator=generator))
    return ends[place] if place < len(ends) else place - len(ends)


def regrouped_attachment(
    seed: int,
    num_nodes: int = 200,
    num_links: int = 3000,
    num_groups: int = 4,
    noise: float = 0.1,
    memory: int = 200,
) -> Data:
    """Temporal: preferential attachment within groups, which are formed anew after half of the links.

    The second end is of the group of the first, by how often it was an end lately, plus one.  A share of the links
    leads anywhere.
    """
    generator = torch.Generator().manual_seed(seed)
    group = torch.randint(num_groups, (num_nodes,), generator=generator).tolist()
    formed_anew = torch.randint(num_groups, (num_nodes,), generator=generator).tolist()
    # In the order of their times.
    links: dict[tuple[int, int], None] = {}
    ends: list[int] = []
    while len(links) < num_links:
        if len(links) == num_links // 2:
            group = formed_anew
        first = int(torch.randint(num_nodes, (), generator=generator))
        candidates = [node for node in [*ends[-memory:], *range(num_nodes)] if group[node] == group[first]]
        if float(torch.rand((), generator=generator)) < noise:
            candidates = list(range(num_nodes))
        second = candidates[int(torch.randint(len(candidates), (), generator=generator))]
        pair = min(first, second), max(first, second)
        if first != second and pair not in links:
            links[pair] = None
            ends += pair
    return clean_graph(
        Data(edge_index=torch.tensor(list(links)).t(), edge_time=torch.arange(num_links), num_nodes=num_nodes)
    )


def two_motifs(seed: int, num_graphs: int = 60) -> Batch:
    """A batch: graphs of two groups that are nearly complete, and rings whose nodes are linked to the nearest four."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for number in range(num_graphs):
        half = int(torch.randint(5, 9, (), generator=generator))
        if number % 2:
            links = [pair for k in (0, half) for pair in itertools.combinations(range(k, k + half), 2)]
            links.append((0, half))
        else:
            links = list(nx.circulant_graph(2 * half, [1, 2]).edges)
        order = torch.randperm(2 * half, generator=generator)
        kept: Tensor = torch.rand(len(links), generator=generator) < 0.9
        graphs.append(Data(edge_index=order[torch.tensor(links)[kept].t()], num_nodes=2 * half))
    return clean_graph(Batch.from_data_list(graphs))


PLANTED: dict[str, Callable[..., Data]] = {
    "directed": cyclic_blocks,
    "bipartite": buyers_and_shops,
    "temporal": preferential_attachment,
    "regrouped": regrouped_attachment,
    "batch": two_motifs,
}
