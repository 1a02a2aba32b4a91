"""The splits of PyG's RandomLinkSplit, taken as they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import remove_self_loops

from spherical_gae.data.kinds import check_graph
from spherical_gae.data.splits.given import link_split
from spherical_gae.data.splits.parts import LinkSplit

_NAMES = ("train", "val", "test")


def from_random_link_split(parts: Any) -> LinkSplit:
    """Takes the three parts that PyG's ``RandomLinkSplit`` returns, and checks them.

    Positives and negatives are those of the parts, whether PyG split them (``split_train_test=True`` gives
    ``pos_edge_label_index`` and ``neg_edge_label_index``) or labelled them (``edge_label_index`` and ``edge_label``).
    Training negatives are left out, as training draws new ones in each epoch.

    Message passing sees the training links in all parts: PyG's test part has the validation links in it, too.  With
    ``disjoint_train_ratio`` PyG's training part lists some links for message passing and the others for supervision;
    here training uses both for both, with the weights that the validation part has of them all.  Self-loops are left
    out, as ``split_links`` does.

    Args:
        parts: ``RandomLinkSplit(...)(data)``, made with ``is_undirected=True`` unless the graph is directed and has
            ``directed`` set to True.

    Raises:
        TypeError: If these are not three ``Data``.
        ValueError: If a part has no positives or, but for the first, no negatives; or as :func:`link_split`, such as
            for a graph that was undirected and split without ``is_undirected=True``: a link is then in two parts.

    Example:
        >>> from torch_geometric.transforms import RandomLinkSplit
        >>> from spherical_gae import load_graph
        >>> parts = RandomLinkSplit(is_undirected=True)(load_graph("digits"))
        >>> from_random_link_split(parts).val.pos_edge_label_index.size(1) == parts[1].edge_label.sum() // 1
        tensor(True)
    """
    if not isinstance(parts, (tuple, list)) or len(parts) != 3:
        given = f"{len(parts)} parts" if isinstance(parts, (tuple, list)) else type(parts).__name__
        raise TypeError(f"parts must be the three Data that RandomLinkSplit returns, got {given}")
    for name, part in zip(_NAMES, parts, strict=True):
        check_graph(part, f"split.{name}")
    train = parts[0]
    positives, negatives = zip(*(_labelled(name, part) for name, part in zip(_NAMES, parts, strict=True)), strict=True)
    positives = tuple(remove_self_loops(links)[0] for links in positives)
    # Links that PyG lists for message passing only.
    visible = torch.cat([remove_self_loops(train.edge_index)[0], positives[0]], dim=1)
    whole = train.clone()
    if train.edge_weight is not None and parts[1].edge_weight is not None and _new(positives[0], train):
        # With disjoint_train_ratio PyG leaves out the weights of the links to supervise; the next part lists all.
        whole.edge_index, whole.edge_weight = parts[1].edge_index, parts[1].edge_weight
    try:
        return link_split(
            whole,
            train=visible,
            val=positives[1],
            test=positives[2],
            val_negatives=negatives[1],
            test_negatives=negatives[2],
        )
    except ValueError as error:
        hint = ""
        if "leak" in str(error) and not whole.get("directed"):
            hint = (
                "; of an undirected graph RandomLinkSplit needs is_undirected=True, of a directed one set "
                "data.directed = True before"
            )
        raise ValueError(f"split.{error}{hint}") from error


def _labelled(name: str, part: Data) -> tuple[Tensor, Tensor]:
    """Positives and negatives of a part."""
    if part.get("pos_edge_label_index") is not None:
        positive, negative = part.pos_edge_label_index, part.get("neg_edge_label_index")
    elif part.get("edge_label_index") is not None and part.get("edge_label") is not None:
        # With a label of its own for each kind of link, PyG counts the links from 1 on, and 0 is still none.
        is_link = part.edge_label > 0
        positive, negative = part.edge_label_index[:, is_link], part.edge_label_index[:, ~is_link]
    else:
        raise ValueError(
            f"split.{name}: given neither pos_edge_label_index nor edge_label_index with edge_label, allowed: a part "
            f"that RandomLinkSplit or split_links made"
        )
    if name != "train" and (negative is None or negative.numel() == 0):
        raise ValueError(
            f"split.{name}.neg_edge_label_index: given none, allowed: negatives to hold the links against; "
            f"RandomLinkSplit makes them with add_negative_train_samples or neg_sampling_ratio > 0"
        )
    return positive, negative


def _new(positives: Tensor, train: Data) -> bool:
    """Whether there is a link that message passing does not list."""
    number = train.num_nodes
    ends = torch.stack([positives.amin(0), positives.amax(0)])
    listed = torch.stack([train.edge_index.amin(0), train.edge_index.amax(0)])
    return not bool(torch.isin(ends[0] * number + ends[1], listed[0] * number + listed[1]).all())
