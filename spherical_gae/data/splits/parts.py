"""The three parts of a split, and how they are made from the links of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.kinds import KIND_ATTRIBUTES

_SHARED = ("x", "y", "name", *KIND_ATTRIBUTES)


class LinkSplit(NamedTuple):
    """Three parts of one graph; see :func:`split_links` for what each carries.

    Example:
        >>> from spherical_gae import load_graph, split_links
        >>> train, val, test = split_links(load_graph("digits"))
        >>> train.edge_index is test.edge_index  # message passing sees the training links only
        True
    """

    train: Data
    val: Data
    test: Data


def make_split(
    data: Data,
    positives: Sequence[Tensor],
    negatives: Sequence[Tensor],
    edge_weight: Tensor | None = None,
    edge_time: Tensor | None = None,
) -> LinkSplit:
    """Puts together the parts of a split.

    Args:
        data: The graph; its ``x``, ``y``, ``name``, ``batch``, ``side`` and ``directed`` are shared by the parts, and
            the parts are on the device of its ``edge_index``.
        positives: int64 [2, P] of each part, each link once.
        negatives: int64 [2, Q] or [P, K, 2] of the second and the third part.
        edge_weight: Weights of the training links, [P].
        edge_time: Times of the training links, [P].
    """
    device = data.edge_index.device
    both = not data.get("directed")
    links = positives[0]
    visible = {"edge_index": torch.cat([links, links.flip(0)], dim=1) if both else links}
    for key, value in (("edge_weight", edge_weight), ("edge_time", edge_time)):
        if value is not None:
            visible[key] = value.repeat(2) if both else value
    visible = {key: value.to(device) for key, value in visible.items()}
    shared = {key: data[key] for key in _SHARED if key in data}
    parts = []
    for number, own in enumerate(positives):
        part = Data(**visible, num_nodes=data.num_nodes, **shared)
        part.pos_edge_label_index = own.to(device)
        if number:
            part.neg_edge_label_index = negatives[number - 1].to(device)
            if not both:
                part.reversed_edge_label_index = _reversed(own, torch.cat(list(positives), 1), data.num_nodes).to(
                    device
                )
        parts.append(part)
    return LinkSplit(*parts)


def _reversed(links: Tensor, all_links: Tensor, num_nodes: int) -> Tensor:
    """The pairs j -> i of links i -> j that are no links themselves."""
    numbers = all_links[0] * num_nodes + all_links[1]
    turned = links.flip(0)
    return turned[:, ~torch.isin(turned[0] * num_nodes + turned[1], numbers)]
