"""A directed graph as an undirected one: each node once as a source and once as a target."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.kinds import check_graph
from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.data.splits.parts import LinkSplit

_PAIRS = ("pos_edge_label_index", "neg_edge_label_index", "reversed_edge_label_index")


def double_cover(data: Data) -> Data:
    """The bipartite double cover: node i becomes i, the source, and N + i, the target; a link i -> j joins i and N + j.

    Whatever encodes and decodes undirected links then predicts directed ones: the source i and the target j have
    embeddings of their own, and j -> i is another pair than i -> j.  Messages go from the targets of a node's links
    to it as a source, and from their sources to it as a target.

    A feature of a node is another one when it is a source than when it is a target, so that a linear map of them has
    weights for both.

    Args:
        data: A directed graph of N nodes, or a part of a directed split: ``directed`` is True, ``edge_index`` has one
            column for each link.

    Returns:
        A new ``Data`` of 2 N nodes with ``double_cover = True``: ``edge_index`` with both directions of each link,
        ``edge_weight`` and ``edge_time`` of each where the graph has them; ``x`` [2 N, 2 F], sources' features in the
        first F columns and targets' in the others; ``y``, ``batch`` and ``name``; and the labelled pairs of a part.

    Raises:
        TypeError: If ``data`` is no ``Data`` of tensors.
        ValueError: If it is not directed.

    Example:
        >>> data = Data(x=torch.ones(3, 1), edge_index=torch.tensor([[0, 1], [1, 2]]), directed=True)
        >>> cover = double_cover(data)
        >>> cover.edge_index
        tensor([[0, 1, 4, 5],
                [4, 5, 0, 1]])
        >>> cover.x.tolist()
        [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    check_graph(data)
    if not data.get("directed"):
        raise ValueError("data: given an undirected graph, allowed: one whose directed is True")
    num_nodes = int(data.num_nodes)
    cover = Data(edge_index=cover_edges(data.edge_index, num_nodes), num_nodes=2 * num_nodes, double_cover=True)
    if data.x is not None:
        cover.x = cover_features(data.x)
    for key in ("edge_weight", "edge_time", "y", "batch"):
        if data.get(key) is not None:
            cover[key] = data[key].repeat(2)
    for key in ("name", "is_unseen"):
        if data.get(key) is not None:
            cover[key] = data[key]
    for key in _PAIRS:
        if data.get(key) is not None:
            cover[key] = cover_pairs(data[key], num_nodes)
    return cover


def cover_split(split: LinkSplit) -> LinkSplit:
    """The double covers of the three parts of a directed split; features that the parts share stay shared.

    Args:
        split: From ``split_links`` or ``link_split``, of a graph whose ``directed`` is True.

    Raises:
        ValueError: If the split is not directed.

    Example:
        >>> from spherical_gae.data import clean_graph, split_links
        >>> ring = torch.stack([torch.arange(60), (torch.arange(60) + 1) % 60])
        >>> split = split_links(clean_graph(Data(edge_index=ring), directed=True))
        >>> cover_split(split).train.num_nodes
        120
    """
    covers: dict[int, Data] = {}
    train = double_cover(split.train)
    covers[id(split.train)] = train
    for part in split[1:]:
        if id(part) not in covers:
            # The features, which may be large, once.
            shared = part.x is split.train.x
            covers[id(part)] = double_cover(Data(**{**part.to_dict(), "x": None}) if shared else part)
            if shared:
                covers[id(part)].x = train.x
    return LinkSplit(*(covers[id(part)] for part in split))


def cover_edges(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Both directions of the links of the cover, int64 [2, 2 E], of links i -> j, int64 [2, E].

    Raises:
        ValueError: If they are no integers [2, E] from 0 to N - 1.
    """
    links = cover_pairs(checked_edge_index(edge_index, num_nodes), num_nodes)
    return torch.cat([links, links.flip(0)], dim=1)


def cover_pairs(pairs: Tensor, num_nodes: int) -> Tensor:
    """The pairs (i, N + j) of ordered pairs (i, j), int64 [2, P] or [P, K, 2]."""
    offset = torch.tensor([0, num_nodes], device=pairs.device)
    return pairs + (offset[:, None] if pairs.dim() == 2 else offset)


def cover_features(x: Tensor) -> Tensor:
    """Features [2 N, 2 F], of sources in the first F columns and of targets in the others, of features [N, F]."""
    if x.layout != torch.strided:
        entries = x.to_sparse_coo().coalesce()
        index = entries.indices()
        shift = torch.tensor([[x.size(0)], [x.size(1)]], device=x.device)
        size = (2 * x.size(0), 2 * x.size(1))
        both = torch.cat([index, index + shift], dim=1)
        return torch.sparse_coo_tensor(both, entries.values().repeat(2), size, check_invariants=False)
    return torch.block_diag(x, x)
