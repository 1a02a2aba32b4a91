"""Negatives for ranking: pairs that share one end with a link."""

from __future__ import annotations

import torch
from torch import Tensor

from spherical_gae.data.edge_sets import EdgeSet

_MAX_ROUNDS = 100


def corrupt_links(
    links: Tensor,
    edge_index: Tensor | EdgeSet,
    num_nodes: int,
    num_per_link: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Replaces one end of each link by a random node, so that a link can be ranked among pairs like it.

    Every other corruption of a link replaces its first end, the rest its second.  The new node is uniform among
    the nodes that are not linked to the end that stays, and not that end itself (the "filtered" setting).

    Args:
        links: int64 [2, P], the links to corrupt.
        edge_index: int64 [2, E], all links of the graph, in either or both directions; or the ``EdgeSet`` of them,
            which to keep for repeated calls.
        num_nodes: Number of nodes N.
        num_per_link: Number K of corruptions of each link, at least 1.
        generator: Random generator on the device of ``links``; default: the global one.

    Returns:
        int64 [2, P, K]; a corruption may occur twice.

    Raises:
        ValueError: If ``num_per_link`` is below 1, or an end is linked to so many nodes that none was found.

    Example:
        >>> ring = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
        >>> corrupt_links(ring[:, :2], ring, num_nodes=30, num_per_link=4).shape
        torch.Size([2, 2, 4])
    """
    if num_per_link < 1:
        raise ValueError(f"num_per_link must be at least 1, got {num_per_link}")
    edges = edge_index if isinstance(edge_index, EdgeSet) else EdgeSet(edge_index, num_nodes)
    first = torch.arange(num_per_link, device=links.device) % 2 == 0
    stays = torch.where(first, links[1, :, None], links[0, :, None])
    new = torch.empty_like(stays)
    todo = torch.ones_like(stays, dtype=torch.bool)
    for _ in range(_MAX_ROUNDS):
        new[todo] = torch.randint(num_nodes, (int(todo.sum()),), generator=generator, device=links.device)
        todo = edges.contains(stays, new) | (stays == new)
        if not todo.any():
            return torch.stack([torch.where(first, new, stays), torch.where(first, stays, new)])
    raise ValueError(
        f"edge_index: given a node that is linked to nearly all of the {num_nodes} nodes, allowed: links of which "
        f"each end leaves others; none was found in {_MAX_ROUNDS} draws"
    )
