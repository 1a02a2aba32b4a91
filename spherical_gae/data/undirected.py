"""From any list of edges, weighted or not, to undirected links."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from spherical_gae.data.merging import merge_edges


def undirected_links(edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> tuple[Tensor, Tensor | None]:
    """Makes one link of all edges between two nodes.

    Self-loops are left out.  The weights of parallel edges i -> j are summed; if both directions are given, the link
    has the larger of the two sums.  A link that is listed once in each direction, as undirected graphs are stored,
    thus keeps its weight, as does one that is listed in one direction only: weight_ij = max(W_ij, W_ji).

    Args:
        edge_index: int64 [2, E], edges in any order and direction.
        edge_weight: Weights [E], floating point; None for an unweighted graph, where repeats count once.
        num_nodes: Number of nodes N.

    Returns:
        The links, int64 [2, L], each once as i < j, sorted; and their weights [L], or None.

    Example:
        >>> edge_index = torch.tensor([[0, 0, 1, 2], [1, 1, 0, 2]])
        >>> undirected_links(edge_index, torch.tensor([1.0, 2.0, 3.0, 9.0]), num_nodes=3)
        (tensor([[0],
                [1]]), tensor([3.]))
    """
    merged = merge_edges(edge_index, num_nodes, edge_weight)
    once = merged.edge_index[0] < merged.edge_index[1]
    links = merged.edge_index[:, once]
    if edge_weight is None or merged.edge_weight is None:
        return links, None
    return links, merged.edge_weight[once].to(edge_weight.dtype)


def checked_edge_weight(edge_weight: Tensor, edge_index: Tensor, node_ids: Sequence[int | str] | None = None) -> Tensor:
    """Refuses weights that are no weights.

    Args:
        edge_weight: One number for each edge, [E], of a real dtype.
        edge_index: int64 [2, E].
        node_ids: What the error calls the nodes; their numbers if None.

    Returns:
        The weights, in their dtype if it is a floating point one, else float32.

    Raises:
        ValueError: If the shape is not [E], the dtype not real, or a weight not finite and above 0.
    """
    if edge_weight.shape != edge_index.shape[1:] or edge_weight.is_complex():
        raise ValueError(
            f"edge_weight: given {edge_weight.dtype} of shape {list(edge_weight.shape)}, allowed: a real number for "
            f"each edge, shape [{edge_index.size(1)}]"
        )
    weight = edge_weight if edge_weight.is_floating_point() else edge_weight.float()
    wrong = torch.nonzero(~(weight.isfinite() & (weight > 0))).flatten()
    if wrong.numel():
        place = int(wrong[0])
        ends = [int(node) if node_ids is None else node_ids[int(node)] for node in edge_index[:, place]]
        signs = ""
        if bool((weight < 0).any()):
            signs = (
                "; of a signed graph keep the positive links, edge_index[:, edge_weight > 0], or make a graph of the "
                "negative ones"
            )
        raise ValueError(
            f"edge_weight: given {edge_weight[place].item()} for the edge {ends[0]!r} - {ends[1]!r} ({wrong.numel()} "
            f"of {weight.numel()} are like it), allowed: finite float32 numbers above 0{signs}"
        )
    return weight
