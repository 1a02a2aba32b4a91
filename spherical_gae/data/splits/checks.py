"""Is this a split that a model can be trained and scored on?  Asked before any work."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import is_undirected

from spherical_gae.data.kinds import check_graph, pair_space
from spherical_gae.data.pairs import checked_pairs
from spherical_gae.data.splits.of_pyg import from_random_link_split
from spherical_gae.data.splits.parts import LinkSplit


def checked_split(split: Any) -> LinkSplit:
    """A split, checked; three parts in a row that are no ``LinkSplit`` are taken for those of PyG's RandomLinkSplit.

    Args:
        split: A ``LinkSplit``, or what PyG's ``RandomLinkSplit`` returns.  Where nothing is tested, the validation part
            may stand for the test part as well, the same object.

    Returns:
        The same parts, or those of :func:`~spherical_gae.data.from_random_link_split`.

    Raises:
        TypeError: If it is neither, or a part is no ``Data``, such as ``HeteroData``, or holds NumPy arrays.
        ValueError: If a part has no links or negatives, these are of a wrong shape, type or range, message passing sees
            a link in one direction only, or a validation or test link is a training link or is seen by message passing:
            a leak.

    Example:
        >>> from spherical_gae import load_graph, split_links
        >>> split = split_links(load_graph("digits"))
        >>> checked_split(split) is split
        True
    """
    if not isinstance(split, LinkSplit):
        if isinstance(split, (tuple, list)) and len(split) == 3 and all(isinstance(part, Data) for part in split):
            return from_random_link_split(split)
        raise TypeError(
            f"split must be a LinkSplit, got {type(split).__name__}: make one by split_links(data), by link_split of "
            f"links that are split already, or by LinkSplit(train, val, test) of three Data with edge_index, "
            f"pos_edge_label_index and, but for the first, neg_edge_label_index"
        )
    for name, part in zip(split._fields, split, strict=True):
        check_graph(part, f"split.{name}")
    train = split.train
    num_nodes, directed = int(train.num_nodes), bool(train.get("directed"))
    if train.edge_index is None:
        raise ValueError("split.train.edge_index: given none, allowed: the links for message passing")
    if not directed and not is_undirected(train.edge_index, num_nodes=num_nodes):
        raise ValueError(
            "split.train.edge_index: given links in one direction only, allowed: both directions of each link; add the "
            "missing ones by torch_geometric.utils.to_undirected, or set directed = True in all parts"
        )
    seen = _numbers(train.edge_index, num_nodes, directed)
    numbers = {}
    for name, part in zip(split._fields, split, strict=True):
        label = f"split.{name}.pos_edge_label_index"
        links = _pairs(part, "pos_edge_label_index", label, num_nodes)
        if links.dim() != 2:
            raise ValueError(f"{label}: given shape {list(links.shape)}, allowed: [2, P], one pair for each link")
        numbers[name] = _numbers(links, num_nodes, directed)
        if name == "train":
            continue
        _refuse(label, links, torch.isin(numbers[name], seen), "that message passing sees (split.train.edge_index)")
        _refuse(label, links, torch.isin(numbers[name], numbers["train"]), "that are training links too")
        negatives = _pairs(part, "neg_edge_label_index", f"split.{name}.neg_edge_label_index", num_nodes)
        if negatives.dim() == 3 and negatives.size(0) != links.size(1):
            raise ValueError(
                f"split.{name}.neg_edge_label_index: given {list(negatives.shape)}, allowed: [2, Q], or [P, K, 2] with "
                f"the P = {links.size(1)} links of the part"
            )
        _check_kind(train, f"split.{name}.neg_edge_label_index", negatives)
        if part.get("reversed_edge_label_index") is not None and part.reversed_edge_label_index.numel():
            _pairs(part, "reversed_edge_label_index", f"split.{name}.reversed_edge_label_index", num_nodes)
    if split.test is not split.val:
        test = _pairs(split.test, "pos_edge_label_index", "", num_nodes)
        shared = torch.isin(numbers["test"], numbers["val"])
        _refuse("split.test.pos_edge_label_index", test, shared, "that are validation links too")
    return split


def _pairs(part: Data, key: str, name: str, num_nodes: int) -> Tensor:
    given = part.get(key)
    if given is None:
        raise ValueError(f"{name}: given none, allowed: pairs of nodes, integers of shape [2, P]")
    if not isinstance(given, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(given).__name__}: link_split takes arrays")
    return checked_pairs(name, given, num_nodes)


def _numbers(pairs: Tensor, num_nodes: int, directed: bool) -> Tensor:
    i, j = pairs.cpu()
    return i * num_nodes + j if directed else torch.minimum(i, j) * num_nodes + torch.maximum(i, j)


def _refuse(name: str, links: Tensor, wrong: Tensor, what: str) -> None:
    if wrong.any():
        i, j = links[:, wrong.nonzero()[0, 0].to(links.device)].tolist()
        raise ValueError(
            f"{name}: given {int(wrong.sum())} links {what}, such as {i} - {j}, a leak, allowed: links of no other part"
        )


def _check_kind(train: Data, name: str, negatives: Tensor) -> None:
    """Refuses negatives that join two graphs or lie within a side: telling them from links is no feat."""
    space = pair_space(train)
    if space is None:
        return
    listed = (negatives if negatives.dim() == 2 else negatives.flatten(0, 1).t()).to(train.edge_index.device)
    outside = ~space.contains(listed[0], listed[1])
    if outside.any():
        i, j = listed[:, outside.nonzero()[0, 0]].tolist()
        raise ValueError(
            f"{name}: given {int(outside.sum())} pairs that are no {space.name}, such as {i} - {j}, allowed: "
            f"{space.name}; split_links and link_split keep to them"
        )
