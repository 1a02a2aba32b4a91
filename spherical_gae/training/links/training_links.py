"""What a run must know of the training part of a split: its links, and how often a node is an end of a negative."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.graphwise_negatives import GraphwiseSampler
from spherical_gae.data.negatives import NonEdgeSampler


def all_training_links(train: Data) -> Tensor:
    """The links of message passing, and those to predict that are not among them.

    Args:
        train: Training part of a split.

    Returns:
        int64 [2, E], ``train.edge_index`` itself where it lists all.
    """
    missing = unlisted_links(train)
    return train.edge_index if not missing.size(1) else torch.cat([train.edge_index, missing, missing.flip(0)], dim=1)


def unlisted_links(train: Data) -> Tensor:
    """The links to predict that message passing does not see, int64 [2, M]."""
    directed, num_nodes = bool(train.get("directed")), int(train.num_nodes)
    listed, links = (_numbers(pairs, num_nodes, directed) for pairs in (train.edge_index, train.pos_edge_label_index))
    return train.pos_edge_label_index[:, ~torch.isin(links, listed)]


def check_maskable(train: Data) -> None:
    """Refuses masks where links to predict are never seen: a mask hides and predicts what message passing sees.

    Raises:
        ValueError: If there is such a link.
    """
    missing = unlisted_links(train).size(1)
    if missing:
        raise ValueError(
            f"mask_share must be 0 where message passing does not see all links to predict, {missing} of "
            f"{train.pos_edge_label_index.size(1)} here; or add them to split.train.edge_index, which a mask hides"
        )


def end_weights(train: Data, sampler: NonEdgeSampler) -> Tensor | None:
    """By what to weight the ends of negatives, so that their mean is the mean over all nodes.

    Of one graph with nodes of one kind, ends are uniform but for the nodes' own links, and need none.  Of a bipartite
    graph half of them are on each side, however few nodes it has; in a batch each graph has as many as it has links.

    Args:
        train: Training part of a split.
        sampler: What draws the negatives, see ``negative_sampler``.

    Returns:
        Float32 [N], 1 / (N P(i)) with the probability P(i) that an end is node i, uniform within a graph and a side;
        None for weights of 1.  Nodes of graphs without negatives have weight 0.
    """
    side = train.get("side")
    batch = train.batch if isinstance(sampler, GraphwiseSampler) else None
    if side is None and batch is None:
        return None
    group = torch.zeros(int(train.num_nodes), dtype=torch.long) if batch is None else batch.cpu()
    share = torch.ones(1) if batch is None else sampler.graph_shares.cpu()  # type: ignore[attr-defined]
    if side is not None:
        group, share = 2 * group + side.cpu(), (share / 2).repeat_interleave(2)
    size = torch.bincount(group, minlength=share.numel()).float()
    weight = torch.where(share > 0, size / (size.sum() * share), 0.0)
    return weight[group]


def _numbers(pairs: Tensor, num_nodes: int, directed: bool) -> Tensor:
    i, j = pairs
    return i * num_nodes + j if directed else torch.minimum(i, j) * num_nodes + torch.maximum(i, j)
