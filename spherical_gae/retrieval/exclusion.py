"""What a search leaves out: a node is its own nearest neighbour, and known links are no news."""

from __future__ import annotations

import torch
from torch import Tensor


def known_partners(node_index: Tensor, num_nodes: int, known_edge_index: Tensor | None = None) -> Tensor:
    """Pairs of a query and a node that it shall not find: the node itself, and those it is linked to.

    Args:
        node_index: int64 [Q], the nodes that the queries are about; a node may occur twice.
        num_nodes: Number of nodes N.
        known_edge_index: int64 [2, E], known links; each counts in both directions, however it is given.

    Returns:
        int64 [2, X], pairs (position in ``node_index``, node), for the argument ``exclude`` of a search.

    Raises:
        ValueError: If shapes or dtypes are wrong, or a node id is outside [0, N).

    Example:
        >>> known_partners(torch.tensor([7, 3]), 9, torch.tensor([[3, 0], [5, 3]]))
        tensor([[0, 1, 1, 1],
                [7, 3, 5, 0]])
    """
    _check("node_index", node_index, 1, num_nodes)
    itself = torch.stack([torch.arange(node_index.numel(), device=node_index.device), node_index])
    if known_edge_index is None:
        return itself
    _check("known_edge_index", known_edge_index, 2, num_nodes)
    known = known_edge_index.to(node_index.device)
    source, target = torch.cat([known, known.flip(0)], dim=1)
    source, order = source.sort(stable=True)
    # The links of a node are a run in the sorted list.
    first = torch.searchsorted(source, node_index)
    count = torch.searchsorted(source, node_index, right=True) - first
    query = torch.repeat_interleave(count)
    within = torch.arange(query.numel(), device=query.device) - (count.cumsum(0) - count)[query]
    return torch.cat([itself, torch.stack([query, target[order[first[query] + within]]])], dim=1)


def _check(name: str, index: Tensor, dim: int, num_nodes: int) -> None:
    if index.dim() != dim or index.dtype != torch.long or (dim == 2 and index.size(0) != 2):
        raise ValueError(
            f"{name}: given {index.dtype} of shape {list(index.shape)}, allowed: torch.int64 of shape "
            f"{'[Q]' if dim == 1 else '[2, E]'}"
        )
    if index.numel() and not (int(index.min()) >= 0 and int(index.max()) < num_nodes):
        raise ValueError(
            f"{name}: given node ids {int(index.min())} to {int(index.max())}, allowed: 0 to {num_nodes - 1}"
        )
